"""`helio`: exit codes, one object per line, the next command after each refusal, and chat through a pipe."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from heliograph import MessageReceived, proof
from heliograph.cli.app import run as helio
from heliograph.cli.chat import chat
from heliograph.cli.context import Context, current
from heliograph.cli.lines import safe

from tests.unit.client.fake_server import BASE_URL, CODE, FakeServer, error
from tests.unit.client.world import World, next_event, run, texts

Capture = pytest.CaptureFixture[str]


def register(*names: str) -> None:
    """Register profiles that accept each other."""
    for name in names:
        assert helio(["-p", name, "register", name]) == 0
    for name in names:
        for other in set(names) - {name}:
            assert helio(["-p", name, "accept", other]) == 0


class TestRegisteringANumber:
    """`helio register +1...`: a code is sent and typed."""

    NUMBER = "+12015550123"

    def test_the_code_is_typed(
        self, server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is no code is not said; a wrong one leaves four attempts; the number may be written nicely."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"hello\n123456\n {CODE} \n"))

        assert helio(["-p", "phone", "--json", "register", "+1 (201) 555-0123"]) == 0

        shown = capsys.readouterr()
        assert json.loads(shown.out)["handle"] == self.NUMBER
        assert f"A code was sent to {self.NUMBER}" in shown.err
        assert "4 more attempts" in shown.err
        assert server.requests.count("POST /v1/codes") == 1
        assert server.requests.count("POST /v1/register") == 2

    def test_the_code_is_given(self, server: FakeServer, capsys: Capture) -> None:
        """None is sent then; without one that was sent before it is refused."""
        assert helio(["-p", "phone", "register", self.NUMBER, "--code", CODE]) == 1
        assert "[VERIFICATION_FAILED]\nNext:" in capsys.readouterr().err
        assert "POST /v1/codes" not in server.requests

    def test_nobody_types(self, server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        """The next command takes the code that was sent, in the same profile: it is good for its key."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        assert helio(["-p", "phone", "register", self.NUMBER]) == 2
        again = f"helio -p phone register {self.NUMBER} --code CODE"
        assert capsys.readouterr().err.endswith(f"Next: {again}\n")

        assert helio([*again.replace("CODE", CODE).split()[1:]]) == 0
        assert helio(["-p", "phone", "register", self.NUMBER]) == 0  # the second time: nothing

    def test_a_code_that_was_just_sent_can_be_typed(
        self, server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever repeats the command within a minute is not sent away."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        helio(["-p", "phone", "register", self.NUMBER])
        server.refuse_request = lambda path: (
            error("RATE_LIMITED", retry_after=55) if path == "POST /v1/codes" else None
        )
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CODE}\n"))

        assert helio(["-p", "phone", "register", self.NUMBER]) == 0
        assert "got a code a moment ago; it gets another one in 55 s" in capsys.readouterr().err

    def test_enough_codes_for_today(self, server: FakeServer, capsys: Capture) -> None:
        """The exit code is that of a limit."""
        server.refuse_request = lambda path: (
            error("RATE_LIMITED", retry_after=20_000) if path == "POST /v1/codes" else None
        )

        assert helio(["-p", "phone", "register", self.NUMBER]) == 5
        assert "[RATE_LIMITED]" in capsys.readouterr().err

    def test_a_server_that_takes_no_numbers(self, server: FakeServer, capsys: Capture) -> None:
        """Says so before anything is sent."""
        server.verification = ["oidc"]

        assert helio(["-p", "phone", "register", self.NUMBER]) == 2
        assert "takes no phone numbers" in capsys.readouterr().err
        assert "POST /v1/codes" not in server.requests


def test_register_send_listen_history(server: FakeServer, capsys: Capture) -> None:
    """The whole of it: results on stdout, nothing but them."""
    register("alice", "bob")
    capsys.readouterr()
    assert helio(["-p", "alice", "send", "bob", "Hi Bob"]) == 0
    assert capsys.readouterr().out == "sent\n"
    assert helio(["-p", "bob", "listen", "--count", "1"]) == 0
    assert capsys.readouterr().out == "alice: Hi Bob\n"
    assert helio(["-p", "bob", "listen", "--timeout", "0.1"]) == 0
    assert capsys.readouterr().out == ""
    assert helio(["-p", "alice", "doctor"]) == 0  # catches up
    capsys.readouterr()
    assert helio(["-p", "alice", "history", "bob"]) == 0
    assert capsys.readouterr().out.endswith("you: Hi Bob (delivered)\n")
    assert helio(["-p", "alice", "history", "bob", "--ids"]) == 0
    shown = capsys.readouterr().out
    assert helio(["--json", "-p", "alice", "history", "bob"]) == 0
    message = json.loads(capsys.readouterr().out)
    assert shown.startswith(f"{message['logical_id'][:8]}  {message['id']}  2")


