"""Plays mutants and their controls."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import Violation, check
from tests.faults.device import DeviceGone, DeviceRefused
from tests.faults.history import read
from tests.faults.mutants import scenarios
from tests.faults.mutants.breaking import Mutant
from tests.faults.mutants.scene import Scene
from tests.faults.world import Stage

TRIES = 3
"""Where two processes race, a scenario may need more than one."""

_numbers = itertools.count()


@dataclass(slots=True)
class Result:
    """What became of a scenario. ``mutant`` is None for its control: the real code, which must be clean."""

    scenario: str
    mutant: Mutant | None
    violations: list[Violation] = field(default_factory=list)
    problem: str = ""
    """Why the scenario could not be played to its end; then it proves nothing."""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """A mutant fails in the invariant it is expected to, a control in none."""
        if self.problem:
            return False
        if self.mutant is None:
            return not self.violations
        return any(violation.invariant == self.mutant.caught_by for violation in self.violations)

    @property
    def invariants(self) -> list[str]:
        """The names of all invariants that failed, in the order of the checker."""
        return list(dict.fromkeys(violation.invariant for violation in self.violations))


def results(mutants: Iterable[Mutant], stage: Stage, folder: Path) -> Iterator[Result]:
    """The control of each scenario, then its mutants; each as often as it needs, at most ``TRIES`` times."""
    by_scenario: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_scenario.setdefault(mutant.scenario, []).append(mutant)
    for scenario, broken in by_scenario.items():
        for each in (None, *broken):
            began = time.monotonic()
            for _ in range(TRIES if each else 1):
                result = play(scenario, each, stage, folder)
                if result.is_good:
                    break
            result.seconds = time.monotonic() - began
            yield result


def play(scenario: str, mutant: Mutant | None, stage: Stage, folder: Path) -> Result:
    """Play a scenario once. What is good is not kept."""
    place = folder / f"{next(_numbers)}-{mutant.name if mutant else scenario}"
    result = Result(scenario, mutant)
    try:
        asyncio.run(_played(result, stage, place))
    except (TimeoutError, DeviceGone, DeviceRefused) as problem:
        result.problem = f"{type(problem).__name__}: {problem}"
    result.violations = check(read(place / "history.jsonl"))
    if result.is_good:
        shutil.rmtree(place)
    return result


async def _played(result: Result, stage: Stage, place: Path) -> None:
    name = result.mutant.name if result.mutant else ""
    if name:
        stage.barriers.swap(name)
    scene = Scene(stage, place, name)
    try:
        await getattr(scenarios, result.scenario)(scene)
        await scene.end()
    finally:
        await scene.leave()
