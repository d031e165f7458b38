"""Receiving: what comes is stored first and acknowledged then."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from heliograph.acks import AckQueue
from heliograph.directory import Directory
from heliograph.encryption import Encryption, SendersUnknown
from heliograph.errors import HeliographError, NetworkError
from heliograph.ids import AccountId, ServerClock
from heliograph.signing import Identity
from heliograph.store import incoming
from heliograph.store.database import Database
from heliograph.store.incoming import Ingested

logger = logging.getLogger("heliograph")

WAITING_FRAMES = 64
"""Frames that may wait for the store before the socket is not read any more."""


class Inbox:
    """Takes events in; all frames that wait go into one transaction.

    Acks are owed only after the commit, so a crash in between makes the server send the rows again.
    """

    def __init__(
        self,
        database: Database,
        me: Identity,
        encryption: Encryption,
        directory: Directory,
        clock: ServerClock,
        acks: AckQueue,
        on_stored: Callable[[Ingested], None],
        on_failed: Callable[[], None],
    ) -> None:
        self._database = database
        self._me = me
        self._encryption = encryption
        self._directory = directory
        self._clock = clock
        self._acks = acks
        self._on_stored = on_stored
        self._on_failed = on_failed
        self._frames: asyncio.Queue[tuple[list[dict[str, Any]], asyncio.Future[None] | None]] = asyncio.Queue(
            WAITING_FRAMES
        )
        self._worker = asyncio.create_task(self._work())

    async def put(self, events: list[dict[str, Any]]) -> None:
        """Take a frame in, some time soon; waits only while too many wait before it."""
        await self._frames.put((events, None))

    async def take(self, events: list[dict[str, Any]]) -> None:
        """Take a page in and wait until it is stored."""
        if not events:
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._frames.put((events, stored))
        await stored

    async def close(self) -> None:
        """Stop; what waits is not stored and not acknowledged."""
        self._worker.cancel()
        await asyncio.wait([self._worker])

    async def _work(self) -> None:
        while True:
            frames = [await self._frames.get()]
            while not self._frames.empty():
                frames.append(self._frames.get_nowait())
            problem: Exception | None = None
            try:
                await self._store(event for events, _ in frames for event in events)
            except Exception as caught:
                problem = caught
                logger.exception("received events could not be stored, they are fetched again")
                self._on_failed()
            for _, stored in frames:
                if stored is not None and not stored.done():
                    if problem is None:
                        stored.set_result(None)
                    else:
                        stored.set_exception(problem)

    async def _store(self, events: Iterable[dict[str, Any]]) -> None:
        batch = list(events)
        now = self._clock.now()
        unknowable: set[AccountId] = set()

        def work(connection: sqlite3.Connection) -> Ingested:
            done = incoming.ingest(connection, batch, self._me, self._encryption, now, unknowable)
            if done.wiped:
                self._database.scrub()
            return done

        while True:
            try:
                done = await self._database.run(work)
                break
            except SendersUnknown as senders:
                await self._ask_for(senders.accounts)
                unknowable.update(senders.accounts)
        self._acks.add(done.acks)
        self._on_stored(done)

    async def _ask_for(self, accounts: Iterable[AccountId]) -> None:
        """Read device lists of senders. One that the server does not tell makes its messages undecryptable.

        Raises:
            HeliographError: The server was not reached: the messages come again.
        """
        for account in accounts:
            try:
                await self._directory.refresh(account)
            except HeliographError as problem:
                if isinstance(problem, NetworkError) or problem.retryable:
                    raise
                logger.warning("the devices of a sender are not known: %s", problem.code)
