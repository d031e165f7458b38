"""The history of one run: what every process saw, as JSON Lines that survive a kill."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]

FIRST_BYTES = '{"t":'

TYPED = "somebody typed: "
"""What every text of a run begins with: it is looked for in everything that leaves a device."""


class Recorder:
    """Appends to a history that other processes write, too.

    One line is one write to a file opened for appending: lines of several processes do not mix, and what
    was recorded stays whatever kills the process. A line is in the file before `record` returns.
    """

    def __init__(self, path: Path, who: str) -> None:
        """`who` names the writer: "<account>:<device>" or "harness"."""
        self.who = who
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def record(self, kind: str, **fields: Any) -> None:
        """Add a record, stamped with the machine's monotonic clock: comparable between processes.

        A field `t` or `who` replaces the recorder's own: the harness speaks for a device that it stops.
        """
        line = {"t": time.monotonic_ns(), "kind": kind, "who": self.who, **fields}
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the file; repeating it is an error of the caller."""
        os.close(self._file)


def read(path: Path) -> list[Record]:
    """All records in the order of their time.

    A line cut short by its writer's death is left out, at the end of the file and in front of the next
    writer's line alike. Raises ValueError where the file holds what no recorder writes.
    """
    *lines, unfinished = path.read_bytes().decode(errors="replace").split("\n")
    records = [_whole(line) or _after_cut(line, number) for number, line in enumerate(lines, 1)]
    if (record := _whole(unfinished)) is not None:
        records.append(record)
    return sorted(records, key=lambda record: int(record["t"]))


def _whole(line: str) -> Record | None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and {"t", "kind", "who"} <= record.keys() else None


def _after_cut(line: str, number: int) -> Record:
    """The whole record behind one that was cut before its end."""
    start = line.find(FIRST_BYTES, 1)
    while start > 0:
        if (record := _whole(line[start:])) is not None:
            return record
        start = line.find(FIRST_BYTES, start + 1)
    raise ValueError(f"line {number} is no record: {line[:80]!r}")
