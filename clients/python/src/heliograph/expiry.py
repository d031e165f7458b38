"""Disappearing messages: waits for the next one whose time is over, and has it overwritten."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable

from heliograph import tasks
from heliograph.ids import ServerClock
from heliograph.store import timers
from heliograph.store.database import Database

logger = logging.getLogger("heliograph")

LONGEST_NAP = 60.0
"""Seconds after which the clock is read again at the latest: it may be corrected meanwhile."""


class Expiry:
    """Overwrites messages when their time is over; what was over while the store was closed comes first.

    A crash in the middle leaves a message as it was, for the next start.
    """

    def __init__(self, database: Database, clock: ServerClock, on_expired: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._on_expired = on_expired
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Overwrite what is over already, then go on in the background."""
        nap = await self._sweep()
        self._worker = asyncio.create_task(self._work(nap))

    def look(self) -> None:
        """Say that messages came, or were accepted, of which one may be the next."""
        self._wake.set()

    async def close(self) -> None:
        """Stop."""
        await tasks.end([self._worker])

    async def _work(self, nap: float) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), nap)
            self._wake.clear()
            try:
                nap = await self._sweep()
            except Exception:
                logger.exception("disappearing messages could not be removed yet")
                nap = LONGEST_NAP

    async def _sweep(self) -> float:
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> tuple[bool, int | None]:
            over = timers.expire(connection, now)
            if over:
                self._database.scrub()
            return over, timers.next_end(connection)

        over, next_end = await self._database.run(work)
        if over:
            self._on_expired()
        return LONGEST_NAP if next_end is None else min(max(next_end - now, 0) / 1000 + 0.001, LONGEST_NAP)
