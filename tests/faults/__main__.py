"""Break everything, lose nothing: ``python -m tests.faults [--runs N | --minutes M] [--seed S] [--only F3]``.

A local cloud of its own on free ports plays run after run, each drawn from its seed. The last line is
``N runs, M violations``; the exit status is 1 if there are any, and the histories of failed runs are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.cloud import LocalCloud
from local.errors import StepError
from local.places import ROOT
from tests.barriers import Barriers
from tests.e2e.tables import Tables
from tests.faults import report
from tests.faults.plan import Plan, plan
from tests.faults.proxies import Links
from tests.faults.run import Outcome, Run
from tests.faults.world import Injection, Stage

KEPT = ROOT / ".local" / "faults"


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A local cloud whose every link can fail, gone again at the end."""
    ports = LocalCloud(folder).ports
    links = Links(cassandra_port=ports.cassandra, gateway_port=ports.gateway)
    barriers = Barriers(folder / "barriers")
    barriers.forget()
    environment = {"HELIOGRAPH_BARRIERS": str(barriers.folder), "HELIOGRAPH_LIMITS": "wide"}
    cloud = LocalCloud(
        folder, ports, decorate="tests.barriers:decorate", extra_env=environment | links.environment
    )
    try:
        with cloud, Tables(cloud.cassandra_port) as tables:
            yield Stage(cloud, links, barriers, tables, folder)
    finally:
        links.close()


def plans(options: argparse.Namespace, injections: Mapping[str, Injection]) -> Iterator[Plan]:
    """One plan a seed; every fault comes first in turn, so that few runs meet each of them."""
    weights = {name: injection.weight for name, injection in injections.items()}
    seeds: Iterator[int] = (
        iter([options.seed]) if options.seed is not None else itertools.count(options.first)
    )
    names = sorted(weights)
    for seed in seeds:
        yield plan(seed, weights, names[seed % len(names)] if names else None)


def play(options: argparse.Namespace, injections: Mapping[str, Injection], folder: Path) -> list[Outcome]:
    """All runs. A cloud that does not come back after a run is replaced, and said so."""
    outcomes: list[Outcome] = []
    end = time.monotonic() + 60 * options.minutes
    wanted = 1 if options.seed is not None else options.runs
    todo = plans(options, injections)
    while True:
        with stage(folder / f"cloud-{len(outcomes)}") as running:
            try:
                for each in todo:
                    running.cloud.wait_for_aws()  # a run that was cut short did not wait for it
                    outcome = asyncio.run(Run(each, running, folder / f"run-{each.seed}", injections).play())
                    outcomes.append(_kept(outcome, options.keep))
                    _tell(outcome, len(outcomes))
                    if (wanted and len(outcomes) >= wanted) or (not wanted and time.monotonic() > end):
                        return outcomes
            except StepError as broken:
                print(f"the local cloud did not come back and is started anew: {broken}", flush=True)


def _kept(outcome: Outcome, keep: Path) -> Outcome:
    """Keep the folder of a failed run, drop that of another."""
    folder = outcome.history.parent
    if outcome.violations:
        kept = keep / folder.name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept)
        outcome.history = kept / outcome.history.name
    shutil.rmtree(folder)
    return outcome


def _tell(outcome: Outcome, count: int) -> None:
    seconds = "  ".join(f"{name} {spent:.1f}" for name, spent in outcome.seconds.items())
    print(
        f"{count:>4}  seed {outcome.seed:<6} {','.join(outcome.faults) or '-':<16} {outcome.records:>6} "
        f"records  {len(outcome.violations)} violations   {seconds}",
        flush=True,
    )
    for violation in outcome.violations[:5]:
        print(f"        {violation}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the runs, print the table."""
    from tests.faults.injections import INJECTIONS, NOT_YET  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="how many; else as many as fit into --minutes")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, help="play this one plan again")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--only", default="", help="faults to draw from, such as F3,F8; - for none")
    parser.add_argument("--keep", type=Path, default=KEPT, help="where histories of failed runs go")
    options = parser.parse_args(arguments)
    only = set(filter(None, options.only.split(",")))
    unknown = only - {injection.name for injection in INJECTIONS} - {"-"}
    if unknown:
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    injections: dict[str, Injection] = {
        each.name: each for each in INJECTIONS if not only or each.name in only
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = play(options, injections, Path(folder))
    print()
    print(report.table(outcomes, {each.name: each.title for each in injections.values()}, NOT_YET))
    if failed := report.failures(outcomes, options.only):
        print(f"\n{failed}")
    print(f"\n{time.monotonic() - began:.0f} s, {(time.monotonic() - began) / len(outcomes):.1f} s a run")
    print(report.last_line(outcomes))
    return 1 if any(outcome.violations for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
