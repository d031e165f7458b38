"""What Cassandra itself had to read for a statement, by its query trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_READ = re.compile(r"Read (\d+) live rows?(?: and |, )(\d+) tombstone")

TRACE_SECONDS = 10.0
"""Cassandra writes a trace after it has answered."""


@dataclass(frozen=True, slots=True)
class Read:
    """Rows that were alive, and tombstones that were passed to find them."""

    live: int = 0
    tombstones: int = 0

    def __add__(self, other: Read) -> Read:
        return Read(self.live + other.live, self.tombstones + other.tombstones)


def read_of(descriptions: Iterable[str]) -> Read:
    """The sum over the events of one trace or several."""
    found = (match for text in descriptions if (match := _READ.search(text)))
    return sum((Read(int(match[1]), int(match[2])) for match in found), Read())


class Tracing:
    """Traces every statement of a driver cluster, of all its sessions, while it is asked to.

    Give ``watch(build)`` where ``build`` is wanted. Tracing slows a statement several times: never time one.
    """

    def __init__(self) -> None:
        self._futures: list[Any] | None = None

    def watch(self, build: Callable[[], Any]) -> Callable[[], Any]:
        """What makes the cluster, so that its sessions ask here."""

        def watched() -> Any:
            cluster = build()
            connect = cluster.connect
            cluster.connect = lambda *args: self._watch_session(connect(*args))
            return cluster

        return watched

    def during(self, call: Callable[[], object]) -> Read:
        """What Cassandra read for the statements of ``call``. Raises ``LookupError`` if there were none."""
        self._futures = []
        try:
            call()
            traces = [future.get_query_trace(TRACE_SECONDS) for future in self._futures]
        finally:
            self._futures = None
        if not traces:
            raise LookupError("nothing was asked of Cassandra")
        return read_of(event.description for trace in traces for event in trace.events)

    def _watch_session(self, session: Any) -> Any:
        execute_async = session.execute_async

        def watched(*args: Any, **options: Any) -> Any:
            kept = self._futures
            if kept is None:
                return execute_async(*args, **options)
            future = execute_async(*args, **options, trace=True)
            kept.append(future)
            return future

        session.execute_async = watched
        return session
