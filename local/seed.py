"""The proof that the cloud works, and the accounts to play with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.deploy import App
from local.errors import StepError

#: A module of the SDK: seeds alice, bob and carol with their profiles, sends from alice to bob and waits for
#: the ack.
PROOF = "heliograph.proof"

#: Far more than it needs: functions are cold after a start.
PROOF_SECONDS = 60.0


#: The seeded accounts, and the numbers they have where handles are phone numbers: those of films.
NUMBERS = {"alice": "+12015550100", "bob": "+12015550101", "carol": "+12015550102"}


def handles(app: App) -> Mapping[str, str]:
    """The handle of each seeded account: its name, or its number where the verifier takes no names."""
    return NUMBERS if app.verifier == "otp" else {name: name for name in NUMBERS}


def prove(base_url: str, home: Path, accounts: Mapping[str, str], log: Path) -> str:
    """Seed the accounts and let a real message go from alice to bob, acknowledged; returns its last line.

    Uses the SDK as any client would, in a process of its own, with its profiles in ``home``. Run again it
    finds the accounts and sends one more message. ``accounts`` are handles by profile; ``log`` is where the
    codes of phone numbers stand. Raises ``StepError`` with what the SDK said.
    """
    command = [sys.executable, "-m", PROOF, "--base-url", base_url, "--home", str(home), "--plain-store"]
    command += ["--code-log", str(log)]
    for profile, handle in accounts.items():
        command += ["--profile", f"{profile}={handle}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROOF_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _failed(f"not within {PROOF_SECONDS:.0f} s") from error
    if done.returncode:
        raise _failed("\n         ".join((done.stderr or done.stdout).strip().splitlines()[-20:]))
    return (done.stdout.strip().splitlines() or [""])[-1]


def write_command(script: Path, home: Path) -> None:
    """Write ``helio`` for the seeded profiles: a script that can be called from any terminal as it stands.

    Its profiles are plain files, as the seeded ones: they are for trying things out.
    """
    helio = Path(sys.executable).parent / "helio"
    script.write_text(f"#!/bin/sh\nHELIO_PLAIN_STORE=1 HELIOGRAPH_HOME='{home}' exec '{helio}' \"$@\"\n")
    script.chmod(0o755)


def _failed(cause: str) -> StepError:
    return StepError("No message went from alice to bob.", cause=cause, fix="make logs")
