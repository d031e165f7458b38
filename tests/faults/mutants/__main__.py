"""``python -m tests.faults.mutants [--only NAME,NAME]``: break the real code, rule by rule, and be caught.

The last line is ``N mutants, N caught``, or names those that survived; the exit status is 1 then, and where
the real code fails a scenario.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from local.places import ROOT
from tests.faults.__main__ import stage
from tests.faults.mutants.catalogue import MUTANTS
from tests.faults.mutants.suite import Result, results

KEPT = ROOT / ".local" / "mutants"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play them, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="names, such as rivals-stay,block-ignored")
    parser.add_argument("--keep", type=Path, default=KEPT, help="where histories that prove nothing go")
    options = parser.parse_args(arguments)
    wanted = [name for name in options.only.split(",") if name] or list(MUTANTS)
    if unknown := [name for name in wanted if name not in MUTANTS]:
        parser.error(f"unknown mutants: {', '.join(unknown)}")
    shutil.rmtree(options.keep, ignore_errors=True)
    began = time.monotonic()
    played: list[Result] = []
    print(_line("mutant", "rule that it breaks", "caught by", "s"))
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder) / "cloud") as running:
        for result in results([MUTANTS[name] for name in wanted], running, options.keep):
            played.append(result)
            _tell(result)
    print(f"\n{time.monotonic() - began:.0f} s")
    return _judge(played)


def _tell(result: Result) -> None:
    """One line a mutant, and one for a control only where it fails."""
    name, rule, expected = "(the real code)", result.scenario, "clean"
    if result.mutant is not None:
        name, rule, expected = result.mutant.name, result.mutant.rule, result.mutant.caught_by
    elif result.is_good:
        return
    caught = ",".join(result.invariants) or "-"
    if not result.is_good:
        caught = f"{caught} NOT {expected}"
    print(_line(name, rule, caught, f"{result.seconds:.1f}"), flush=True)
    if not result.is_good:
        for reason in (result.problem, *map(str, result.violations[:5])):
            print(f"        {reason}", flush=True)


def _line(name: str, rule: str, caught: str, seconds: str) -> str:
    return f"{name:<30}  {rule:<84}  {caught:<10}  {seconds:>5}"


def _judge(played: Sequence[Result]) -> int:
    mutants = [result for result in played if result.mutant is not None]
    survived = [result.mutant.name for result in mutants if result.mutant and not result.is_good]
    unfit = [result.scenario for result in played if result.mutant is None and not result.is_good]
    if unfit:
        print(f"the real code fails in: {', '.join(unfit)}")
    if survived:
        print(f"{len(mutants)} mutants, {len(survived)} survived: {', '.join(survived)}")
    else:
        print(f"{len(mutants)} mutants, {len(mutants)} caught")
    return 1 if survived or unfit else 0


if __name__ == "__main__":
    sys.exit(main())
