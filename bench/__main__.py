"""``make bench``, or ``python -m bench [--clients 1 10 100] [--seconds 4]``: messages beside the bare echo.

Starts a local cloud of its own on free ports, deploys the real template and, beside it, a stack that only
echoes, measures both in one run, and stops everything. Absolute numbers are this machine's; the
ratio to the echo says what the messenger adds to what the emulator costs anyway.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench import conversations
from bench.echo import load
from local import deploy
from local.cloud import LocalCloud
from local.places import Places

ECHO = deploy.App("python -m bench.echo.app", ("bench/echo",))

LEAST_SHARE_OF_ECHO = 0.15
"""A stored, posted and acknowledged message costs about four bare posted echoes; beyond seven is wrong."""


def main() -> int:
    """Print the tables; exit code 1 if over budget."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the local cloud.")
    parser.add_argument("--flow", choices=("one_to_one",), default="one_to_one")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 100])
    options = parser.parse_args()
    wide = {"HELIOGRAPH_LIMITS": "wide"}  # one device here sends what a thousand people do
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder), extra_env=wide) as cloud:
        echo = deploy.deploy(ECHO, Places(_made(Path(folder) / "echo")), cloud.ports).outputs["SocketUrl"]
        accounts = conversations.register_many(cloud.base_url, 2 * max(options.clients))
        share = 1.0
        print(f"{'':>24}{'per s':>8}{'p50':>8}{'p99':>8}   ms")
        for clients in options.clients:
            bare = {
                route: asyncio.run(load.measure(echo, route, clients, options.seconds))
                for route in ("reply", "post")
            }
            for route, got in bare.items():
                _row(f"echo {route}", clients, got.per_second, got.p50, got.p99)
            talk = asyncio.run(conversations.measure(cloud.base_url, accounts, clients, options.seconds))
            for what in ("delivered", "accepted", "connect"):
                times = getattr(talk.timings, what)
                p50, p99 = (conversations.percentile(times, share) for share in (0.5, 0.99))
                _row(
                    f"message {what}" if what != "connect" else "connect + sync",
                    clients,
                    talk.per_second,
                    p50,
                    p99,
                )
            share = min(share, talk.per_second / bare["post"].per_second)
    print(f"messages per bare posted echo, least: {share:.2f} (at least {LEAST_SHARE_OF_ECHO})")
    print("within budget" if share >= LEAST_SHARE_OF_ECHO else "over budget: messages per bare posted echo")
    return 0 if share >= LEAST_SHARE_OF_ECHO else 1


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _row(what: str, clients: int, per_second: float, p50: float, p99: float) -> None:
    rate = "" if what.startswith("connect") else f"{per_second:.0f}"
    print(f"{what:<18}{clients:>6}{rate:>8}{p50:>8.1f}{p99:>8.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
