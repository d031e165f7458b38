"""``docs/limits.md`` and the table of limiters are the same."""

from __future__ import annotations

import re
from pathlib import Path

from chat.domain.limits import LIMITERS

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")


def test_every_limiter_is_described_as_it_is() -> None:
    """One row a limiter, in order: routes, subject, numbers, where it is kept and how it fails, and why."""
    lines = PAGE.partition("|---|---|---|---|---|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert [(row[0], tuple(re.findall(r"`(.+?)`", row[1])), *row[2:7]) for row in rows] == [
        (
            f"`{limiter.name}`",
            limiter.routes,
            limiter.per,
            str(limiter.burst),
            str(limiter.refill_ms),
            limiter.kept,
            limiter.fails,
        )
        for limiter in LIMITERS
    ]
    assert all(row[7] for row in rows)


def test_every_place_of_buckets_is_described() -> None:
    """No limiter is kept in a way that the page is silent about."""
    places = PAGE.partition("## Where buckets are kept")[2].partition("\n\n*Open*")[0]

    assert set(re.findall(r"^\| (\w+) \|", places, re.MULTILINE)) - {"kept"} == {
        limiter.kept for limiter in LIMITERS
    }
