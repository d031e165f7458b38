"""Sending as fast as the server lets: many at once, and one after the other while it says RATE_LIMITED."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heliograph.errors import RateLimited

AT_ONCE = 8
"""Turns at the same time: as many refusals as one limit can cost at most."""

CAREFUL_SECONDS = 60.0
"""How long after a refusal turns go one after the other: the server counts refusals by the minute."""

DEFAULT_WAIT = 1.0


class Pace:
    """Gives turns.

    What is refused in a turn makes all later turns wait, so that a hundred lanes that were limited together
    ask once, not a hundred times.
    """

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._one = asyncio.Lock()
        self._not_before = 0.0
        self._careful_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; a RateLimited that is raised inside goes on to the caller."""
        async with self._slots:
            if time.monotonic() >= self._careful_until:
                async with self._noticing():
                    yield
                return
            async with self._one:
                await asyncio.sleep(max(0.0, self._not_before - time.monotonic()))
                async with self._noticing():
                    yield

    @asynccontextmanager
    async def _noticing(self) -> AsyncIterator[None]:
        try:
            yield
        except RateLimited as limited:
            self.wait(limited.retry_after)
            raise

    def wait(self, retry_after: float | None) -> None:
        """Let nobody have a turn for so many seconds, and a random while: others were told the same."""
        now, seconds = time.monotonic(), retry_after or DEFAULT_WAIT
        self._not_before = max(self._not_before, now + seconds * random.uniform(1, 1.25))  # noqa: S311
        self._careful_until = self._not_before + CAREFUL_SECONDS
