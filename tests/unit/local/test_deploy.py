"""What makes a deployment necessary, and what it may reach."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local import deploy
from local.deploy import App
from local.errors import StepError
from local.places import Places
from local.ports import Ports


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with two sources."""
    (tmp_path / "functions" / "send").mkdir(parents=True)
    (tmp_path / "functions" / "send" / "handler.py").write_text("one")
    (tmp_path / "app.py").write_text("app")
    return tmp_path


APP = App(sources=("app.py", "functions"))


def test_equal_sources_have_equal_hashes(checkout: Path) -> None:
    """A second start finds nothing to deploy; what Python itself writes does not count."""
    before = deploy.source_hash(APP, Ports(), checkout)
    (checkout / "functions" / "__pycache__").mkdir()
    (checkout / "functions" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert deploy.source_hash(APP, Ports(), checkout) == before


def test_every_change_asks_for_a_deployment(checkout: Path) -> None:
    """Content, name and place of a file, the port in the addresses, and the app each change the hash."""
    seen = {deploy.source_hash(APP, Ports(), checkout)}
    handler = checkout / "functions" / "send" / "handler.py"
    handler.write_text("two")
    seen.add(deploy.source_hash(APP, Ports(), checkout))
    handler.rename(handler.with_name("other.py"))
    seen.add(deploy.source_hash(APP, Ports(), checkout))
    seen.add(deploy.source_hash(APP, Ports(gateway=4567), checkout))
    seen.add(deploy.source_hash(App("python other.py", APP.sources), Ports(), checkout))
    seen.add(deploy.source_hash(App(sources=APP.sources, verifier="otp"), Ports(), checkout))
    assert len(seen) == 6


def test_a_verifier_is_remembered(tmp_path: Path) -> None:
    """Named once, it holds until another is named; without one the stage decides."""
    remembered = tmp_path / "state" / "verifier"
    given = ({}, {"VERIFIER": "otp"}, {"VERIFIER": ""}, {}, {"VERIFIER": "open,otp"}, {})

    chosen = [deploy.chosen_app(environ, remembered).verifier for environ in given]

    assert chosen == ["", "otp", "otp", "otp", "open,otp", "open,otp"]


def test_the_environment_of_a_deployment_holds_nobodys_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's profile or key reaches the CDK, and the venv's tools come first."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    environ = deploy.environment(Ports(gateway=4599))
    assert "AWS_PROFILE" not in environ
    assert "AWS_SESSION_TOKEN" not in environ
    assert environ["AWS_ACCESS_KEY_ID"] == "test"
    assert environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"
    assert environ["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.parametrize(
    "endpoint", ["https://sts.amazonaws.com", "http://10.0.0.1:4566", "http://127.0.0.1.example.org:4566"]
)
def test_an_endpoint_elsewhere_is_refused(endpoint: str) -> None:
    """A local command can never change another machine."""
    with pytest.raises(StepError, match="not on this machine"):
        deploy.require_loopback(endpoint)


def test_a_deployment_without_saved_state_does_not_count(tmp_path: Path) -> None:
    """Whoever removes the state of the local AWS gets a new deployment."""
    places = Places(tmp_path)
    deployment = deploy.Deployment("hash", {"BaseUrl": "http://x"}, "1 resources, 1 stacks")
    deploy.remember(deployment, places)
    assert deploy.last(places) is None
    places.aws.mkdir()
    assert deploy.last(places) == deployment
