"""Rows of rate limits in memory."""

from __future__ import annotations

from chat.domain.limits import Limiter, take


class FakeLimitRows:
    """Every token is counted in a dict. ``calls`` counts; while ``fails`` is set, taking raises it."""

    def __init__(self) -> None:
        self.full_at: dict[str, int] = {}
        self.calls = 0
        self.fails: Exception | None = None

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        self.calls += 1
        if self.fails is not None:
            raise self.fails
        bucket = f"{limiter.name}:{subject}"
        self.full_at[bucket], wait = take(self.full_at.get(bucket, 0), limiter, now, tokens)
        return wait

    def taken(self, bucket: str, now: int, limiter: Limiter) -> int:
        """How many tokens are missing from a bucket."""
        return (self.full_at.get(bucket, 0) - now) // limiter.refill_ms
