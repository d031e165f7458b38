"""Steps: one line each, in place on a terminal, appended in a pipe."""

from __future__ import annotations

import io
import re
import time

import pytest

from local import steps
from local.steps import Steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_pipe_a_step_is_one_plain_line_with_its_time_and_detail() -> None:
    """A log of CI holds no escape codes and one line a step."""
    out = io.StringIO()
    with Steps(out, {}).step("cassandra") as step:
        step.detail = "127.0.0.1:9042"
    assert re.fullmatch(r"  cassandra   ok    0\.0 s  127\.0\.0\.1:9042\n", out.getvalue())


def test_a_failed_step_says_so_and_lets_the_error_through() -> None:
    """A person sees which step failed; the program still sees the error."""
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"), Steps(out, {}).step("deploy"):
        raise ValueError("no")
    assert out.getvalue().startswith("  deploy      failed")


def test_on_a_terminal_the_line_is_replaced_in_place_and_coloured() -> None:
    """The final line overwrites the running one."""
    out = Terminal()
    with Steps(out, {}).step("deploy"):
        time.sleep(0.25)
    text = out.getvalue()
    assert "\r\x1b[2K  deploy      ..    0.2 s" in text
    assert text.endswith("\x1b[32mok\x1b[0m    0.3 s\n") or "\x1b[32mok\x1b[0m    0.2 s\n" in text
    assert text.count("\n") == 1


def test_no_color_keeps_a_terminal_plain() -> None:
    """NO_COLOR, whatever its value, removes colours."""
    out = Terminal()
    with Steps(out, {"NO_COLOR": ""}).step("deploy"):
        pass
    assert "\x1b[32m" not in out.getvalue()


def test_ci_appends_even_on_a_terminal() -> None:
    """A CI system with a pseudo-terminal gets lines, not a moving cursor."""
    out = Terminal()
    with Steps(out, {"CI": "true"}).step("deploy"):
        pass
    assert "\r" not in out.getvalue()


def test_a_slow_step_in_a_pipe_shows_what_it_is_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits longer than two seconds is told what for."""
    monkeypatch.setattr(steps, "PATIENCE", 0.05)
    out = io.StringIO()
    with Steps(out, {}).step("deploy") as step:
        step.progress = "realtime 12/30"
        time.sleep(0.12)
    assert "  deploy      ..    0.1 s  realtime 12/30\n" in out.getvalue()
