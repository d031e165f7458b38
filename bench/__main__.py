"""``make bench``: what messages cost, and how fast they are.

``FLOW=one_to_one | offline | connect | online_hour | idle | keys`` plays people with real clients, which seal
what they say, against a local cloud of its own and counts what AWS would bill; the tables go into
``docs/cost.md``, the counts into ``bench/counts.json``. ``FLOW=speed`` measures times and writes
``docs/performance.md``. Without FLOW: all.
A count that grew by more than a tenth against the committed file is over budget and is not written, unless
``ACCEPT=1`` says that it is meant.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path

from bench import report
from bench.flows import connect, idle, keys, offline, one_to_one, online_hour
from bench.flows.result import Result
from bench.flows.stage import Stage
from bench.speed import main as speed
from bench.speed.page import PAGE
from local.cloud import LocalCloud

FLOWS: Mapping[str, Callable[[Stage], Coroutine[None, None, list[Result]]]] = {
    "one_to_one": one_to_one.measure,
    "offline": offline.measure,
    "connect": connect.measure,
    "online_hour": online_hour.measure,
    "idle": idle.measure,
    "keys": keys.measure,
}

SPEED = "speed"
"""Times, memory, growth and a peer: some eight minutes."""


def play(names: Sequence[str]) -> list[Result]:
    """Play flows in a local cloud of their own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        meter = Path(folder) / "meter.jsonl"
        with LocalCloud(Path(folder) / "cloud", extra_env={"HELIOGRAPH_METER": str(meter)}) as cloud:
            stage = Stage(cloud.base_url, meter, Path(folder))
            return [result for name in names for result in asyncio.run(FLOWS[name](stage))]


def main() -> int:
    """Print the tables; the last line is the verdict. Exit code 1 if over budget."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Count and measure messages.")
    parser.add_argument("--flow", nargs="+", choices=(*FLOWS, SPEED))
    parser.add_argument("--accept", action="store_true", help="write counts that grew, too")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    chosen = options.flow or [*FLOWS, SPEED]
    over: list[str] = []
    if flows := [name for name in chosen if name in FLOWS]:
        results = play(flows)
        print(report.text(results), flush=True)
        over += [line for one in results for line in one.over()]
        grown = report.growth(results, report.committed())
        over += [] if options.accept else grown
        if not over and not options.check:
            report.write(results)
    if SPEED in chosen:
        over += speed.run(page=None if options.check else PAGE)
    print(f"over budget: {'; '.join(over)}" if over else "within budget")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
