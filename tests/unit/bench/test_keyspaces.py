"""Request units, against the examples that Amazon publishes."""

from __future__ import annotations

import pytest

from bench import keyspaces
from bench.keyspaces import Units, Value
from schemas.tables import Column, Table

INTS = tuple(Column(name, "int", "") for name in ("pk_col1", "pk_col2", "ck_col1", "ck_col2", "reg_col1"))
EXAMPLE = Table("mytable", "", "", partition=INTS[:2], clustering=INTS[2:4], columns=INTS[4:])
"""The table of the guide's page "Estimate row size"."""


def test_the_row_of_the_guide() -> None:
    """``INSERT .. VALUES (1, 2, 3, 4, 5)``: 8 + 8 bytes of partition key, 6 + 6 of clustering, 3: 31."""
    row = {column.name: number for number, column in enumerate(INTS, start=1)}
    assert keyspaces.row_bytes(EXAMPLE, row) == 31


def test_time_to_live_costs_eight_bytes_a_row_and_a_column() -> None:
    """As the page on row sizes says for tables with TTL."""
    plain = Table("t", "", "", partition=INTS[:1], columns=INTS[3:])
    expiring = Table("t", "", "", partition=INTS[:1], columns=INTS[3:], ttl_seconds=60)
    row = dict.fromkeys(("pk_col1", "ck_col2", "reg_col1"), 1)
    assert keyspaces.row_bytes(expiring, row) - keyspaces.row_bytes(plain, row) == 8 + 2 * 8


def test_absent_columns_take_nothing_and_an_absent_key_is_a_mistake() -> None:
    """Cassandra stores no nulls; a row without its key is none."""
    assert keyspaces.row_bytes(EXAMPLE, dict.fromkeys(("pk_col1", "pk_col2", "ck_col1", "ck_col2"), 1)) == 28
    with pytest.raises(KeyError):
        keyspaces.row_bytes(EXAMPLE, {"pk_col1": 1})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 1),
        (7, 2),
        (12, 2),
        (123, 3),
        (1_700_000_000_000, 2),
        (-45, 2),
        ("größe", 7),
        (b"abc", 3),
        (True, 1),
        (None, 1),
        ("", 0),
    ],
)
def test_values(value: Value, expected: int) -> None:
    """A byte for two significant digits and one more; strings in UTF-8; blobs as they are; booleans one."""
    assert keyspaces.value_bytes(value) == expected


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (3 * 1024, 3)])
def test_writes(size: int, units: int) -> None:
    """The pricing page: a WRU writes up to 1 KB; a row of 3 KB takes three."""
    assert keyspaces.write(size) == Units(writes=units)


@pytest.mark.parametrize(
    ("size", "consistency", "units"),
    [
        (4 * 2048, "LOCAL_QUORUM", 2),
        (4 * 2048, "LOCAL_ONE", 1),
        (0, "LOCAL_QUORUM", 1),
        (0, "LOCAL_ONE", 0.5),
        (4096, "LOCAL_QUORUM", 1),
        (4097, "LOCAL_QUORUM", 2),
    ],
)
def test_reads(size: int, consistency: str, units: float) -> None:
    """The pricing page: four rows of 2 KB are 2 RRU at LOCAL_QUORUM, 1 at LOCAL_ONE; nothing found is one."""
    assert keyspaces.read(size, consistency) == Units(reads=units)


def test_conditional_writes() -> None:
    """The guide: no surcharge when applied; when not, the writes of the existing row, at least one."""
    applied = keyspaces.conditional(1500, 0, applied=True, has_ttl=False)
    refused = keyspaces.conditional(100, 2500, applied=False, has_ttl=False)
    nothing_there = keyspaces.conditional(5000, 0, applied=False, has_ttl=False)
    assert (applied, refused, nothing_there) == (Units(2), Units(3), Units(1))


def test_conditional_writes_where_rows_expire_read_besides() -> None:
    """The guide on TTL: the row is read to see whether it is still there."""
    assert keyspaces.conditional(100, 5000, applied=True, has_ttl=True) == Units(1, 2)
    assert keyspaces.conditional(100, 0, applied=True, has_ttl=True) == Units(1, 1)
