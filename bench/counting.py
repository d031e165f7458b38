"""Billable operations out of what the meter recorded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from bench import keyspaces
from bench.keyspaces import Row, Units
from bench.statements import Bound, bind, value_of
from schemas.tables import Table, table

FRAME_BYTES = 32 * 1024
"""API Gateway meters WebSocket messages in units of 32 KB, each way."""

HTTPS_BYTES = 512 * 1024
"""It meters requests of an HTTP API in units of 512 KB."""

QUEUE_BYTES = 64 * 1024
"""SQS counts every 64 KB of a request as a request; a batch of ten small messages is one."""

Line = Mapping[str, Any]
"""One line of the meter, see ``chat.adapters.meter``."""

Key = tuple[str, tuple[Any, ...]]
"""A row: its table and its whole key."""


def read_lines(file: Path, since: int = 0) -> list[Line]:
    """The whole JSON lines of a file behind that place (bytes); none where there is no file yet."""
    if not file.exists():
        return []
    with file.open("rb") as opened:
        opened.seek(since)
        return [json.loads(line) for line in opened if line.endswith(b"\n")]


def metered(size: int, unit: int) -> int:
    """How many requests a payload of ``size`` bytes is billed as: an empty one is one, too."""
    return max(1, ceil(size / unit))


@dataclass(slots=True)
class Counts:
    """What was used. Frames in units of 32 KB; ``refused_posts`` are among ``frames_out``.

    Whether a post that meets a 410 is billed is not known; it is counted. ``ttl_deletes`` are rows that
    were written and not deleted: expiry will delete them. ``milliseconds`` are those of this machine.
    """

    frames_in: int = 0
    frames_out: int = 0
    refused_posts: int = 0
    invocations: Counter[str] = field(default_factory=Counter)
    milliseconds: Counter[str] = field(default_factory=Counter)
    wru: int = 0
    rru: float = 0.0
    ttl_deletes: int = 0
    https: int = 0
    queue_requests: int = 0

    @property
    def frames(self) -> int:
        """Both ways."""
        return self.frames_in + self.frames_out

    @property
    def invokes(self) -> int:
        """Of all functions."""
        return sum(self.invocations.values())


def count(lines: Iterable[Line]) -> Counts:
    """Count the lines of one or several environments, in the order in which they were written.

    Raises ``ValueError`` for a line of an unknown kind: something billable would be missed.
    """
    counting = _Counting()
    for line in lines:
        counting.add(line)
    return counting.finish()


class _Counting:
    def __init__(self) -> None:
        self._counts = Counts()
        self._rows: dict[Key, dict[str, Any]] = {}
        self._expiring: set[Key] = set()

    def add(self, line: Line) -> None:
        counts, function = self._counts, line["function"]
        match line["kind"]:
            case "statement":
                units = self._statement(line)
                counts.wru += units.writes
                counts.rru += units.reads
            case "post":
                counts.frames_out += metered(line["size"], FRAME_BYTES)
                counts.refused_posts += line["status"] != 200
            case "invocation":
                counts.invocations[function] += 1
                counts.milliseconds[function] += line["ms"]
                if line["trigger"] == "message":
                    counts.frames_in += metered(line["size"], FRAME_BYTES)
                    if line["answer_size"]:
                        counts.frames_out += metered(line["answer_size"], FRAME_BYTES)
                elif line["trigger"] == "https":
                    counts.https += metered(max(line["size"], line["answer_size"]), HTTPS_BYTES)
            case "queue":
                counts.queue_requests += metered(line["size"], QUEUE_BYTES)
            case unknown:
                raise ValueError(f"a line of the meter that nobody counts: {unknown}")

    def finish(self) -> Counts:
        self._counts.ttl_deletes = len(self._expiring)
        return self._counts

    def _statement(self, line: Line) -> Units:
        spec = table(line["table"])
        bound = bind(line["cql"], line["values"])
        if line["verb"] == "select":
            return self._read(spec, bound, line["rows"], line["consistency"])
        named = bound.columns | bound.where
        key = (spec.name, tuple(named[column.name] for column in spec.key))
        before = self._rows.get(key)
        if line["conditional"]:
            return self._conditional(spec, key, named, line)
        if line["verb"] == "delete":
            self._drop(key)
            return keyspaces.write(keyspaces.row_bytes(spec, before or named))
        self._put(spec, key, (before or {}) | named if line["verb"] == "update" else named)
        return keyspaces.write(keyspaces.row_bytes(spec, self._rows[key]))

    def _conditional(self, spec: Table, key: Key, named: dict[str, Any], line: Line) -> Units:
        told = {
            name: value_of(fact) for row in line["rows"] for name, fact in row.items() if fact is not None
        }
        before = self._rows.get(key) or (dict(zip((c.name for c in spec.key), key[1], strict=True)) | told)
        existing = keyspaces.row_bytes(spec, before) if key in self._rows or told else 0
        after = named if line["verb"] == "insert" else before | named
        units = keyspaces.conditional(
            keyspaces.row_bytes(spec, after),
            existing,
            applied=line["applied"],
            has_ttl=bool(spec.ttl_seconds),
        )
        if line["applied"] and line["verb"] == "delete":
            self._drop(key)
        elif line["applied"]:
            self._put(spec, key, after)
        return units

    def _drop(self, key: Key) -> None:
        self._rows.pop(key, None)
        self._expiring.discard(key)

    def _put(self, spec: Table, key: Key, row: dict[str, Any]) -> None:
        self._rows[key] = row
        if spec.ttl_seconds:
            self._expiring.add(key)

    def _read(self, spec: Table, bound: Bound, rows: Sequence[Mapping[str, Any]], consistency: str) -> Units:
        """A read of one partition; an ``IN`` over partitions is one of each, whether it has rows or not."""
        listed = next((column.name for column in spec.partition if column.name in bound.one_of), None)
        if listed is not None:
            each = [
                (Bound(where=bound.where | {listed: value}, ranges=bound.ranges), value)
                for value in bound.one_of[listed]
            ]
            reads = [
                self._read(spec, part, [row for row in rows if row[listed] == value], consistency)
                for part, value in each
            ]
            return sum(reads, Units())
        sizes = self._sizes(spec, bound.where, rows)
        # A range is evaluated up to the first row beyond it: one more, taken for as large as the largest.
        beyond = max(sizes, default=0) if bound.ranges else 0
        return keyspaces.read(sum(sizes) + beyond, consistency)

    @staticmethod
    def _sizes(spec: Table, where: Row, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Bytes of the rows that were read: their whole keys, whatever was selected.

        A column of the key that was neither named nor read (it was in a range) counts as one byte.
        """
        unknown = {column.name: None for column in spec.key}
        found = [{name: value_of(fact) for name, fact in row.items() if fact is not None} for row in rows]
        return [keyspaces.row_bytes(spec, unknown | dict(where) | row) for row in found]
