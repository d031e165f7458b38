"""``schemas/tables.py``, and what is rendered from it."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.tables import TABLES, render_cql

ROOT = Path(__file__).resolve().parents[2]


def test_the_readable_cql_is_what_the_source_renders() -> None:
    """``schemas/tables.cql`` is never edited by hand: ``make schema`` writes it."""
    assert (ROOT / "schemas" / "tables.cql").read_text() == render_cql()


def test_the_keys_are_those_that_were_released() -> None:
    """A changed key would replace the table in AWS, and its rows with it: a new table is the way."""
    released = json.loads((Path(__file__).parent / "released_keys.json").read_text())

    now = {t.name: [[c.name for c in t.partition], [c.name for c in t.clustering]] for t in TABLES}

    assert {name: now.get(name) for name in released} == released
