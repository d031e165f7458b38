"""Counts of one Lambda environment, added up and written as one line of the embedded metric format (EMF).

CloudWatch makes metrics of such lines by itself; nothing is called and nothing waits. A line costs about as
much as the metric value in it is worth, so an environment writes one at most every few seconds.
"""

from __future__ import annotations

from typing import Any

from schemas.metrics import ACCEPT_MILLISECONDS, DIMENSION, METRICS, NAMESPACE

MAX_VALUES = 100
"""Values that EMF takes for one metric in a line."""

_AT_ONCE = frozenset(METRICS) - {"accepted", ACCEPT_MILLISECONDS, "posted", "drained", "acked"}
"""What is rare and what alarms watch is written at the end of its invocation."""


class Metrics:
    """The counts since the last line. Threads may share an object: a lost count harms nobody.

    What is counted when the environment is dropped was counted in vain: at most ``seconds`` of ordinary
    traffic, never what is rare.
    """

    def __init__(self, stage: str, seconds: float) -> None:
        self._stage = stage
        self._pause = seconds * 1_000
        self._counts: dict[str, int] = {"cold_starts": 1}
        self._values: list[int] = []
        self._at_once = True
        self._counted_at = 0
        self._written_at = 0

    def count(self, name: str, number: int, now: int) -> None:
        """Add to a count; ``now`` in ms. Raises ``KeyError`` for a name that is not in ``METRICS``."""
        METRICS[name]
        if number:
            self._counts[name] = self._counts.get(name, 0) + number
            self._at_once = self._at_once or name in _AT_ONCE
            self._counted_at = now

    def accept_took(self, milliseconds: int, now: int) -> None:
        """One value of the latency."""
        self._values.append(milliseconds)
        self._counted_at = now

    def line(self, now: int) -> dict[str, Any] | None:
        """What is due, and begin anew; None if nothing is.

        Its time is that of the last count, not of the writing: an environment may sleep in between.
        """
        if not (self._counts or self._values):
            return None
        is_due = self._at_once or len(self._values) >= MAX_VALUES or now - self._written_at >= self._pause
        if not is_due:
            return None
        fields: dict[str, Any] = dict(self._counts)
        names: list[dict[str, str]] = [{"Name": name, "Unit": "Count"} for name in self._counts]
        if self._values:
            fields[ACCEPT_MILLISECONDS] = self._values[:MAX_VALUES]
            names.append({"Name": ACCEPT_MILLISECONDS, "Unit": "Milliseconds"})
        directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": names}
        made = {"Timestamp": self._counted_at or now, "CloudWatchMetrics": [directive]}
        self._counts, self._values, self._at_once, self._written_at = (
            {},
            self._values[MAX_VALUES:],
            False,
            now,
        )
        return {"_aws": made, DIMENSION: self._stage, **fields}
