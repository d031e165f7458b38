"""Three of the mutants: the short part of ``make faults-mutants``, in every ``make test``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mutants.catalogue import MUTANTS
from tests.faults.mutants.suite import results
from tests.faults.world import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.local_only]

SAMPLE = ("block-ignored", "a-post-is-delivery", "names-not-deduped")
"""Two servers and a client, each fast."""


@pytest.mark.parametrize("name", SAMPLE)
def test_a_mutant_is_caught(name: str, running: Stage, tmp_path: Path) -> None:
    """The real code passes the scenario, and the broken one violates the invariant that it should."""
    for result in results([MUTANTS[name]], running, tmp_path):
        assert result.is_good, (result.problem, *map(str, result.violations))
