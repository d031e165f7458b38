"""The proof that the cloud works, and the accounts to play with."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from local.errors import StepError

#: A module of the SDK: seeds alice, bob and carol with their profiles, sends from alice to bob and waits for the ack.
PROOF = "heliograph.proof"

#: Far more than it needs: functions are cold after a start.
PROOF_SECONDS = 60.0


def prove(base_url: str) -> str:
    """Seed the accounts and let a real message go from alice to bob, acknowledged; returns its last line.

    Uses the SDK as any client would, in a process of its own. Run again it finds the accounts and sends one
    more message. Raises ``StepError`` with what the SDK said.
    """
    if importlib.util.find_spec(PROOF.partition(".")[0]) is None or importlib.util.find_spec(PROOF) is None:
        return "skipped: the SDK is not installed"
    command = [sys.executable, "-m", PROOF, "--base-url", base_url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROOF_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _failed(f"not within {PROOF_SECONDS:.0f} s") from error
    if done.returncode:
        raise _failed("\n         ".join((done.stderr or done.stdout).strip().splitlines()[-20:]))
    return (done.stdout.strip().splitlines() or [""])[-1]


def _failed(cause: str) -> StepError:
    return StepError("No message went from alice to bob.", cause=cause, fix="make logs")
