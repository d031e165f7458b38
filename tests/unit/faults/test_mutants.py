"""Mutants: each fits the code that it breaks, has a scenario of its own, and can be mended."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from heliograph.ids import next_milliseconds

from tests.faults.checker import INVARIANTS
from tests.faults.mutants import scenarios
from tests.faults.mutants.breaking import Breaker, Edit, find
from tests.faults.mutants.catalogue import MUTANTS

LOWER = Edit("heliograph.ids:next_milliseconds", "newest_seen + 1", "newest_seen - 1")


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    """One that mends what the test broke."""
    made = Breaker()
    yield made
    made.mend()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fits_the_code(name: str, breaker: Breaker) -> None:
    """Every text that it replaces is there, once, and what comes out can be compiled."""
    breaker.apply(MUTANTS[name].edits)


def test_a_mutant_is_one_until_it_is_mended(breaker: Breaker) -> None:
    """Who imported the function before runs the broken one, and the first one again afterwards."""
    assert next_milliseconds(0, 5) == 6
    breaker.apply([LOWER])
    assert next_milliseconds(0, 5) == 4
    breaker.mend()
    assert next_milliseconds(0, 5) == 6


@pytest.mark.parametrize("old", ["no such text", "n"])
def test_an_edit_that_misses_is_an_error(old: str, breaker: Breaker) -> None:
    """A text that is not there, or more than once, breaks nothing."""
    code = find(LOWER.where).__code__
    with pytest.raises(ValueError, match="times"):
        breaker.apply([Edit(LOWER.where, old, "")])
    assert find(LOWER.where).__code__ is code


def test_every_mutant_is_expected_by_an_invariant_and_has_a_scenario() -> None:
    """What the lists name exists."""
    for mutant in MUTANTS.values():
        assert mutant.caught_by in INVARIANTS
        assert inspect.iscoroutinefunction(getattr(scenarios, mutant.scenario))


def test_every_scenario_is_played() -> None:
    """None outlives its mutants."""
    functions = inspect.getmembers(scenarios, inspect.iscoroutinefunction)
    written = {name for name, function in functions if function.__module__ == scenarios.__name__}
    assert written == {mutant.scenario for mutant in MUTANTS.values()}


def test_every_invariant_catches_somebody() -> None:
    """An invariant that no mutant violates would be unproven against the real code."""
    assert INVARIANTS.keys() == {mutant.caught_by for mutant in MUTANTS.values()}
