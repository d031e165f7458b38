"""``docs/observability.md`` and the lists that it shows."""

from __future__ import annotations

import re
from pathlib import Path

from operations.rates import SHOWN
from schemas.metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()


def test_the_page_lists_every_metric_and_no_other() -> None:
    """In the words of ``schemas/metrics.py``."""
    table = PAGE.partition("| metric | counts |")[2].partition("\n\n")[0]

    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)) == METRICS


def test_the_page_names_what_status_shows() -> None:
    """Who reads a script that uses a rate finds it here."""
    assert [name for name in SHOWN.values() if f"`{name}`" not in PAGE] == []


def test_the_page_knows_how_many_metrics_there_are() -> None:
    """And so what a busy month costs at most."""
    assert f"${0.30 * len(METRICS):.2f} for all {len(METRICS)}" in PAGE
