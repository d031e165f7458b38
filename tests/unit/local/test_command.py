"""The commands without a cloud: errors a person can act on, packages, places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local import __main__ as command
from local import jars, packages, seed
from local.deploy import App
from local.errors import StepError
from local.places import ROOT, Places


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HELIOGRAPH_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_an_error_shows_cause_fix_and_the_end_of_the_log(tmp_path: Path) -> None:
    """The last 20 lines are enough to go on, and the path leads to the rest."""
    log = tmp_path / "deploy.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    text = str(StepError("The deployment failed.", cause="a type", fix="make up", log=log))
    assert text.startswith("The deployment failed.\n  cause  a type\n  fix    make up\n  | line 80\n")
    assert text.endswith(f"  | line 99\n  log    {log}")


def test_status_of_nothing_says_down_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A script can tell from the exit status alone."""
    assert command.main(["status"]) == 1
    assert "STATE=down" in capsys.readouterr().out.splitlines()


def test_status_is_json_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FORMAT=json prints one object with the same names."""
    monkeypatch.setenv("FORMAT", "json")
    command.main(["status"])
    assert json.loads(capsys.readouterr().out)["STATE"] == "down"


def test_down_of_nothing_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    """Stopping twice is no error."""
    assert command.main(["down"]) == 0
    assert "Nothing is running." in capsys.readouterr().err


def test_a_foreign_endpoint_stops_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local commands refuse to run while the environment points elsewhere."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://lambda.eu-central-1.amazonaws.com")
    assert command.main(["reset"]) == 1
    assert "not on this machine" in capsys.readouterr().err


def test_requirements_that_change_are_installed_again(tmp_path: Path) -> None:
    """Every file that says what to install counts, and a missing one is not the same as an empty one's
    absence.
    """
    seen = {packages.requirements_hash(tmp_path)}
    for name in packages.REQUIREMENTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x==1")
        seen.add(packages.requirements_hash(tmp_path))
    assert len(seen) == 1 + len(packages.REQUIREMENTS)


def test_every_file_that_pins_something_exists() -> None:
    """The list of files that decide about an installation names no file that was renamed."""
    assert [name for name in packages.REQUIREMENTS if not (ROOT / name).is_file()] == []


def test_the_download_is_shared_between_checkouts() -> None:
    """The cache is below the user's cache folder unless somebody says where."""
    assert jars.cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/heliograph")
    assert jars.cache_folder({"HELIOGRAPH_CACHE_DIR": "/y", "XDG_CACHE_HOME": "/x"}) == Path("/y")


def test_state_lies_in_the_checkout_unless_said_otherwise() -> None:
    """Two checkouts do not share their messages."""
    assert Places.from_environment({}).state == ROOT / ".local"


@pytest.fixture
def proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module in the place of the SDK's proof; its content is up to the test."""
    monkeypatch.setattr(seed, "PROOF", "stand_in_for_the_proof")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "stand_in_for_the_proof.py"


def test_the_proof_gets_the_address_and_its_last_line_is_shown(proof: Path) -> None:
    """The SDK is told the base URL, plain profiles with their handles, where codes stand; nothing else."""
    proof.write_text("import sys\nprint('noise')\nprint(*sys.argv[1:])")
    told = seed.prove("http://127.0.0.1:1/x", Path("/h"), {"a": "a", "b": "+12015550101"}, Path("/l"))
    assert told == (
        "--base-url http://127.0.0.1:1/x --home /h --plain-store --code-log /l"
        " --profile a=a --profile b=+12015550101"
    )


@pytest.mark.parametrize(("verifier", "bob"), [("", "bob"), ("open,otp", "bob"), ("otp", "+12015550101")])
def test_the_seeded_accounts_have_handles_that_can_be_proved(verifier: str, bob: str) -> None:
    """Numbers only where nobody could claim a name."""
    assert seed.handles(App(verifier=verifier))["bob"] == bob


def test_a_failed_proof_stops_with_what_the_client_said(proof: Path) -> None:
    """`up` is never printed for a cloud through which no message went."""
    proof.write_text("raise SystemExit('bob never acknowledged')")
    with pytest.raises(StepError) as failure:
        seed.prove("http://127.0.0.1:1", Path("/h"), {}, Path("/l"))
    assert failure.value.cause == "bob never acknowledged"


def test_a_proof_that_hangs_stops_too(proof: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start never waits for ever."""
    monkeypatch.setattr(seed, "PROOF_SECONDS", 0.3)
    proof.write_text("import time; time.sleep(20)")
    with pytest.raises(StepError, match="No message"):
        seed.prove("http://127.0.0.1:1", Path("/h"), {}, Path("/l"))
