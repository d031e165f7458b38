"""Spans of time in which something held surely, or perhaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

NEVER = 2**63
"""Behind the end of every history (ns)."""

Span = tuple[int, int]


class Windows:
    """Spans of time, closed on both ends, merged where they touch."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if end < start:
                continue
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def touch(self, start: int, end: int) -> bool:
        """Whether some moment of [start, end] is inside."""
        index = bisect_right(self._starts, end) - 1
        return index >= 0 and self._ends[index] >= start

    def cover(self, start: int, end: int) -> bool:
        """Whether all of [start, end] is inside."""
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and self._ends[index] >= end


def switched(on: list[Span], off: list[Span]) -> tuple[Windows, Windows]:
    """When a switch was perhaps on, and when surely.

    Args:
        on: Calls that turn it on: from the call to its answer; to NEVER where nobody knows what became of
            it: such a call may take effect at any time.
        off: Calls that turn it off, alike.

    A call takes effect at some moment of its span; calls that overlap may do so in either order.
    """
    by_start = sorted(off)
    starts = [start for start, _ in by_start]
    earliest_end = _suffix_minima([end for _, end in by_start])
    by_end = sorted(off, key=lambda span: span[1])
    ends = [end for _, end in by_end]
    earliest_start = _suffix_minima([start for start, _ in by_end])
    perhaps = [(start, earliest_end[bisect_right(starts, end)]) for start, end in on]
    surely = [
        (end, _before(earliest_start[bisect_right(ends, start - 1)])) for start, end in on if end < NEVER
    ]
    return Windows(perhaps), Windows(surely)


def _before(time: int) -> int:
    return time if time == NEVER else time - 1


def _suffix_minima(values: list[int]) -> list[int]:
    """For each index the least value from there on; NEVER behind the last."""
    minima = [NEVER] * (len(values) + 1)
    for index in range(len(values) - 1, -1, -1):
        minima[index] = min(values[index], minima[index + 1])
    return minima
