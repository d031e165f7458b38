"""`helio verify` and `helio trust`, and what other commands say when an identity changed."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
from heliograph.cli import identity
from heliograph.cli.app import run as helio
from heliograph.signing import AuthKey

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.test_cli import register
from tests.unit.client.test_cli_actions import Silence

Capture = pytest.CaptureFixture[str]


def bob_lies(server: FakeServer) -> dict[str, Any]:
    """Let the server put a device on bob's list that nobody signed, and refuse what goes to the old list."""
    account = server.holder("bob")
    assert account is not None
    value = server.accounts[account]
    value["devices"][9] = AuthKey.generate().public
    value["version"] += 1
    return value


class Person(io.StringIO):
    """A terminal with somebody who types."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture
def alice_and_bob(server: FakeServer, capsys: Capture) -> FakeServer:
    """Both are registered, and alice has written to bob."""
    register("alice", "bob")
    assert helio(["-p", "alice", "send", "bob", "Hi"]) == 0
    capsys.readouterr()
    return server


def verified(capsys: Capture) -> bool:
    """Whether bob is verified for alice."""
    capsys.readouterr()
    assert helio(["-p", "alice", "--json", "verify", "bob"]) == 0
    return bool(json.loads(capsys.readouterr().out)["verified"])


def test_both_print_the_same_digits(alice_and_bob: FakeServer, capsys: Capture) -> None:
    """Three rows of four groups; without a terminal nothing is asked and nothing is marked."""
    printed = []
    for name, other in (("alice", "bob"), ("bob", "alice")):
        assert helio(["-p", name, "verify", other]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert [len(row.split()) for row in printed[0].splitlines()] == [4, 4, 4]
    assert not verified(capsys)


def test_the_other_code_is_scanned(
    alice_and_bob: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an argument or from stdin; another text is refused with the code of a changed identity."""
    assert helio(["-p", "bob", "--json", "verify", "alice"]) == 0
    code = json.loads(capsys.readouterr().out)["qr"]
    assert helio(["-p", "alice", "verify", "bob", "--scan", code[:-1] + "x"]) == 4
    assert "[SAFETY_NUMBER_DIFFERS]\nNext: helio -p alice verify" in capsys.readouterr().err
    assert not verified(capsys)
    monkeypatch.setattr(sys, "stdin", io.StringIO(code + "\n"))
    assert helio(["-p", "alice", "verify", "bob", "--scan", "-"]) == 0
    assert verified(capsys)
    assert helio(["-p", "alice", "unverify", "bob"]) == 0
    assert not verified(capsys)


@pytest.mark.parametrize(("typed", "marked"), [("y\n", True), ("n\n", False), ("", False)])
def test_somebody_is_asked(
    alice_and_bob: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch, typed: str, marked: bool
) -> None:
    """In a terminal the digits come with a QR code, and only a yes marks."""
    monkeypatch.setattr(sys, "stdin", Person(typed))
    monkeypatch.setattr(identity, "picture", lambda text: f"picture of {text[:4]}")
    with monkeypatch.context() as terminal:
        terminal.setattr(sys, "stderr", Person())
        assert helio(["-p", "alice", "verify", "bob"]) == 0
        asked = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "picture of hs1." in asked
    assert "Does bob see the same digits? [y/N]" in asked
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert verified(capsys) == marked


def test_a_script_vouches(alice_and_bob: FakeServer, capsys: Capture) -> None:
    """`--yes` asks nothing."""
    assert helio(["-p", "alice", "verify", "bob", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("bob is verified\n")
    assert verified(capsys)


def test_a_changed_identity_is_refused_until_it_is_trusted(
    alice_and_bob: FakeServer, capsys: Capture
) -> None:
    """Exit code 4 and what to type; after `trust` it goes on."""
    bob_lies(alice_and_bob)
    for _ in range(2):
        assert helio(["-p", "alice", "send", "bob", "secret"]) == 4
        said = capsys.readouterr().err
        assert "[IDENTITY_CHANGED]\nNext: " in said
        assert "helio -p alice verify HANDLE" in said
    assert helio(["-p", "alice", "verify", "bob", "--yes"]) == 4
    assert "The identity of bob changed" in capsys.readouterr().err
    assert helio(["-p", "alice", "trust", "bob"]) == 0
    assert helio(["-p", "alice", "send", "bob", "all right"]) == 0


def test_a_chat_says_it_plainly(
    alice_and_bob: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it happens and when it is opened later; nothing is sent, and the exit code is 4."""
    assert helio(["-p", "alice", "verify", "bob", "--yes"]) == 0
    bob_lies(alice_and_bob)
    for expected in ("the VERIFIED identity of bob changed", "the identity of bob changed"):
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
        assert helio(["-p", "alice", "chat", "bob"]) == 4
        shown = capsys.readouterr()
        assert expected in shown.err
        assert "helio -p alice trust bob" in shown.err
        assert "(failed: IDENTITY_CHANGED. Next: ask them" in shown.out


def test_a_chat_and_listen_tell_of_devices(
    alice_and_bob: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lie about the own account names the command to look at one's devices."""
    server, account = alice_and_bob, alice_and_bob.holder("alice")
    assert account is not None
    value = server.accounts[account]
    value["devices"][9] = AuthKey.generate().public
    value["version"] += 1
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", Silence(lambda: "none of your devices signed" in said.getvalue()))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", said)
        assert helio(["-p", "alice", "chat", "bob"]) == 0
    assert "helio -p alice devices   (if all are yours: helio -p alice trust alice)" in said.getvalue()
    assert helio(["-p", "alice", "listen", "--timeout", "0.3"]) == 0
    assert "none of your devices signed" in capsys.readouterr().err
    assert helio(["-p", "alice", "trust", "alice"]) == 0
    assert helio(["-p", "alice", "send", "bob", "on we go"]) == 0
