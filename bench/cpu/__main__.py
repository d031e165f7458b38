"""``python -m bench.cpu [--calls 400] [--port N] [--json FILE] [--profile "send: 1 message"]``.

Starts a local cloud of its own unless ``--port`` names the Cassandra of one that runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cpu import run
from bench.cpu.rows import Row
from local.cloud import LocalCloud


@dataclass(frozen=True, slots=True)
class Running:
    """A Cassandra that is there already."""

    cassandra_port: int


def main() -> int:
    """Print the tables, or one profile."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cpu", description="Processor time of the handlers."
    )
    parser.add_argument("--calls", type=int, default=run.CALLS)
    parser.add_argument("--port", type=int, default=0, help="Cassandra of a running local cloud")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    parser.add_argument("--profile", default="", metavar="ROW", help="profile this row instead")
    options = parser.parse_args()
    with _cloud(options.port) as cloud:
        if options.profile:
            print(run.profile(cloud, options.profile, options.calls))
            return 0
        warm = run.measure(cloud, options.calls)
        _table("one call of a warm handler", warm)
        cold = run.cold(cloud)
        _table("cold start", cold)
    sizes = run.sizes()
    print(f"\n{'packages of a cloud stage':<34}{'zipped':>9}{'unpacked':>10}   KB")
    for size in sizes:
        print(f"{size.name:<34}{size.zipped / 1000:>9.0f}{size.unpacked / 1000:>10.0f}")
    if options.json:
        rows = {"warm": [asdict(one) for one in warm], "cold": [asdict(one) for one in cold]}
        text = json.dumps({**rows, "sizes": [asdict(one) for one in sizes]}, indent=1)
        options.json.write_text(text + "\n")
    return 0


@contextmanager
def _cloud(port: int) -> Iterator[run.HasCassandra]:
    if port:
        yield Running(port)
        return
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder)) as cloud:
        yield cloud


def _table(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title:<34}{'wall':>9}{'cpu':>10}   ms{'units':>8}{'calls':>7}")
    for one in rows:
        print(f"{one.name:<34}{one.wall:>9.2f}{one.cpu:>10.2f}{one.units:>13.1f}{one.calls:>7}")


if __name__ == "__main__":
    sys.exit(main())
