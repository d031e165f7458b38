"""Proofs of who registers: ID tokens that a command of the operator's prints."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
from dataclasses import dataclass

from local.errors import StepError

PATIENCE = 120
"""Seconds that the command may take: it may ask somebody to sign in."""


@dataclass(frozen=True, slots=True)
class TokenCommand:
    """A shell command that prints an ID token, whose ``nonce`` is ``NONCE`` of its environment."""

    command: str

    def token(self, nonce: str) -> str:
        """One token. Raises ``StepError`` where the command fails or prints none; it is not quoted."""
        done = subprocess.run(  # noqa: S602, the operator's own command line
            self.command,
            shell=True,
            env={**os.environ, "NONCE": nonce},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        token = done.stdout.strip()
        if done.returncode or token.count(".") != 2:
            said = f"exit status {done.returncode}" if done.returncode else "what it prints is no ID token"
            raise StepError(f"TOKEN_COMMAND failed: {said}.", fix="run it by hand with NONCE=x in front")
        return token


def from_environment() -> TokenCommand | None:
    """``TOKEN_COMMAND``, if there is one: where everybody is taken for who they say none is needed."""
    command = os.environ.get("TOKEN_COMMAND", "")
    return TokenCommand(command) if command else None


def handle(role: str, token: str | None) -> str:
    """The handle of a part in the play.

    With a token the same for whoever signs in each time, so that a run takes the place of the one before and
    no accounts pile up; without one a new one.
    """
    if token is None:
        return f"smoke_{secrets.token_hex(6)}_{role}"
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    person = hashlib.sha256(f"{claims.get('iss')} {claims.get('sub')}".encode()).hexdigest()
    return f"smoke_{person[:12]}_{role}"
