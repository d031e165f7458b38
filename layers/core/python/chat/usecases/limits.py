"""Keep everybody within the limits: which bucket to ask, and what to say when it is empty."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from chat.domain import base64url
from chat.domain.limits import SAMPLED_ROOM, SAMPLING, Limiter
from chat.errors import limited
from chat.ports.limits import Limits, MemoryLimits
from chat.ports.storage import OutcomeUnknown, StorageUnavailable

_STORE_FAILS = (StorageUnavailable, OutcomeUnknown)


class RateLimits:
    """:class:`chat.ports.limits.Limits` over the places where buckets are kept, as each limiter says.

    ``chance`` gives numbers in [0, 1). ``instead`` holds other numbers by name of the limiter.
    """

    def __init__(
        self,
        memory: MemoryLimits,
        rows: Limits,
        chance: Callable[[], float],
        instead: Mapping[str, Limiter] | None = None,
    ) -> None:
        self._memory = memory
        self._rows = rows
        self._chance = chance
        self._instead = instead or {}
        self._seen = 0
        self._drawn = 0

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        """See the port. A limiter that fails open never raises."""
        limiter = self.rule(limiter)
        if limiter.kept == "row":
            return self._in_row(limiter, subject, now, tokens)
        wait = self._memory.take(limiter, subject, now, tokens)
        if wait or limiter.kept == "memory":
            return wait
        sampled = sum(self._is_drawn() for _ in range(tokens))
        if not sampled:
            return 0
        roomy = replace(limiter, burst=limiter.burst * SAMPLED_ROOM)
        wait = self._in_row(roomy, subject, now, sampled * SAMPLING)
        if wait:
            self._memory.empty(limiter, subject, now, wait)
        return wait

    def rule(self, limiter: Limiter) -> Limiter:
        """The limiter with the numbers that count here."""
        return self._instead.get(limiter.name, limiter)

    def _is_drawn(self) -> bool:
        """One of each ``SAMPLING`` tokens, nobody knows which: as fair as a die, and less noisy."""
        place = self._seen % SAMPLING
        if place == 0:
            self._drawn = int(self._chance() * SAMPLING)
        self._seen += 1
        return place == self._drawn

    def _in_row(self, limiter: Limiter, subject: str, now: int, tokens: int) -> int:
        try:
            return self._rows.take(limiter, subject, now, tokens)
        except _STORE_FAILS:
            if limiter.fails == "closed":
                raise
            return 0


def demand(limiter: Limiter, subject: str, *, limits: Limits, now: int, tokens: int = 1) -> None:
    """Take tokens. Raises ChatError(RATE_LIMITED), and what the store raises if it fails closed."""
    if wait := limits.take(limiter, subject, now, tokens):
        raise limited(wait)


def digest(subject: str) -> str:
    """A subject that is kept out of the store, such as who an identity provider vouches for, by its hash."""
    return base64url.encode(hashlib.sha256(subject.encode()).digest())
