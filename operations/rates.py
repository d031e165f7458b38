"""How much happens, out of the metric lines that the functions log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from operations.entries import Entry
from schemas.metrics import ACCEPT_MILLISECONDS, METRICS

MINUTE = 60_000

SHOWN = {"accepted": "ACCEPTED", "posted": "POSTED", "gone": "GONE", "drained": "DRAINED", "acked": "ACKED"}
"""Counts of ``make status``, with their names there."""


@dataclass(slots=True)
class Counts:
    """Sums by name of the metric, and every latency."""

    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(METRICS, 0))
    accept_ms: list[float] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Add what one metric line counted."""
        for name, value in entry.fields.items():
            if name == ACCEPT_MILLISECONDS and isinstance(value, list):
                self.accept_ms += value
            elif name in self.sums and isinstance(value, int):
                self.sums[name] += value


def facts(entries: Iterable[Entry], *, since: int, now: int) -> dict[str, str]:
    """``NAME=value`` for scripts: each count since ``since`` and in the last minute (ms since 1970).

    Latencies are whole ms, empty where nothing was accepted. p99 of few messages is the slowest.
    """
    total, minute = Counts(), Counts()
    for entry in entries:
        if "_aws" not in entry.fields or entry.at < since:
            continue
        total.add(entry)
        if entry.at >= now - MINUTE:
            minute.add(entry)
    found: dict[str, str] = {}
    for counts, end in ((total, ""), (minute, "_LAST_MINUTE")):
        found |= {f"{shown}{end}": str(counts.sums[name]) for name, shown in SHOWN.items()}
        for percent in (50, 99):
            found[f"ACCEPT_MS_P{percent}{end}"] = percentile(counts.accept_ms, percent)
    return found


def percentile(values: Sequence[float], percent: int) -> str:
    """The smallest value that at least so many percent do not exceed, rounded; empty for no values."""
    if not values:
        return ""
    return str(round(sorted(values)[math.ceil(len(values) * percent / 100) - 1]))
