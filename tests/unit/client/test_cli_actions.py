"""`helio reply`, `edit`, `react`, `delete`, `timer`, and what `chat` and `history` show of them."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from heliograph.cli.app import run as helio

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.test_cli import register

Capture = pytest.CaptureFixture[str]


class Silence(io.StringIO):
    """A person who types nothing and leaves when something has happened."""

    def __init__(self, happened: Callable[[], object]) -> None:
        super().__init__()
        self._happened = happened

    def __iter__(self) -> Iterator[str]:
        deadline = time.monotonic() + 5
        while not self._happened() and time.monotonic() < deadline:
            time.sleep(0.01)
        return iter(())


def shown(capsys: Capture, *arguments: str) -> str:
    """Run a command that goes well; give what it printed."""
    capsys.readouterr()
    assert helio([*arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def history(capsys: Capture, profile: str, peer: str) -> list[str]:
    """Give a profile's history without times, after it caught up."""
    assert helio(["-p", profile, "doctor"]) == 0
    lines = shown(capsys, "-p", profile, "history", peer).splitlines()
    return [line.split("  ", 1)[1] for line in lines]


def test_a_message_is_answered_edited_reacted_to_and_deleted(server: FakeServer, capsys: Capture) -> None:
    """Each command waits until the server has it; the history of the other side shows what became of it."""
    register("alice", "bob")
    helio(["-p", "alice", "send", "bob", "Hi Bbo"])
    assert shown(capsys, "-p", "alice", "edit", "bob", "last", "Hi Bob") == "sent\n"
    assert history(capsys, "bob", "alice") == ["alice: Hi Bob (edited)"]
    assert shown(capsys, "-p", "bob", "reply", "alice", "last", "Hi yourself") == "sent\n"
    assert shown(capsys, "-p", "bob", "react", "alice", "last", "👋") == "sent\n"
    assert history(capsys, "alice", "bob") == [
        "you: Hi Bob (edited) 👋 (delivered)",
        "bob: (re: Hi Bob) Hi yourself",
    ]
    assert shown(capsys, "-p", "bob", "react", "alice", "last", "-") == "sent\n"
    assert shown(capsys, "-p", "alice", "delete", "bob", "last") == "sent\n"
    assert history(capsys, "bob", "alice")[0] == "alice: (deleted)"
    assert history(capsys, "alice", "bob")[1] == "bob: (re: ...) Hi yourself"


def test_a_message_is_called_by_its_short_id(server: FakeServer, capsys: Capture) -> None:
    """The one that `history --ids` shows first; some digits of it, and the server's id, do as well."""
    register("alice", "bob")
    for text in ("one", "two", "three"):
        helio(["-p", "alice", "send", "bob", text])
    lines = shown(capsys, "-p", "alice", "history", "bob", "--ids").splitlines()
    for name in (lines[0].split()[0], lines[0].split()[0][:6], lines[0].split()[1]):
        shown(capsys, "-p", "alice", "edit", "bob", name, f"first by {name}")
        assert f"first by {name} (edited)" in history(capsys, "alice", "bob")[0]


def test_a_timer_is_set_and_shown(server: FakeServer, capsys: Capture) -> None:
    """On both sides; history tells when a message disappears."""
    register("alice", "bob")
    assert shown(capsys, "-p", "alice", "timer", "bob") == "off\n"
    assert shown(capsys, "-p", "alice", "timer", "bob", "1d") == "sent\n"
    assert helio(["-p", "bob", "doctor"]) == 0
    assert shown(capsys, "-p", "bob", "timer", "alice") == "1d\n"
    assert json.loads(shown(capsys, "--json", "-p", "bob", "timer", "alice")) == {"timer": "1d"}
    shown(capsys, "-p", "bob", "send", "alice", "soon gone")
    assert "bob: soon gone (disappears 20" in "".join(history(capsys, "alice", "bob"))
    shown(capsys, "-p", "bob", "timer", "alice", "off")
    assert shown(capsys, "-p", "bob", "timer", "alice") == "off\n"


