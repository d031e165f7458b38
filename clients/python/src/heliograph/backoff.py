"""Waiting between tries: full jitter, so that clients that failed together do not come back together."""

from __future__ import annotations

import random

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0


class Backoff:
    """Delays that grow until `reset`.

    Full jitter: uniform between 0 and base * 2^n, at most the cap; never less than the server asked for.
    """

    def __init__(self, base: float = BASE_SECONDS, cap: float = CAP_SECONDS) -> None:
        self._base = base
        self._cap = cap
        self._failures = 0

    def reset(self) -> None:
        """Start small again."""
        self._failures = 0

    def next(self, retry_after: float | None = None) -> float:
        """Give the next delay in seconds."""
        bound: float = min(self._cap, self._base * 2 ** min(self._failures, 16))
        self._failures += 1
        return (retry_after or 0.0) + random.random() * bound  # noqa: S311 - no secret
