"""``make smoke STAGE=dev TOKEN_COMMAND=...``: is this deployment a messenger?

Two throw-away accounts register, chat, change what they said, link a device and remove it, all by the SDK and
sealed. ``TOKEN_COMMAND`` in the environment prints an ID token whose ``nonce`` is ``$NONCE``. Without a stage
the local cloud is asked, which takes everybody for who they say.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from local import __main__ as local_commands
from local.cloud import LocalCloud
from local.errors import StepError
from local.places import Places
from local.steps import Steps
from operations.smoke import tokens
from operations.smoke.play import SmokeFailed, Stage, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 where every step held, 1 where one did not, 2 where nothing could be tried."""
    parser = argparse.ArgumentParser(prog="python -m operations.smoke", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stage", default="", help="a deployed stage, found by your AWS credentials")
    where.add_argument("--base-url", default="", help="its address, where there are none")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        base_url = options.base_url or _base_url(options.stage)
        print(f"Two accounts chat through {base_url}.", flush=True)
        stage = Stage(base_url, tokens.from_environment(), lambda text: print(text, flush=True))
        asyncio.run(run(stage))
    except SmokeFailed as problem:
        print(f"\nNot well: {problem}", file=sys.stderr)
        return 1
    except StepError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 2
    print(f"All {stage.steps} steps held ({time.monotonic() - began:.0f} s).")
    return 0


def _base_url(stage: str) -> str:
    """Raises ``StepError`` where the stage is not deployed, or the local cloud does not start."""
    if stage:
        from operations.probe.place import stage_on_aws  # noqa: PLC0415, boto3 takes a while

        return stage_on_aws(stage).base_url
    cloud = LocalCloud(Places.from_environment().state)
    if not cloud.processes and local_commands.up(Steps()):
        raise StepError("The local cloud does not start.", fix="make up")
    return LocalCloud(Places.from_environment().state).base_url


if __name__ == "__main__":
    sys.exit(main())
