"""`helio` and the seal of a profile: options, environment, terminal; never one that nobody chose."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from heliograph.cli.app import run as helio

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.memory_keyring import MemoryKeyring

Capture = pytest.CaptureFixture[str]
Type = Callable[..., None]

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def nobody_said(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """Take the choice away that other tests of the command line make."""
    monkeypatch.delenv("HELIO_PLAIN_STORE")
    monkeypatch.delenv("HELIO_PASSPHRASE", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    return server


@pytest.fixture
def types(nobody_said: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Put somebody before a terminal who types these lines, and no more."""

    def someone(*lines: str) -> None:
        left = list(lines)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr(getpass, "getpass", lambda _question: left.pop(0))

    return someone


def sealed_by(capsys: Capture, *options: str) -> str:
    """Give the seal that `status` tells."""
    capsys.readouterr()
    assert helio([*options, "-p", "alice", "--json", "status"]) == 0
    return str(json.loads(capsys.readouterr().out)["sealed_by"])


def test_without_a_terminal_a_choice_has_to_be_made(
    nobody_said: FakeServer, capsys: Capture, tmp_path: Path
) -> None:
    """Exit code 2, the options by name, and no file; each of them then works."""
    assert helio(["-p", "alice", "register", "alice"]) == 2
    said = capsys.readouterr().err
    assert all(option in said for option in ("--keyring", "--passphrase-file", "--plain-store"))
    assert not list(tmp_path.glob("alice*"))

    assert helio(["-p", "alice", "--plain-store", "register", "alice"]) == 0
    assert sealed_by(capsys) == "plain"


def test_a_passphrase_comes_from_a_file_or_the_environment(
    nobody_said: FakeServer, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line of the file; a wrong one and a missing one are refused with what to do next."""
    file = tmp_path / "passphrase"
    file.write_text("correct horse\nnot this line\n")
    assert helio(["-p", "alice", "--passphrase-file", str(file), "register", "alice"]) == 0
    assert sealed_by(capsys, "--passphrase-file", str(file)) == "passphrase"

    assert helio(["-p", "alice", "status"]) == 2
    assert (
        "profile alice wants its passphrase\nNext: before the command: --passphrase-file"
        in capsys.readouterr().err
    )

    monkeypatch.setenv("HELIO_PASSPHRASE", "correct horse")
    assert sealed_by(capsys) == "passphrase"
    monkeypatch.setenv("HELIO_PASSPHRASE", "battery staple")
    assert helio(["-p", "alice", "status"]) == 1
    said = capsys.readouterr().err
    assert "[WRONG_PASSPHRASE]\nNext: " in said
    assert "staple" not in said


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_passphrase_is_refused(
    nobody_said: FakeServer, capsys: Capture, tmp_path: Path, content: bytes | None
) -> None:
    """One that is missing, empty or no text: exit code 2, and no profile."""
    file = tmp_path / "passphrase"
    if content is not None:
        file.write_bytes(content)
    assert helio(["-p", "alice", "--passphrase-file", str(file), "register", "alice"]) == 2
    assert str(file) in capsys.readouterr().err
    assert not list(tmp_path.glob("alice*"))


def test_options_that_contradict(nobody_said: FakeServer, capsys: Capture) -> None:
    """Two kinds at once, or another one than the profile's, are refused."""
    assert helio(["-p", "alice", "--keyring", "--plain-store", "register", "alice"]) == 2
    assert helio(["-p", "alice", "--plain-store", "register", "alice"]) == 0
    assert helio(["-p", "alice", "--keyring", "status"]) == 2
    assert "NOT SEALED (plain), not sealed by a key in the OS keyring [WRONG_SEAL]" in capsys.readouterr().err


def test_a_terminal_is_asked_where_there_is_no_keyring(types: Type, capsys: Capture, tmp_path: Path) -> None:
    """Twice for a new profile, once from then on; what differs or is empty makes nothing."""
    for lines in (("one", "two"), ("",)):
        types(*lines)
        assert helio(["-p", "alice", "register", "alice"]) == 2
        assert not list(tmp_path.glob("alice*"))
    types("correct horse", "correct horse")
    assert helio(["-p", "alice", "register", "alice"]) == 0
    types("correct horse")
    assert sealed_by(capsys) == "passphrase"
    types("battery staple")
    assert helio(["-p", "alice", "status"]) == 1


def test_a_terminal_uses_the_keyring_where_there_is_one(
    types: Type, machine: MemoryKeyring, capsys: Capture
) -> None:
    """Without a question, and it says so."""
    types()
    assert helio(["-p", "alice", "register", "alice"]) == 0
    assert "alice opens with a key in the keyring of this machine" in capsys.readouterr().err
    assert sealed_by(capsys) == "keyring"


def test_doctor_shows_the_seal(nobody_said: FakeServer, capsys: Capture) -> None:
    """A plain store stands out."""
    assert helio(["-p", "alice", "--plain-store", "register", "alice"]) == 0
    capsys.readouterr()
    assert helio(["-p", "alice", "doctor"]) == 0
    assert "alice.db, NOT SEALED (plain), not in use elsewhere" in capsys.readouterr().out


def test_another_passphrase_and_the_keyring(
    types: Type, machine: MemoryKeyring, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`helio seal` changes how the profile opens."""
    monkeypatch.setenv("HELIO_PASSPHRASE", "first")
    assert helio(["-p", "alice", "register", "alice"]) == 0
    types("second", "second")
    assert helio(["-p", "alice", "seal", "passphrase"]) == 0
    assert helio(["-p", "alice", "status"]) == 1
    monkeypatch.setenv("HELIO_PASSPHRASE", "second")
    file = tmp_path / "passphrase"
    file.write_text("third")
    assert helio(["-p", "alice", "seal", "passphrase", "--file", str(file)]) == 0
    monkeypatch.delenv("HELIO_PASSPHRASE")
    assert helio(["-p", "alice", "--passphrase-file", str(file), "seal", "keyring"]) == 0
    assert sealed_by(capsys) == "keyring"
    assert helio(["-p", "alice", "seal", "keyring", "--file", str(file)]) == 2


def test_a_new_passphrase_needs_somebody_to_type_it(nobody_said: FakeServer, capsys: Capture) -> None:
    """Without a terminal the command says how it is given."""
    assert helio(["-p", "alice", "--plain-store", "register", "alice"]) == 0
    assert helio(["-p", "alice", "seal", "passphrase"]) == 2
    assert "seal passphrase --file FILE" in capsys.readouterr().err
