"""What a statement costs on Amazon Keyspaces: encoded row sizes, write and read request units.

Pure arithmetic after the Developer Guide, read in November 2026: "Estimate row size in Amazon Keyspaces",
"Estimate capacity consumption of range queries / limit queries / lightweight transactions", "Expire data with
Time to Live". Where the guide is silent the dearer reading is taken, and said so here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from schemas.tables import Table

WRITE_UNIT = 1024
"""Bytes that one write request unit covers."""

READ_UNIT = 4096
"""Bytes that one read request unit covers at LOCAL_QUORUM; at LOCAL_ONE it covers twice as much."""

TTL_BYTES = 8
"""Metadata of a table with TTL: once a row, and once a column."""

Value = str | int | bool | bytes | None
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Units:
    """Write and read request units."""

    writes: int = 0
    reads: float = 0.0

    def __add__(self, other: Units) -> Units:
        return Units(self.writes + other.writes, self.reads + other.reads)


def value_bytes(value: Value) -> int:
    """Encoded bytes of one value.

    Numbers take one byte for every two significant digits (trailing zeroes are no such) and one more.
    """
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int):
        digits = str(abs(value)).rstrip("0")
        return ceil(len(digits) / 2) + 1
    if isinstance(value, str):
        return len(value.encode())
    return len(value)


def row_bytes(spec: Table, row: Row) -> int:
    """Encoded bytes of a row as requests are metered: without the 100 bytes that only storage has.

    ``row`` holds the whole key and those regular columns that the row has. Raises ``KeyError`` without a key.
    """
    name = _column_id(spec)
    size = TTL_BYTES if spec.ttl_seconds else 0
    for column in spec.partition:
        size += 2 * value_bytes(row[column.name]) + name + 3
    for column in spec.clustering:
        data = value_bytes(row[column.name])
        size += 2 * data + ceil(data / 5) + name
    for column in spec.columns:
        if column.name in row:
            size += value_bytes(row[column.name]) + name + (TTL_BYTES if spec.ttl_seconds else 0)
    return size


def write(size: int) -> Units:
    """A plain insert, update or delete of a row of that size; a delete is a write of the row it removes."""
    return Units(writes=max(1, ceil(size / WRITE_UNIT)))


def conditional(size: int, existing: int, *, applied: bool, has_ttl: bool) -> Units:
    """A conditional write of a row of ``size`` bytes, where ``existing`` bytes stood before (0: nothing).

    There is no surcharge. A condition that fails costs the writes of the row that stood in the way, at least
    one unit. On a table with TTL the row is read besides (the guide says so for ``IF [NOT] EXISTS``; here it
    is taken for every condition).
    """
    reads = max(1, ceil(existing / READ_UNIT)) if has_ttl else 0
    return write(size if applied else existing) + Units(reads=reads)


def read(size: int, consistency: str = "LOCAL_QUORUM") -> Units:
    """A read of rows of one partition, ``size`` bytes together: the sum is rounded up, not each row.

    A read that finds nothing costs one unit; at LOCAL_ONE everything costs half.
    """
    units = max(1, ceil(size / READ_UNIT))
    return Units(reads=units / 2 if consistency == "LOCAL_ONE" else units)


def _column_id(spec: Table) -> int:
    """Bytes of a column's id: one for the first 62 columns of a table, as the guide words it."""
    return 1 + (len(spec.key) + len(spec.columns) - 1) // 62
