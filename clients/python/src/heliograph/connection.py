"""The one live socket of a device: connect, drain, keep alive, renew, come back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from heliograph import tasks
from heliograph.acks import AckQueue
from heliograph.backoff import Backoff
from heliograph.drain import Drain
from heliograph.errors import (
    AccountReplaced,
    DeviceRemoved,
    HeliographError,
    NetworkError,
    RateLimited,
)
from heliograph.events import ConnectionState
from heliograph.http import HttpApi
from heliograph.ids import ServerClock
from heliograph.inbox import Inbox
from heliograph.signing import Identity
from heliograph.socket import ANSWER_SECONDS, Socket
from heliograph.socket_address import SocketAddress
from heliograph.store import profile
from heliograph.store.database import Database
from heliograph.transport import HandshakeRefused, Transport

DEFAULT_AWAY = 30.0

logger = logging.getLogger("heliograph")

GONE = frozenset({DeviceRemoved.default_code, AccountReplaced.default_code})
"""Codes and close reasons after which this device is none any more."""

CONFIRM_ROWS = 200
"""Rows of a drain after which another one follows at once: only an empty drain moves the mark."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in seconds; other values are for tests."""

    keep_alive: float = 540
    """API Gateway closes sockets that were idle for 10 minutes."""
    renew: float = 6600
    """It closes all after 2 hours."""
    renew_jitter: float = 300
    linger: float = 5
    """How long answers may still come on a socket that was renewed."""
    answer: float = ANSWER_SECONDS
    backoff_base: float = 0.5
    backoff_cap: float = 30


class ClosedForGood(HeliographError):
    """The server does not want this device back; `code` says why."""


@dataclass(frozen=True, slots=True)
class ConnectionEvents:
    """Whom the connection tells what."""

    state: Callable[[ConnectionState, str | None], None]
    own_list: Callable[[int], None]
    rolled_back: Callable[[], None]
    caught_up: Callable[[Mapping[str, int] | None], None]


