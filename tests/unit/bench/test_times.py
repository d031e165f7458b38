"""Percentiles, and when messages are meant to leave."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.speed.times import arrivals, percentile


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 10), (0.5, 50), (0.51, 60), (0.95, 100), (0.9, 90), (1, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    """Of ten values the nearest rank, never something between two."""
    assert percentile([100, 20, 30, 10, 50, 40, 70, 60, 90, 80], share) == expected


def test_no_values_have_no_percentile() -> None:
    """A load that measured nothing must not look like a fast one."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_at_least_the_share_lies_at_or_below(values: list[float], share: float) -> None:
    """And it is the smallest such value."""
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert found == min(values) or sum(value < found for value in values) < share * len(values)


def test_arrivals_come_at_the_rate_and_in_order() -> None:
    """A thousand seconds of 20 a second are about 20,000 moments, ascending, all within the time."""
    when = arrivals(20, 1000, seed=1)
    assert when == sorted(when)
    assert when[0] > 0
    assert when[-1] < 1000
    assert 19_000 < len(when) < 21_000


def test_arrivals_come_at_random() -> None:
    """Intervals differ as those of independent people: their deviation is as large as their mean."""
    when = arrivals(20, 1000, seed=1)
    gaps = [later - earlier for earlier, later in pairwise(when)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.05)


def test_a_seed_gives_the_same_moments() -> None:
    """So every system is asked at the same ones."""
    assert arrivals(20, 10, seed=7) == arrivals(20, 10, seed=7) != arrivals(20, 10, seed=8)
