"""A profile that is open: its store, its server, its identity, and the parts that run on them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from heliograph.connection import Timing
from heliograph.encryption import Encryption
from heliograph.engine import Engine
from heliograph.errors import HeliographError, NetworkError, NoServer, NotRegistered
from heliograph.events import ConnectionChanged, ConnectionState
from heliograph.http import HttpApi
from heliograph.ids import AccountId, Cursor, ServerClock
from heliograph.keys import Pool
from heliograph.signal_encryption import SignalEncryption
from heliograph.signing import Identity, check_secure
from heliograph.store import event_log, peers, profile
from heliograph.store.database import Database, Synchronous
from heliograph.store.peers import Peer
from heliograph.store.seal import Kind, Seal
from heliograph.stream import EventStream
from heliograph.transport import Transport, WebSocketTransport

if TYPE_CHECKING:
    import httpx2


class OpenProfile:
    """What a client is before it does anything: it opens, connects, tells its state, and closes."""

    def __init__(
        self,
        store: str | Path,
        server: str | None = None,
        *,
        fallback_server: str | None = None,
        seal: Seal | None = None,
        encryption: Encryption | None = None,
        connect: bool = True,
        ack_delay: float = 1.0,
        synchronous: Synchronous = "full",
        block_new_devices: bool = False,
        timing: Timing | None = None,
        transport: Transport | None = None,
        key_pool: Pool | None = None,
        http_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._path = Path(store)
        self._server = server
        self._fallback_server = fallback_server
        self._seal = seal
        self._encryption: Encryption = encryption or SignalEncryption()
        self._connect = connect
        self._ack_delay = ack_delay
        self._synchronous = synchronous
        self._block_new_devices = block_new_devices
        self._timing = timing or Timing()
        self._key_pool = key_pool or Pool()
        self._transport = transport or WebSocketTransport()
        self._http_transport = http_transport
        self._clock = ServerClock()
        self._database: Database | None = None
        self._api: HttpApi | None = None
        self._identity: Identity | None = None
        self._engine: Engine | None = None
        self._streams: set[EventStream] = set()
        self._cursor = Cursor(0)
        self._state = ConnectionChanged("connecting" if connect else "offline", None, _now(), Cursor(0))
        self._state_changed = asyncio.Event()
        self._last_logged = Cursor(0)

    async def __aenter__(self) -> Self:
        self._database = await Database.open(self._path, self._synchronous, self._seal)
        try:
            self._identity, stored, self._cursor, self._last_logged = await self._database.run(
                lambda connection: (
                    profile.identity(connection),
                    profile.get(connection, "server"),
                    event_log.cursor(connection),
                    event_log.last(connection),
                )
            )
            self._server = self._server or stored or self._fallback_server
            if self._server is not None:
                check_secure(self._server)
                self._api = HttpApi(self._server, self._clock, self._http_transport)
            if self._identity is not None:
                await self._begin(self._identity)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection and the store. What is pending goes on the next time."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()
        for stream in list(self._streams):
            stream.end()
        if self._api is not None:
            await self._api.close()
        if self._database is not None:
            await self._database.close()
            self._database = None

    @property
    def registered(self) -> bool:
        """The profile has an account."""
        return self._identity is not None

    @property
    def identity(self) -> Identity:
        """Who this device is.

        Raises:
            NotRegistered: It is nobody yet.
        """
        if self._identity is None:
            raise NotRegistered("the profile has no account yet: register or link it")
        return self._identity

    @property
    def handle(self) -> str:
        """The account's handle."""
        return self.identity.handle

    @property
    def account(self) -> AccountId:
        """The account's id."""
        return self.identity.account

    @property
    def device(self) -> int:
        """The number of this device."""
        return self.identity.device

    @property
    def server(self) -> str | None:
        """The server's base URL."""
        return self._server

    @property
    def sealed_by(self) -> Kind:
        """How the store is sealed: `passphrase`, `keyring`, or `plain`, which is not at all."""
        return self._store().kind

    async def change_seal(self, new: Seal) -> None:
        """Seal the store in another way: by another passphrase, from a passphrase to the keyring, or back.

        Only the key of the store is wrapped anew, so this takes as long as opening does. A crash in the
        middle leaves the old seal or the new one, never none.

        Raises:
            WrongSeal: One of the two is `Plain`: make a new store and link it.
            KeyringUnavailable: There is no keyring, or it is locked.
        """
        await self._store().change_seal(new)
        self._seal = new

    @property
    def state(self) -> ConnectionChanged:
        """The connection as it is now."""
        return self._state

    async def connected(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the SDK's promise
        """Wait until the connection is online and what was undelivered is stored.

        Raises:
            NetworkError: Not within `timeout` seconds; it goes on trying.
            HeliographError: The server closed it for good; the code says why.
        """
        self._running()
        try:
            async with asyncio.timeout(timeout):
                while self._state.state != "online":
                    if self._state.state == "closed":
                        raise HeliographError("the connection is closed for good", code=self._state.reason)
                    self._state_changed.clear()
                    await self._state_changed.wait()
        except TimeoutError:
            raise NetworkError(f"no connection within {timeout:g} s ({self._state.reason})") from None

    async def drained(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the SDK's promise
        """Wait until nothing is pending in the outbox.

        Raises:
            TimeoutError: Not within `timeout` seconds; it stays in the outbox.
        """
        async with asyncio.timeout(timeout):
            await self._running().outbox.drained()

    async def _become(self, account: str, device: int, handle: str, own: Peer) -> None:
        server = self._server or ""

        def store(connection: sqlite3.Connection) -> Identity:
            peers.save(connection, own)
            return profile.become(connection, account, device, handle, server)

        self._identity = await self._store().run(store)
        await self._begin(self._identity, new=True)

    async def _begin(self, me: Identity, *, new: bool = False) -> None:
        self._engine = Engine(
            database=self._store(),
            api=self._https(),
            clock=self._clock,
            transport=self._transport,
            me=me,
            encryption=self._encryption,
            ack_delay=self._ack_delay,
            block_new_devices=self._block_new_devices,
            timing=self._timing,
            key_pool=self._key_pool,
            on_state=self._set_state,
            on_logged=self._logged,
        )
        if new:
            await self._engine.publish_keys()  # before it is seen online, so that nobody finds it without
        await self._engine.start(connect=self._connect)

    def _set_state(self, state: ConnectionState, reason: str | None) -> None:
        if (state, reason) == (self._state.state, self._state.reason):
            return
        self._state = ConnectionChanged(state, reason, _now(), self._last_logged)
        self._state_changed.set()
        for stream in self._streams:
            stream.connection_changed(self._state)

    def _logged(self) -> None:
        for stream in self._streams:
            stream.notify()

    def _move_cursor(self, to: Cursor) -> None:
        if to > self._cursor:
            self._cursor = to
            self._store().later(lambda connection: event_log.move_cursor(connection, to))

    def _store(self) -> Database:
        if self._database is None:
            raise HeliographError("the client is not open: use `async with`", code="CLOSED")
        return self._database

    def _https(self) -> HttpApi:
        if self._api is None:
            raise NoServer("no server is known: give its base URL")
        return self._api

    def _running(self) -> Engine:
        if self._engine is None:
            self._store()
            raise NotRegistered("the profile has no account yet: register or link it")
        return self._engine


def _now() -> int:
    return time.time_ns() // 1_000_000
