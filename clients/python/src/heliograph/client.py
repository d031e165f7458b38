"""The client: one profile, one file, one account's device."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from heliograph import linking
from heliograph.connection import Timing
from heliograph.encryption import ClearEncryption, Content, Encryption
from heliograph.engine import Engine
from heliograph.errors import (
    AlreadyRegistered,
    HeliographError,
    NetworkError,
    NoServer,
    NotFound,
    NotRegistered,
    SendFailed,
    TooLarge,
)
from heliograph.events import ConnectionChanged, ConnectionState, Event
from heliograph.http import HttpApi
from heliograph.ids import AccountId, Cursor, ServerClock, conversation_id, new_logical_id
from heliograph.model import RANKS, Conversation, Device, Expiry, Message, Status
from heliograph.signing import Identity
from heliograph.store import event_log, incoming, messages, outgoing, peers, profile
from heliograph.store.database import Database, Synchronous
from heliograph.store.incoming import Ack
from heliograph.store.messages import StoredMessage
from heliograph.store.peers import Peer
from heliograph.stream import EventStream
from heliograph.transport import Transport, WebSocketTransport

HISTORY_PAGE = 50


class Client:
    """A device of an account.

    Open it with `async with`: it connects in the background, stays connected, sends what is pending and stores
    what comes. Everything that it returned from or yielded survives a crash.

    Args:
        store: The profile's file; made at the first use, readable by its owner only.
        server: Base URL of the server; a registered profile remembers its own.
        encryption: How messages are sealed; by default clear text, which only a server on this machine gets.
        connect: False opens the store without connecting: history, and an outbox that waits.
        ack_delay: Seconds that an acknowledgement waits for a message to ride on.
        synchronous: `full` survives a power failure; `normal` only the end of the process, and is faster.
        timing: Times of the connection, for tests.
        transport: What opens sockets, for tests.
        http_transport: What carries HTTPS, for tests.

    Raises:
        StoreLocked: On entering, when another process has the store open.
        StoreUnreadable: On entering, when the file is something else.
        EncryptionRefused: On entering, when the encryption does not allow the server.
    """

    def __init__(
        self,
        store: str | Path,
        server: str | None = None,
        *,
        encryption: Encryption | None = None,
        connect: bool = True,
        ack_delay: float = 0.05,
        synchronous: Synchronous = "full",
        timing: Timing | None = None,
        transport: Transport | None = None,
        http_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._path = Path(store)
        self._server = server
        self._encryption: Encryption = encryption or ClearEncryption()
        self._connect = connect
        self._ack_delay = ack_delay
        self._synchronous = synchronous
        self._timing = timing or Timing()
        self._transport = transport or WebSocketTransport()
        self._http_transport = http_transport
        self._clock = ServerClock()
        self._database: Database | None = None
        self._api: HttpApi | None = None
        self._identity: Identity | None = None
        self._engine: Engine | None = None
        self._streams: set[EventStream] = set()
        self._cursor = Cursor(0)
        self._state = ConnectionChanged("offline", None, _now(), Cursor(0))
        self._state_changed = asyncio.Event()
        self._last_logged = Cursor(0)

    async def __aenter__(self) -> Self:
        self._database = Database(self._path, self._synchronous)
        try:
            self._identity, stored, self._cursor, self._last_logged = await self._database.run(
                lambda connection: (
                    profile.identity(connection),
                    profile.get(connection, "server"),
                    event_log.cursor(connection),
                    event_log.last(connection),
                )
            )
            self._server = self._server or stored
            if self._server is not None:
                self._encryption.check_server(self._server)
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
    def state(self) -> ConnectionChanged:
        """The connection as it is now."""
        return self._state

    async def register(self, handle: str, *, name: str = "device", token: str | None = None) -> None:
        """Make an account with this handle, and this device its first.

        The key is stored before it is used, so repeating after a crash or a lost answer gives the same account.

        Args:
            handle: 2 to 30 of a-z 0-9 _ . , a letter first.
            name: What the owner calls the device; only own devices see it.
            token: ID token of the server's sign-in; none for a local cloud.

        Raises:
            HandleTaken: It belongs to somebody else.
            VerificationFailed: The server wants a token, or another one.
            AlreadyRegistered: The profile has another handle already.
            NetworkError: The server was not reached.
        """
        if self._identity is not None:
            if self._identity.handle == handle:
                return
            raise AlreadyRegistered(f"the profile is {self._identity.handle} already")
        api, database = self._https(), self._store()
        key = await database.run(profile.key)
        await api.discover()
        answer = await api.register(key, handle, name, token)
        first = Peer(answer["account"], answer["handle"], answer["version"], {answer["device"]: key.public})
        await self._become(answer["account"], answer["device"], answer["handle"], first)

    async def conversation(self, name: str) -> Conversation:
        """Find the conversation with an account by its handle (or account id).

        Who was found once is found offline too.

        Raises:
            NotFound: There is no such account.
            NetworkError: It is not known here, and the server was not reached.
        """
        engine = self._running()
        peer = await engine.directory.find(name)
        if peer.account == self.account:
            raise NotFound("an account has no conversation with itself")
        return Conversation(conversation_id(self.account, peer.account), peer.account, peer.handle, self)

    async def conversations(self) -> list[Conversation]:
        """List the conversations in the store, the one with the newest message first."""
        rows = await self._store().run(messages.conversations)
        return [
            Conversation(conversation_id(self.account, account), account, handle or account, self)
            for account, handle in rows
        ]

    def events(self, *, after: Cursor | None = None) -> EventStream:
        """Iterate over what happens: first what the application was not through with, then what comes.

        Args:
            after: Start behind this place instead, and leave the store's own cursor where it is.
        """
        seen = self._move_cursor if after is None else None
        begin = self._cursor if after is None else after
        current = ConnectionChanged(self._state.state, self._state.reason, self._state.since, begin)
        stream = EventStream(self._store(), self.account, begin, current, self._message, seen)
        self._streams.add(stream)
        return stream

    def seen(self, event: Event) -> None:
        """Say that the application is through with an event: for a loop that is left by `break`."""
        self._move_cursor(event.cursor)

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

    async def start_linking(self) -> str:
        """Give the code by which a device of the account takes this new one in; then await `linked`."""
        if self._identity is not None:
            raise AlreadyRegistered(f"the profile is {self._identity.handle} already")
        return linking.code(await self._store().run(profile.key))

    async def linked(self, timeout: float = 600) -> None:  # noqa: ASYNC109 - the SDK's promise
        """Wait until this new device was taken in.

        Raises:
            TimeoutError: Not within `timeout` seconds; the code stays good for another try.
        """
        key = await self._store().run(profile.key)
        async with asyncio.timeout(timeout):
            account, device, handle, own = await linking.wait(self._https(), key)
        await self._become(account, device, handle, own)

    async def link(self, code: str, *, name: str = "device") -> None:
        """Take in the new device that shows this code.

        Raises:
            BadLinkCode: It is no such code.
            DeviceLimit: The account has as many devices as it can have.
        """
        own = await linking.take_in(self._https(), self.identity, linking.parse(code), name)
        await self._running().directory.refresh(own)

    async def devices(self) -> list[Device]:
        """List the devices of this account."""
        answer = await self._https().devices(self.identity)
        return [
            Device(
                entry["device"],
                entry["name"],
                entry["added_at"],
                entry["device"] == self.device,
                entry["linked_by"]["device"] if "linked_by" in entry else None,
            )
            for entry in answer["devices"]
        ]

    async def remove_device(self, device: int) -> None:
        """Remove a device of this account: its connection closes within seconds.

        Raises:
            NotFound: There is none with this number.
            HeliographError: LAST_DEVICE.
        """
        await self._https().remove_device(self.identity, device)
        if device != self.device:
            await self._running().directory.refresh(self.account)

    async def block(self, account: AccountId) -> None:
        """Block an account: what it sends goes nowhere, and it does not learn that."""
        await self._https().relate(self.identity, "PUT", "blocks", account)

    async def unblock(self, account: AccountId) -> None:
        """End a block."""
        await self._https().relate(self.identity, "DELETE", "blocks", account)

    async def accept(self, account: AccountId) -> None:
        """Let an account that one never wrote to have receipts, for what it sent already too."""
        me, engine = self.identity, self._running()
        await self._https().relate(me, "PUT", "accepted", account)

        def store(connection: sqlite3.Connection) -> list[Ack]:
            return incoming.owe_receipts(connection, me, account) if peers.accept(connection, account) else []

        engine.acks.add(await self._store().run(store))

    async def blocked(self) -> list[AccountId]:
        """List the accounts that this one blocked."""
        answer = await self._https().own_account(self.identity)
        return [AccountId(account) for account in answer["blocked"]]

    async def send_text(self, peer: AccountId, text: str, expires: Expiry) -> Message:
        """Queue a text; what `Conversation.send` does."""
        engine, now, logical_id = self._running(), self._clock.now(), new_logical_id()
        content = Content(logical_id, text, conversation_id(self.account, peer), now)
        if len(content.encode()) > self._encryption.max_plaintext_bytes:
            raise TooLarge(f"a message holds at most {self._encryption.max_plaintext_bytes} bytes with its frame")
        me = self.identity
        stored, first = await self._store().run(
            lambda connection: outgoing.add(connection, me, peer, logical_id, text, now, expires)
        )
        engine.outbox.add(peer, stored.seq, first=first)
        return self._message(stored)

    async def wait_status(self, message: Message, status: Status, seconds: float | None) -> Message:
        """Wait for a message; what `Message.reached` does."""
        watch = self._running().watch
        async with asyncio.timeout(seconds):
            while True:
                change = watch.expect(message.seq)
                try:
                    newest = await self._store().run(lambda connection: messages.get(connection, message.seq))
                    if newest.status == "failed":
                        raise SendFailed(f"the message was refused: {newest.error}", code=newest.error)
                    if RANKS[newest.status] >= RANKS[status]:
                        return self._message(newest)
                    await change
                finally:
                    change.cancel()

    async def mark_read(self, message: Message) -> None:
        """Mark a message; what `Message.mark_read` does."""
        if message.outgoing or message.status == "read":
            return
        me, engine = self.identity, self._running()
        ack = await self._store().run(lambda connection: incoming.mark_read(connection, me, message.seq))
        if ack is not None:
            engine.acks.add([ack])

    async def retry(self, message: Message) -> None:
        """Queue a failed message again; what `Message.retry` does."""
        engine = self._running()
        if await self._store().run(lambda connection: outgoing.retry(connection, message.seq)):
            engine.outbox.add(message.peer, message.seq)

    async def history(self, peer: AccountId, before: Message | None, limit: int | None) -> AsyncIterator[Message]:
        """Walk back through a conversation; what `Conversation.history` does."""
        place = None if before is None else (before.position, before.sender)
        left = limit
        while left is None or left > 0:
            size = HISTORY_PAGE if left is None else min(HISTORY_PAGE, left)
            page = await self._store().run(
                lambda connection, place=place, size=size: messages.history(connection, peer, place, size)  # type: ignore[misc]
            )
            for stored in page:
                yield self._message(stored)
            if len(page) < size:
                return
            place = (page[-1].position, page[-1].sender)
            left = None if left is None else left - size

    async def _become(self, account: str, device: int, handle: str, own: Peer) -> None:
        server = self._server or ""

        def store(connection: sqlite3.Connection) -> Identity:
            peers.save(connection, own)
            return profile.become(connection, account, device, handle, server)

        self._identity = await self._store().run(store)
        await self._begin(self._identity)

    async def _begin(self, me: Identity) -> None:
        self._engine = Engine(
            database=self._store(),
            api=self._https(),
            clock=self._clock,
            transport=self._transport,
            me=me,
            encryption=self._encryption,
            ack_delay=self._ack_delay,
            timing=self._timing,
            on_state=self._set_state,
            on_logged=self._logged,
        )
        await self._engine.start(connect=self._connect)

    def _message(self, stored: StoredMessage) -> Message:
        return Message(
            logical_id=stored.logical_id,
            id=stored.id,
            conversation=conversation_id(self.account, stored.peer),
            peer=stored.peer,
            sender=stored.sender,
            outgoing=bool(stored.outgoing),
            text=stored.text,
            sent_at=stored.sent_at,
            status=stored.status,
            error=stored.error,
            position=stored.position,
            seq=stored.seq,
            _actions=self,
        )

    def _set_state(self, state: ConnectionState, reason: str | None) -> None:
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
