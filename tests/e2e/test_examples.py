"""What a new user runs first: the examples, the README's snippet, and two people at two terminals."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import Device

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SECONDS = 60

pytestmark = pytest.mark.local_only  # examples register without a token


def run(command: list[str], folder: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run to the end, with a home of its own."""
    environment = {
        **os.environ,
        "PYTHONIOENCODING": "utf-8",
        "HELIOGRAPH_HOME": str(folder),
        "HELIO_PLAIN_STORE": "1",
        "NO_COLOR": "1",
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        input=text,
        text=True,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture
def somebody(base_url: str) -> str:
    """A fresh handle that is taken."""
    device = Device(base_url)
    assert device.register()[0] == 200
    return device.handle


def fresh() -> str:
    """A handle that is free."""
    return f"u{secrets.token_hex(6)}"


def test_the_readme_shows_the_example_that_runs_here() -> None:
    """The snippet of the first screen is ``examples/hello.py``, letter by letter."""
    assert f"```python\n{(EXAMPLES / 'hello.py').read_text()}```" in (ROOT / "README.md").read_text()


def test_hello(base_url: str, somebody: str, tmp_path: Path) -> None:
    """The snippet registers, sends, and waits until the server has it."""
    done = run([str(EXAMPLES / "hello.py"), base_url, fresh(), somebody], tmp_path)

    assert (done.returncode, done.stdout) == (0, f"Hi {somebody} sent\n"), done.stderr


def test_demo(base_url: str, tmp_path: Path) -> None:
    """Every step of the scripted conversation holds."""
    done = run([str(EXAMPLES / "demo.py"), "--base-url", base_url], tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout


def test_demo_says_which_step_failed(tmp_path: Path) -> None:
    """Against nothing at all: the first step is named, the exit code is 1."""
    done = run([str(EXAMPLES / "demo.py"), "--base-url", "http://127.0.0.1:9"], tmp_path)

    assert done.returncode == 1
    assert "1 FAIL alice and bob register and connect" in done.stdout


def test_second_thoughts(base_url: str, tmp_path: Path) -> None:
    """A timer, an edit, a reaction and a deletion reach the other side, in this order."""
    done = run([str(EXAMPLES / "second_thoughts.py"), base_url, fresh(), fresh()], tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "bob hears that messages disappear after 7d",
        "bob reads See you at six",
        "alice sees 👍",
        "bob is left with ''",
    ]


@pytest.fixture
def echo_bot(base_url: str, tmp_path: Path) -> Iterator[str]:
    """The echo bot in a process of its own; its handle."""
    handle = fresh()
    folder = tmp_path / "bot"
    folder.mkdir()
    command = [sys.executable, str(EXAMPLES / "echo_bot.py"), base_url, handle]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as bot:
        assert bot.stderr is not None
        for line in bot.stderr:
            if line.startswith("online"):
                break
        yield handle
        bot.terminate()


def test_two_people_chat_from_two_terminals(base_url: str, echo_bot: str, tmp_path: Path) -> None:
    """``helio chat`` through a pipe: what is typed is sent, what comes is printed with who said it."""
    me = fresh()
    home = tmp_path / "home"
    home.mkdir()
    registered = run(["-m", "heliograph", "-p", me, "--server", base_url, "register", me], home)
    assert registered.returncode == 0, registered.stderr

    sent = run(["-m", "heliograph", "-p", me, "send", "--wait", "delivered", echo_bot, "over"], home)
    assert sent.returncode == 0, sent.stderr
    listened = run(
        ["-m", "heliograph", "-p", me, "--json", "listen", "--count", "1", "--timeout", "20"], home
    )
    assert listened.returncode == 0, listened.stderr
    assert '"text": "over"' in listened.stdout or '"text":"over"' in listened.stdout

    typed = "hello\n/edit last hello again\n"
    chatted = run(["-m", "heliograph", "-p", me, "chat", echo_bot], home, typed)
    assert chatted.returncode == 0, chatted.stderr
    assert "(sent) hello" in chatted.stdout
    history = run(["-m", "heliograph", "-p", me, "history", echo_bot], home)
    assert "over" in history.stdout
    assert "hello again (edited)" in history.stdout


def test_a_refusal_names_the_next_command(base_url: str, tmp_path: Path) -> None:
    """An unregistered profile is told how to register; the exit code is not 0."""
    done = run(["-m", "heliograph", "-p", fresh(), "--server", base_url, "send", "bob", "hi"], tmp_path)

    assert done.returncode != 0
    assert "register" in done.stderr
