"""Billable operations of this environment as facts, one JSON line each: what ``make bench`` counts.

Off unless ``HELIOGRAPH_METER`` names a file, which no template does: it is set in the environment of a local
cloud. Off, a handler is not wrapped at all and an operation costs one comparison. A line holds what a price
depends on (statements with the sizes of their rows, frames, invocations) and never content: blobs are
recorded by length.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from chat.adapters.cassandra.statement import Statement

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Meter:
    """Appends to the file. Lines of many processes do not mix, as each is one write; a crash loses none."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "").rpartition("-")[2]

    def statement(
        self,
        statement: Statement,
        values: Sequence[object],
        rows: Sequence[Mapping[str, Any]] = (),
        *,
        applied: bool = True,
    ) -> None:
        """A statement that storage answered.

        ``rows`` is what a read returned, or what stood in a condition's way.
        One line however often it had to be sent; a statement of a batch is one of its own.
        """
        self._append(
            "statement",
            table=statement.table,
            verb=statement.verb,
            conditional=statement.conditional,
            consistency=statement.consistency,
            cql=statement.cql,
            applied=applied,
            values=[_fact(value) for value in values],
            rows=[{name: _fact(value) for name, value in row.items()} for row in rows],
        )

    def post(self, size: int, status: int) -> None:
        """A frame of ``size`` bytes handed to a socket, and the HTTP status it met: each attempt is one."""
        self._append("post", size=size, status=status)

    def watch(self, handler: Handler) -> Handler:
        """The handler, which then adds a line for each invocation: frames in and out, or the HTTPS sizes."""

        def watched(event: dict[str, Any], context: Any) -> dict[str, Any]:
            wall, processor = time.perf_counter(), time.process_time()
            answer = handler(event, context)
            self._append(
                "invocation",
                trigger=_trigger(event),
                ms=round(1000 * (time.perf_counter() - wall), 3),
                cpu_ms=round(1000 * (time.process_time() - processor), 3),
                size=_size(event.get("body")),
                answer_size=_size(answer.get("body")),
            )
            return answer

        return watched

    def _append(self, kind: str, **facts: object) -> None:
        line = {"kind": kind, "function": self._function, **facts}
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")


@cache
def meter(path: str) -> Meter | None:
    """The one meter of this environment that writes there; None for no path: nobody counts."""
    return Meter(path) if path else None


def _trigger(event: Mapping[str, Any]) -> str:
    """``message``, ``connect``, ``disconnect`` of a socket; ``authorize``; ``https``."""
    if event.get("type") == "REQUEST":
        return "authorize"
    request = event.get("requestContext", {})
    return str(request["eventType"]).lower() if "eventType" in request else "https"


def _size(body: str | None) -> int:
    return len(body.encode("utf-8", "surrogatepass")) if body else 0


def _fact(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": len(value)}
    if isinstance(value, list | tuple):
        return [_fact(item) for item in value]
    return value