class Connection:
    """Keeps one socket open until it is closed for good."""

    def __init__(
        self,
        *,
        api: HttpApi,
        clock: ServerClock,
        transport: Transport,
        database: Database,
        me: Identity,
        inbox: Inbox,
        acks: AckQueue,
        timing: Timing,
        asks_for_keys: bool,
        events: ConnectionEvents,
    ) -> None:
        self._api = api
        self._clock = clock
        self._transport = transport
        self._database = database
        self._me = me
        self._inbox = inbox
        self._acks = acks
        self._sync = Drain(
            database=database,
            me=me,
            clock=clock,
            inbox=inbox,
            acks=acks,
            base_url=api.base_url,
            on_rolled_back=events.rolled_back,
            asks_for_keys=asks_for_keys,
            on_caught_up=events.caught_up,
        )
        self._timing = timing
        self._events = events
        self._address = SocketAddress(api, database)
        self._current: Socket | None = None
        self._ready: asyncio.Event = asyncio.Event()
        self._renewing = False
        self._closed_reason: str | None = None
        self._sent_away: float | None = None
        """Seconds to stay away, where the server closed the socket for going on when it refused."""
        self._wake = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    async def socket(self) -> Socket:
        """Give the live socket; waits while there is none."""
        while True:
            await self._ready.wait()
            if self._current is not None and not self._current.closed.is_set():
                return self._current
            self._ready.clear()

    def suspect(self, socket: Socket) -> None:
        """Give up a socket that does not answer."""
        self._spawn(socket.close())

    def reconnect(self) -> None:
        """Give up the live socket, so that what is undelivered is drained again."""
        if self._current is not None:
            self.suspect(self._current)

    async def correct_clock(self) -> bool:
        """Ask the server for its time; tell whether the clock here was off by more than a second.

        Raises:
            NetworkError: The server was not reached.
        """
        before = self._clock.offset
        await self._api.discover()
        return abs(self._clock.offset - before) > 1000

    def flush_acks(self) -> None:
        """Send what is owed, if there is a socket; else it goes with the next `sync`."""
        if self._ready.is_set():
            self._spawn(self._post_acks())

    def start(self) -> None:
        """Connect, and stay connected until the server or `stop` ends it."""
        self._runner = asyncio.create_task(self._run())

    async def _run(self) -> None:
        backoff = Backoff(self._timing.backoff_base, self._timing.backoff_cap)
        while self._closed_reason is None:
            self._events.state("connecting", None)
            problem: HeliographError | None = None
            try:
                self._current = await self._open()
                await self._serve(self._current, backoff)
            except ClosedForGood as final:
                self._closed_reason = final.code
            except HeliographError as caught:
                problem = caught
            except Exception:
                logger.exception("the connection failed unexpectedly and is opened again")
                problem = HeliographError("unexpected", code="INTERNAL")
            self._ready.clear()
            if self._current is not None:
                await self._current.close()
            if self._sent_away is not None:
                problem = RateLimited("the server closed the socket", retry_after=self._sent_away)
                self._sent_away = None
            if self._closed_reason is None:
                self._events.state("offline", problem.code if problem else "NETWORK")
                await asyncio.sleep(backoff.next(problem.retry_after if problem else None))
        self._events.state("closed", self._closed_reason)

    async def stop(self) -> None:
        """Send the acks that are owed and close the sockets."""
        if self._ready.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._post_acks(), 1)
        self._ready.clear()
        await tasks.end([self._runner, *self._background])
        if self._current is not None:
            await self._current.close()
        if self._closed_reason is None:
            self._events.state("closed", None)

    async def _open(self) -> Socket:
        socket_url = await self._address.get()
        now = self._clock.now()
        number = await self._database.run(lambda connection: profile.next_connect_number(connection, now))
        joint = "&" if "?" in socket_url else "?"
        url = f"{socket_url}{joint}proof={self._me.proof(self._api.audience, number)}"
        try:
            channel = await self._transport.open(url)
        except HandshakeRefused as refused:
            self._address.failed()
            if refused.status in (401, 403):
                await self._learn_why()
            raise
        except NetworkError:
            self._address.failed()
            raise
        return Socket(channel, self._clock, self._on_events, self._on_error, self._timing.answer)

    async def _learn_why(self) -> None:
        """A refused handshake tells a status only: correct the clock and ask by HTTPS.

        Raises:
            ClosedForGood: The server knows this device no more.
            RateLimited: It connected too often.
        """
        await self._address.ask_again()
        try:
            found = await self._api.devices(self._me)
        except (DeviceRemoved, AccountReplaced) as gone:
            raise ClosedForGood(str(gone), code=gone.code) from gone
        except HeliographError as problem:
            if problem.code == "UNAUTHENTICATED":
                raise ClosedForGood("the server does not know this device", code=problem.code) from problem
        else:
            if wait := found.get("connect_after"):
                raise RateLimited("this device connects too often", retry_after=float(wait))

    async def _serve(self, socket: Socket, backoff: Backoff) -> None:
        self._events.state("catching_up", None)
        await self._drain(socket, first=True)
        self._events.state("online", None)
        backoff.reset()
        renew_at = self._renewal_time()
        while self._closed_reason is None and not socket.closed.is_set():
            pause = min(self._timing.keep_alive, max(renew_at - time.monotonic(), 0))
            if await self._woken(socket, pause):
                continue
            if time.monotonic() < renew_at:
                await self._drain(socket, first=False)
                continue
            try:
                socket = await self._renew(socket)
            except ClosedForGood:
                raise
            except HeliographError as problem:
                logger.info("the socket could not be renewed yet: %s", problem)
                renew_at = time.monotonic() + 30 + random.random() * 60  # noqa: S311
                continue
            renew_at = self._renewal_time()
            await self._drain(socket, first=True)

    async def _woken(self, socket: Socket, seconds: float) -> bool:
        """Wait; tell whether the socket closed or the session ended meanwhile."""
        waits = [asyncio.ensure_future(socket.closed.wait()), asyncio.ensure_future(self._wake.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits:
                waiting.cancel()
        self._wake.clear()
        return bool(done)

    def _renewal_time(self) -> float:
        return time.monotonic() + self._timing.renew + (random.random() * 2 - 1) * self._timing.renew_jitter  # noqa: S311

    async def _renew(self, old: Socket) -> Socket:
        """Replace the socket before its time is over: the new one first, then the server closes the old."""
        self._renewing = True
        try:
            new = await self._open()
            self._ready.clear()  # nothing is sealed until its first page told which connect was before it
            self._current = new
        finally:
            self._renewing = False
        self._spawn(self._retire(old))
        return new

    async def _retire(self, old: Socket) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(old.closed.wait(), self._timing.linger)
        finally:
            await old.close()

    async def _drain(self, socket: Socket, *, first: bool) -> None:
        """Drain until little enough came; a refused `sync` is repeated on the same socket.

        Raises:
            NetworkError: The socket closed or does not answer.
        """
        backoff = Backoff(self._timing.backoff_base, self._timing.backoff_cap)
        bare = False
        while self._closed_reason is None:
            try:
                rows, own_list = await self._sync.pull(
                    socket,
                    lambda events: self._page(socket, events),
                    first=first,
                    bare=bare,
                    backoff=backoff,
                )
            except NetworkError:
                raise
            except HeliographError as problem:
                if problem.code in GONE:
                    raise ClosedForGood(str(problem), code=problem.code) from problem
                if problem.code != "BAD_TOKEN":
                    bare = not problem.retryable
                    await asyncio.sleep(backoff.next(problem.retry_after))
                continue
            self._events.own_list(own_list)
            if rows < CONFIRM_ROWS:
                return

    def _page(self, socket: Socket, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rest = self._without_session(socket, events)
        if self._closed_reason is None:
            self._ready.set()
        return rest

    async def _on_events(self, socket: Socket, events: list[dict[str, Any]]) -> None:
        events = self._without_session(socket, events)
        if events:
            await self._inbox.put(events)

    def _without_session(self, socket: Socket, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rest: list[dict[str, Any]] = []
        for event in events:
            if not isinstance(event, dict):
                continue
            if event.get("type") != "session_closed":
                rest.append(event)
            elif event.get("reason") == "RATE_LIMITED":
                if socket is self._current:
                    self._sent_away = float(event.get("retry_after") or DEFAULT_AWAY)
                    self._ready.clear()
                self.suspect(socket)
            elif event.get("reason") in GONE or (socket is self._current and not self._renewing):
                self._closed_reason = str(event.get("reason"))
                self._ready.clear()
                self._wake.set()
        return rest

    def _on_error(self, ref: str | None, error: HeliographError) -> None:
        batch = self._acks.refused(ref)
        if batch is not None and error.retryable:
            self._acks.put_back(batch, error.retry_after or 1)
        else:
            logger.warning("the server refused a frame: %s", error.code)

    async def _post_acks(self) -> None:
        socket = self._current
        while self._acks.due and socket is not None and not socket.closed.is_set():
            batch = self._acks.take()
            try:
                await socket.post("ack", batch.member, partial(self._acks.sending, batch))
            except NetworkError:
                self._acks.put_back(batch, 0)
                return
            self._acks.left(batch)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
