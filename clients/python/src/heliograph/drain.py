"""`sync`: pull what is undelivered, page by page, and keep the mark behind which nothing is left."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from heliograph.acks import AckQueue
from heliograph.backoff import Backoff
from heliograph.errors import HeliographError, RateLimited
from heliograph.ids import ServerClock
from heliograph.inbox import Inbox
from heliograph.signing import Identity
from heliograph.socket import Socket
from heliograph.store import event_log, messages, outgoing, prekeys, profile, sessions
from heliograph.store.database import Database

logger = logging.getLogger("heliograph")

HAVE_ENTRIES = 256

ASK_FOR_KEYS_MS = 86_400_000
"""How often the server is asked how many one-time keys it has left: each time it has to count them."""

Events = list[dict[str, Any]]


class Drain:
    """Syncs a socket.

    The acks of a page ride on the request for the next one. The mark moves only by a drain that found
    nothing: acks are not answered, so only that proves that every row before it is gone.
    """

    def __init__(
        self,
        *,
        database: Database,
        me: Identity,
        clock: ServerClock,
        inbox: Inbox,
        acks: AckQueue,
        base_url: str,
        asks_for_keys: bool,
        on_rolled_back: Callable[[], None],
        on_caught_up: Callable[[Mapping[str, int] | None], None],
    ) -> None:
        self._database = database
        self._me = me
        self._clock = clock
        self._inbox = inbox
        self._acks = acks
        self._base_url = base_url
        self._asks_for_keys = asks_for_keys
        self._on_rolled_back = on_rolled_back
        self._on_caught_up = on_caught_up

    async def pull(
        self,
        socket: Socket,
        take_events: Callable[[Events], Events],
        *,
        first: bool,
        bare: bool,
        backoff: Backoff,
    ) -> tuple[int, int]:
        """Run one drain to its end; a page that comes too early is asked for again when it is time.

        Args:
            socket: Where.
            take_events: Sees the events of each page first and gives those that are for the inbox.
            first: It is the first of the socket.
            bare: Ask without the optional parts: the server refused them.
            backoff: How long to wait for a page that was refused.

        Returns:
            How many rows came, and the version of the own device list.

        Raises:
            NetworkError: The socket closed or does not answer.
            HeliographError: The frame was refused.
        """
        rows, token, owed = 0, "", False
        while True:
            batch = self._acks.take()
            if token:
                rest = f',"token":"{token}"'
            elif bare:
                rest = ""
            else:
                rest, owed = await self._first_page()
            try:
                answer = await socket.request("sync", rest + batch.member)
            except RateLimited as limited:
                self._acks.put_back(batch, 0)
                await asyncio.sleep(backoff.next(limited.retry_after))
                continue
            except HeliographError:
                self._acks.put_back(batch, 0)
                raise
            self._acks.settle(batch, answer)
            if first and not token:
                await self._check_previous(int(answer["previous_connect"]))
            events = take_events(answer["events"])
            rows += sum(1 for event in events if event.get("type") == "message" or "row" in event)
            await self._inbox.take(events)
            if "caught_up" in answer:
                empty = rows == 0 and not owed
                return rows, await self._caught_up(answer["caught_up"], first=first, move_mark=empty)
            token = answer["token"]

    async def _first_page(self) -> tuple[str, bool]:
        now = self._clock.now()
        have = self._acks.names(HAVE_ENTRIES)
        mark, asked, unreceipted = await self._database.run(
            lambda connection: (
                profile.get(connection, "mark"),
                profile.get(connection, "keys_asked_at"),
                outgoing.unreceipted(connection, self._me, now),
            )
        )
        body: dict[str, Any] = {}
        if mark is not None:
            body["mark"] = int(mark)
        if have:
            body["have"] = have
        if unreceipted:
            body["unreceipted"] = unreceipted
        if self._asks_for_keys and now - int(asked or 0) > ASK_FOR_KEYS_MS:
            body["keys"] = True
        return ("," + json.dumps(body, separators=(",", ":"))[1:-1] if body else ""), bool(have)

    async def _check_previous(self, previous: int) -> None:
        """Find out whether this store was rolled back, before anything is sealed with what is in it."""
        now = self._clock.now()

        def check(connection: sqlite3.Connection) -> bool:
            profile.put(connection, "server", self._base_url)
            in_order = profile.follows_paged_connect(connection, previous, now)
            if profile.confirm_previous_connect(connection, previous):
                if not in_order:  # it may have been rolled back before that one: nobody can tell any more
                    sessions.end_all(connection)
                return False
            if profile.get(connection, "rolled_back_to") == str(previous):
                return False
            profile.put(connection, "rolled_back_to", previous)
            sessions.end_all(connection)
            prekeys.doubt(connection)
            event_log.append(connection, "rolled_back", None, previous_connect=previous)
            return True

        if await self._database.run(check):
            logger.warning("the store was rolled back, or a copy of it is in use: all sessions begin anew")
            self._on_rolled_back()

    async def _caught_up(self, caught_up: dict[str, Any], *, first: bool, move_mark: bool) -> int:
        counts = caught_up.get("keys")
        time = int(caught_up["time"])
        # Never beyond the clock here: a mark too low costs time, one that a wrong clock told loses messages.
        mark = min(int(caught_up["mark"]), self._clock.local())

        def remember(connection: sqlite3.Connection) -> None:
            if move_mark:
                profile.put(connection, "mark", mark)
            if counts is not None:
                profile.put(connection, "keys_asked_at", time)
            if first:
                messages.forget_old_names(connection, self._me.account, time)

        await self._database.run(remember)
        self._on_caught_up(counts)
        return int(caught_up["device_list_version"])
