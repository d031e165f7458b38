"""Buckets in the memory of one Lambda environment."""

from __future__ import annotations

from collections import OrderedDict

from chat.domain.limits import Limiter, take

MOST_BUCKETS = 10_000
"""Some 2 MB. Beyond it the bucket that was not used for longest goes: it begins full again."""


class MemoryBuckets:
    """:class:`chat.ports.limits.MemoryLimits` in a dict; an environment handles one event at a time."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._full_at: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        """See the port."""
        key = (limiter.name, subject)
        after, wait = take(self._full_at.get(key, 0), limiter, now, tokens)
        self._keep(key, after)
        return wait

    def empty(self, limiter: Limiter, subject: str, now: int, wait: int) -> None:
        """See the port."""
        key = (limiter.name, subject)
        empty_until = now + wait - limiter.refill_ms + limiter.fill_ms
        self._keep(key, max(self._full_at.get(key, 0), empty_until))

    def _keep(self, key: tuple[str, str], full_at: int) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
