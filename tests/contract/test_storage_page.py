"""``docs/storage.md`` and the tables and rules it describes are the same."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.lint_cql import ROOT
from schemas.tables import TABLES
from tests.contract.test_cql import VIOLATIONS

PAGE = Path(ROOT, "docs", "storage.md").read_text()


def test_every_table_is_described_as_it_is() -> None:
    """One row a table, in order, with its key, its expiry and its kind of writes."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (\w+) \|", PAGE, re.MULTILINE)
    assert [name for name, *_ in rows] == [spec.name for spec in TABLES]
    for spec, (_, key, lives, writes) in zip(TABLES, rows, strict=True):
        assert re.findall(r"\w+", key) == [column.name for column in spec.key]
        assert ("conditional" if spec.lwt else "plain") == writes
        assert (f"{spec.ttl_seconds:,} s" if spec.ttl_seconds else "for ever") == lives.partition(
            ", receipts"
        )[0]


def test_every_rule_of_the_linter_has_its_reason() -> None:
    """A rule that somebody meets is explained on the page, and no other is."""
    lines = PAGE.partition("| rule | why |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    described = {rule for line in lines for rule in re.findall(r"`([a-z-]+)`", line.split("|")[1])}
    assert described == {rule for rule, _ in VIOLATIONS} | {"ddl-at-run-time", "consistency"}