def test_send_reads_stdin(server: FakeServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """`send bob -` sends what stdin holds as one message."""
    register("alice", "bob")
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n"))
    assert helio(["-p", "alice", "send", "bob", "-"]) == 0
    capsys.readouterr()
    assert helio(["-p", "bob", "listen", "--count", "1"]) == 0
    assert capsys.readouterr().out == "alice: one\n    two\n"


def test_json_is_one_object_per_line(server: FakeServer, capsys: Capture) -> None:
    """With --json stdout holds objects only; what is for people goes to stderr."""
    register("alice", "bob")
    capsys.readouterr()
    assert helio(["--json", "-p", "alice", "send", "bob", "Hi"]) == 0
    captured = capsys.readouterr()
    sent = json.loads(captured.out)
    assert (sent["text"], sent["status"]) == ("Hi", "sent")
    assert "sent" in captured.err
    assert helio(["--json", "-p", "bob", "listen", "--count", "1"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["type"] == "connection_changed"
    assert events[-1]["type"] == "message_received"
    assert events[-1]["message"]["text"] == "Hi"


@pytest.mark.parametrize(
    ("arguments", "code", "next_command"),
    [
        (["fly"], 2, "helio --help"),
        (["send", "bob"], 2, "helio --help"),
        (["-p", "alice", "send", "bob", ""], 2, "helio -p alice send bob"),
        (["-p", "a/b", "status"], 2, "helio -p alice status"),
        (["-p", "ghost", "status"], 2, "helio -p ghost register HANDLE"),
        (["-p", "new", "send", "bob", "Hi"], 1, "helio -p new register new"),
        (["-p", "alice", "send", "nobody", "Hi"], 1, "status"),
        (["-p", "alice", "register", "other"], 1, "register HANDLE"),
        (["-p", "new", "register", "alice"], 1, "register ANOTHER_HANDLE"),
        (["-p", "alice", "link", "nonsense"], 2, "link"),
        (["-p", "new", "register", "New User"], 2, "helio -p new register new"),
        (["-p", "new", "--server", "https://chat.example.org", "status"], 2, "register"),
        (["-p", "new", "--server", "http://chat.example.org", "register", "new"], 1, "use the https URL"),
    ],
)
def test_refusals_say_what_to_type_next(
    server: FakeServer, capsys: Capture, arguments: list[str], code: int, next_command: str
) -> None:
    """Each refusal has its exit code and ends with the next command; stdout stays empty."""
    register("alice")
    capsys.readouterr()
    assert helio(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith("Next: ")
    assert next_command in captured.err.splitlines()[-1]


def test_network_and_limits_have_exit_codes_of_their_own(server: FakeServer, capsys: Capture) -> None:
    """3 when the server is not there or does not answer in time, 5 when it limits."""
    register("alice", "bob")
    server.refuse = lambda message: error("UNAVAILABLE")
    assert helio(["-p", "alice", "send", "bob", "Hi", "--timeout", "0.1"]) == 3
    assert "stays in the outbox" in capsys.readouterr().err
    server.refuse = lambda message: error("RATE_LIMITED")
    server._route = lambda request, path: (
        429,
        "error_answer",
        {"error": error("RATE_LIMITED", retry_after=0.01)},
    )  # type: ignore[method-assign]
    assert helio(["-p", "alice", "devices"]) == 5
    server.reachable = False
    assert helio(["-p", "carol", "register", "carol"]) == 3
    assert "Next: helio -p carol doctor" in capsys.readouterr().err


def test_a_locked_store_is_told(server: FakeServer, capsys: Capture, world: World) -> None:
    """A profile that is open elsewhere: who holds it, and what to do."""
    register("alice")
    capsys.readouterr()

    async def story() -> None:
        async with world.client("alice"):
            code = await asyncio.to_thread(helio, ["-p", "alice", "history", "bob"])
            assert code == 1
            code = await asyncio.to_thread(helio, ["-p", "alice", "doctor"])
            assert code == 1

    run(story())
    captured = capsys.readouterr()
    assert "is open in process" in captured.err
    assert "problem  store" in captured.out


def test_doctor_finds_what_is_wrong(server: FakeServer, capsys: Capture) -> None:
    """All ok is 0; an unreachable server is 3, and each problem has a next command."""
    register("alice")
    capsys.readouterr()
    assert helio(["-p", "alice", "doctor"]) == 0
    checks = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert checks == ["store", "server", "clock", "account", "socket", "outbox"]
    server.reachable = False
    assert helio(["-p", "alice", "doctor"]) == 3
    assert "Next: make up" in capsys.readouterr().out


def test_devices_and_status(server: FakeServer, capsys: Capture) -> None:
    """devices lists, with the day each was seen last; status works offline."""
    register("alice")
    [account] = server.accounts
    server.connects[f"{account}:1"] = 86_400_000 * 365 + 43_200_000
    server.accounts[account]["devices"][2] = "B" * 43
    capsys.readouterr()
    assert helio(["-p", "alice", "devices"]) == 0
    mine, other = capsys.readouterr().out.splitlines()
    assert "seen 1971-01-01  (this one)" in mine
    assert other.endswith("never seen")
    server.reachable = False
    assert helio(["-p", "alice", "--json", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["handle"] == "alice"


class Typing(io.StringIO):
    """A stdin that waits between its lines, as a person or a program does."""

    def __init__(self, text: str, before_end: Callable[[], bool]) -> None:
        super().__init__(text)
        self._before_end = before_end

    def __next__(self) -> str:
        line = self.readline()
        while not line and not self._before_end():
            time.sleep(0.01)
        if not line:
            raise StopIteration
        return line


def test_chat_through_a_pipe(
    server: FakeServer, world: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of stdin become messages; answers and status words come out; the shown is marked read."""
    out: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text, **_: out.append(text))
    monkeypatch.setattr(sys, "stdin", Typing("Hi\n\nHow are you?\n", lambda: "bob: fine" in out))

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await bob.conversation("alice")).send("earlier")).reached("delivered", 5)
            await alice.close()

            async def answer() -> None:
                stream = bob.events()
                while (await next_event(stream, MessageReceived)).message.text != "How are you?":
                    pass
                await (await bob.conversation("alice")).send("fine")

            answering = asyncio.create_task(answer())
            current.set(Context("alice", None, json=False))
            assert await chat("bob") == 0
            await answering
            conversation = await bob.conversation("alice")
            read = [message.status async for message in conversation.history() if message.outgoing]
            assert read == ["read", "read"]

    run(story())
    assert out[0] == "bob: earlier"
    assert out.count("bob: fine") == 1
    assert {"(sent) Hi", "(sent) How are you?"} <= set(out)


@pytest.mark.parametrize(("refusals", "code"), [(["TOO_LARGE"], 6), (["TOO_LARGE"] * 2, 1)])
def test_chat_tells_when_not_everything_went(
    server: FakeServer,
    world: World,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    refusals: list[str],
    code: int,
) -> None:
    """Exit code 6 when a part was sent, 1 when nothing was."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n"))

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            await alice.close()
            left = list(refusals)
            world.server.refuse = lambda message: error(left.pop()) if left else None
            current.set(Context("alice", None, json=False))
            assert await chat("bob") == code

    run(story())
    assert "(failed: TOO_LARGE. Next: " in capsys.readouterr().out


def test_chat_with_a_dead_network_keeps_the_messages(
    server: FakeServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing sent is exit code 3, and the messages wait in the outbox."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\n"))

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            await alice.conversation("bob")
            await alice.close()
            world.server.reachable = False
            current.set(Context("alice", None, json=False))
            assert await chat("bob", timeout=0.1) == 3
            world.server.reachable = True
            async with world.client("alice") as again:
                await again.drained(5)
                assert await texts(again, "bob") == ["one"]

    run(story())


def test_a_message_does_not_move_the_terminal() -> None:
    """Control characters of others are shown as such, not obeyed."""
    assert safe("a\x1b[2Jb\rc\nd") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\n    d"


def test_the_proof(
    server: FakeServer, world: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof registers alice, bob and carol, sends once, and works again on a server that was reset."""
    options = ["--base-url", BASE_URL, "--home", str(world.directory), "--plain-store"]
    monkeypatch.setattr(sys, "argv", ["proof", *options])
    assert proof.main() == 0
    assert proof.main() == 0
    assert "alice -> bob delivered" in capsys.readouterr().out
    assert {value["handle"] for value in server.accounts.values()} == {"alice", "bob", "carol"}
    for state in (server.accounts, server.inbox, server.connects, server.accepted):
        state.clear()  # type: ignore[attr-defined]
    assert proof.main() == 0
    assert len(list(world.directory.glob("*.set-aside-*"))) >= 3
    server.reachable = False
    assert proof.main() == 1
    assert "no message arrived" in capsys.readouterr().err


def test_the_proof_with_profiles_of_another_time(
    server: FakeServer, world: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles that it cannot open are left alone, and it says how to start afresh."""
    options = ["--base-url", BASE_URL, "--home", str(world.directory), "--plain-store"]
    monkeypatch.setattr(sys, "argv", ["proof", *options])
    with sqlite3.connect(world.directory / "alice.db") as old:
        old.execute("PRAGMA user_version = 1")
        old.execute("CREATE TABLE settings (name TEXT)")
    assert proof.main() == 1
    assert "older version, or sealed ones: make reset" in capsys.readouterr().err


def test_help_is_quick_and_needs_no_client(tmp_path: Path) -> None:
    """`helio --help` imports neither the socket library nor the HTTP library."""
    code = (
        "import sys; from heliograph.cli.app import run; run(['--help']); "
        "print([name for name in ('websockets', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "chat" in done.stdout