@pytest.mark.parametrize(
    ("arguments", "code", "next_command"),
    [
        (["edit", "bob", "ffffffff", "x"], 2, "helio -p alice history bob --ids"),
        (["edit", "bob", "zz", "x"], 2, "helio -p alice history bob --ids"),
        (["reply", "bob", "last", "x"], 2, "helio -p alice history bob --ids"),  # bob has said nothing
        (["edit", "bob", "last", ""], 2, "/edit last TEXT"),
        (["react", "bob", "last", "fine"], 2, "helio -p alice history bob --ids"),
        (["timer", "bob", "2h"], 2, "/timer 1d"),
    ],
)
def test_refusals_say_what_to_type_next(
    server: FakeServer, capsys: Capture, arguments: list[str], code: int, next_command: str
) -> None:
    """A message that there is not, a word for an emoji, a time that is no timer."""
    register("alice", "bob")
    helio(["-p", "alice", "send", "bob", "Hi"])
    capsys.readouterr()
    assert helio(["-p", "alice", *arguments]) == code
    assert next_command in capsys.readouterr().err.splitlines()[-1]


def test_what_is_refused_by_the_sdk_says_what_can_be_done(server: FakeServer, capsys: Capture) -> None:
    """An edit of somebody else's message is a usage error, and nothing is sent."""
    register("alice", "bob")
    helio(["-p", "alice", "send", "bob", "Hi"])
    helio(["-p", "bob", "doctor"])
    name = shown(capsys, "-p", "bob", "history", "alice", "--ids").split()[0]
    server.frames.clear()
    assert helio(["-p", "bob", "edit", "alice", name, "No"]) == 2
    assert "[BAD_CONTENT]\nNext: helio -p bob history" in capsys.readouterr().err
    assert server.sent("send") == []


def test_chat_takes_slash_commands(
    server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are no texts; two slashes begin a text with one; what is wrong is said, and the chat goes on."""
    register("alice", "bob")
    helio(["-p", "bob", "send", "alice", "When?"])
    helio(["-p", "alice", "doctor"])  # catches up
    typed = "at six\n/edit last at seven\n/reply last Sharp\n/react last 👍\n/dance\n//shrug\n/timer 7d\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert helio(["-p", "alice", "chat", "bob"]) == 0
    error = capsys.readouterr().err
    assert "there is no /dance; there are /reply MESSAGE TEXT" in error
    assert history(capsys, "bob", "alice") == [
        "you: When? 👍 (read)",
        "alice: at seven (edited)",
        "alice: (re: When?) Sharp",
        "alice: /shrug",
    ]
    assert shown(capsys, "-p", "bob", "timer", "alice") == "7d\n"


def test_chat_shows_what_becomes_of_messages(
    server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ids on request; edits, reactions, deletions and timers that waited are shown in their order."""
    register("alice", "bob")
    helio(["-p", "alice", "send", "bob", "mine"])
    helio(["-p", "bob", "send", "alice", "Hi"])
    helio(["-p", "alice", "doctor"])
    for arguments in (
        ["edit", "alice", "last", "Hello"],
        ["react", "alice", "last", "🎈"],
        ["delete", "alice", "last"],
        ["timer", "alice", "1h"],
    ):
        assert helio(["-p", "bob", *arguments]) == 0
    capsys.readouterr()

    def all_came() -> bool:
        rows = [row for inbox in server.inbox.values() for row in inbox.values()]
        return not any(row["type"] == "message" for row in rows)

    monkeypatch.setattr(sys, "stdin", Silence(all_came))
    assert helio(["-p", "alice", "chat", "bob", "--ids"]) == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in shown(capsys, "-p", "alice", "history", "bob", "--ids").splitlines()]
    for expected in (
        f"{names[0]}  you: mine",
        f"{names[1]}  bob: Hi",
        f"{names[1]}  (deleted) bob: (deleted)",
        f"{names[0]}  (bob reacted 🎈) mine",
        "(messages disappear after 1h from now on)",
    ):
        assert expected in out


def test_json_has_the_state_of_a_message(server: FakeServer, capsys: Capture) -> None:
    """Kind, edits, reactions by account, quotes and ends, each a plain value."""
    register("alice", "bob")
    helio(["-p", "alice", "send", "bob", "one"])
    helio(["-p", "bob", "doctor"])
    helio(["-p", "bob", "react", "alice", "last", "👍"])
    helio(["-p", "bob", "reply", "alice", "last", "two"])
    helio(["-p", "bob", "edit", "alice", "last", "three"])
    lines = shown(capsys, "--json", "-p", "bob", "history", "alice").splitlines()
    first, second = (json.loads(line) for line in lines)
    assert list(first["reactions"].values()) == ["👍"]
    assert (second["kind"], second["text"], second["deleted"]) == ("reply", "three", False)
    assert second["edited_at"] > 0
    assert second["reply_to"]["text"] == "one"
