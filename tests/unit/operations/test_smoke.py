"""Tokens that a command of the operator's prints, and the handles that follow from them."""

from __future__ import annotations

import base64
import json

import pytest

from local.errors import StepError
from operations.smoke.tokens import TokenCommand, from_environment, handle


def token(sub: str) -> str:
    """A token of somebody; nobody here looks at its signature."""
    claims = base64.urlsafe_b64encode(json.dumps({"iss": "i", "sub": sub}).encode()).decode().rstrip("=")
    return f"x.{claims}.y"


def test_the_command_gets_the_nonce_and_its_output_is_the_token() -> None:
    """Without the line's end."""
    assert TokenCommand("echo a.$NONCE.c").token("n-1") == "a.n-1.c"


@pytest.mark.parametrize("command", ["echo secret; exit 3", "echo secret"])
def test_a_command_that_fails_is_an_error_that_quotes_nothing(command: str) -> None:
    """Neither what it printed nor the command, which may hold a password."""
    with pytest.raises(StepError, match="TOKEN_COMMAND failed") as failed:
        TokenCommand(command).token("n")
    assert "secret" not in str(failed.value)


def test_without_the_variable_there_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one is none."""
    monkeypatch.setenv("TOKEN_COMMAND", "")
    assert from_environment() is None
    monkeypatch.setenv("TOKEN_COMMAND", "login")
    assert from_environment() == TokenCommand("login")


def test_a_handle_belongs_to_a_person_or_to_nobody() -> None:
    """The same in each run of the same person, another one for another; without a token never the same."""
    assert handle("a", token("one")) == handle("a", token("one")) != handle("b", token("one"))
    assert handle("a", token("one")) != handle("a", token("two"))
    assert handle("a", None) != handle("a", None)
    assert all(len(handle("a", known)) <= 30 for known in (None, token("one")))
