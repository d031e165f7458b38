"""Every fault once: the short part of ``make faults``, in every ``make test``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.injections import INJECTIONS
from tests.faults.plan import plan
from tests.faults.run import Run
from tests.faults.world import Injection, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.local_only]

SEED = 20_261


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda each: f"{each.name}")
def test_no_promise_is_broken_under(injection: Injection, running: Stage, tmp_path: Path) -> None:
    """Under this fault nothing is lost, shown twice, out of order or shown to the wrong device."""
    drawn = plan(SEED, {}, first=injection.name)
    outcome = asyncio.run(Run(drawn, running, tmp_path / "run", {injection.name: injection}).play())
    assert outcome.records > 100, "the devices did not talk"
    assert not outcome.violations, "\n".join(map(str, outcome.violations))
