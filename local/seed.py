"""The proof that the cloud works, and the accounts to play with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from local.errors import StepError

ACCOUNTS = ("alice", "bob", "carol")


def prove(base_url: str) -> str:
    """Seed the accounts and let a real message go from alice to bob, acknowledged; returns what the step line
    says.

    Uses the SDK as any client would, in a process of its own. Run again it finds the accounts and sends one
    more message. Raises ``StepError`` with what the SDK said.
    """
    if importlib.util.find_spec("heliograph") is None or importlib.util.find_spec("heliograph.proof") is None:
        return "skipped: the SDK is not installed"
    done = subprocess.run(
        [sys.executable, "-m", "heliograph.proof", "--base-url", base_url],
        env=os.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-20:]
        raise StepError("No message went from alice to bob.", cause="\n         ".join(said), fix="make logs")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ", ".join(ACCOUNTS)
