"""Buckets of tokens, wherever they are kept."""

from __future__ import annotations

from typing import Protocol

from chat.domain.limits import Limiter


class Limits(Protocol):
    """Buckets by limiter and subject (a device, an account, a digest: ASCII, never content)."""

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        """Take tokens; returns 0 if they were taken, else the ms to wait before another try.

        Where every token is counted in a row, callers at the same time never get more than the bucket holds;
        a crash behind it costs the tokens. Raises StorageUnavailable or OutcomeUnknown.
        """
        ...


class MemoryLimits(Limits, Protocol):
    """Buckets of this process alone. Taking never fails."""

    def empty(self, limiter: Limiter, subject: str, now: int, wait: int) -> None:
        """Take out what is there, so that the next token comes in ``wait`` ms."""
        ...
