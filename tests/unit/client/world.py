"""Clients around one fake server, for tests that read as sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from heliograph import Client, Message, Plain
from heliograph.connection import Timing
from heliograph.content import Content
from heliograph.ids import AccountId, Address, base64url, conversation_id, new_logical_id
from heliograph.signing import AuthKey
from heliograph.store import schema
from heliograph.store.seal import Unsealed, register
from heliograph.stream import EventStream

from tests.unit.client.fake_server import BASE_URL, FakeServer
from tests.unit.client.plain_encryption import PlainEncryption

T = TypeVar("T")
FAST = Timing(answer=0.2, linger=0.2, backoff_base=0.01, backoff_cap=0.05)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine; nothing in here takes long."""

    async def limited() -> T:
        async with asyncio.timeout(10):
            return await work

    return asyncio.run(limited())


async def until(condition: Callable[[], object]) -> None:
    """Wait until something became true."""
    while not condition():  # noqa: ASYNC110 - the fake server has no events to wait for
        await asyncio.sleep(0.002)


class World:
    """One server, stores in one directory."""

    def __init__(self, directory: Path) -> None:
        self.server = FakeServer()
        self.directory = directory

    def client(self, name: str, **options: Any) -> Client:
        """Make a client of the profile `name`; not open yet."""
        settings: dict[str, Any] = {
            "seal": Plain(),
            "ack_delay": 0.0,
            "synchronous": "normal",
            "encryption": PlainEncryption(),
        } | options
        timing = replace(FAST, **settings.pop("timing", {}))
        return Client(
            self.directory / f"{name}.db",
            BASE_URL,
            transport=self.server,
            http_transport=self.server.http(),
            timing=timing,
            **settings,
        )

    @asynccontextmanager
    async def people(self, *names: str, **options: Any) -> AsyncIterator[tuple[Client, ...]]:
        """Open registered, connected clients; the first two accept each other."""
        clients = tuple(self.client(name, **options) for name in names)
        for name, client in zip(names, clients, strict=True):
            await client.__aenter__()
            await client.register(name)
            await client.connected(5)
        if len(clients) > 1:
            await clients[0].accept(clients[1].account)
            await clients[1].accept(clients[0].account)
        try:
            yield clients
        finally:
            for client in clients:
                await client.close()

    @asynccontextmanager
    async def another_device(self, owner: Client, name: str, **options: Any) -> AsyncIterator[Client]:
        """Link one more device to an account, and open it."""
        async with self.client(name, **options) as device:
            waiting = asyncio.create_task(device.linked(5))
            await owner.link(await device.start_linking())
            await waiting
            await device.connected(5)
            yield device

    def stranger(self, handle: str = "mallory") -> Address:
        """Put an account on the server that no client runs for."""
        return Address(f"{self.server.add_account(handle, AuthKey.generate().public)}:1")


def plain_store(path: Path) -> sqlite3.Connection:
    """Make a store that is not sealed, for tests of single store modules."""
    connection = sqlite3.connect(path)
    schema.prepare(connection)
    register(connection, Unsealed())
    return connection


def raw(store: Path) -> bytes:
    """Give all bytes of a store's files, those beside it too."""
    return b"".join(path.read_bytes() for path in sorted(store.parent.glob(store.name + "*")))


def seal(sender: Address, to: AccountId, text: str, logical_id: str | None = None) -> str:
    """Make a ciphertext as the clear encryption does, base64url."""
    account = AccountId(sender.partition(":")[0])
    content = Content(logical_id or new_logical_id(), text, conversation_id(account, to), 1)  # type: ignore[arg-type]
    return envelope(content)


def envelope(content: Content) -> str:
    """Make a ciphertext of a content as the plain encryption does, base64url."""
    return base64url(PlainEncryption.PREFIX + content.encode())


async def next_event(stream: EventStream, kind: type[T]) -> T:
    """Give the next event of a kind."""
    async for event in stream:
        if isinstance(event, kind):
            return event
    raise AssertionError("the stream ended")


async def texts(client: Client, name: str) -> list[str]:
    """Give a conversation's texts, oldest first."""
    conversation = await client.conversation(name)
    return [message.text async for message in conversation.history()][::-1]


async def statuses(client: Client, name: str) -> list[str]:
    """Give a conversation's statuses, oldest first."""
    conversation = await client.conversation(name)
    return [message.status async for message in conversation.history()][::-1]


async def newest(client: Client, name: str) -> Message:
    """Give the newest message of a conversation."""
    conversation = await client.conversation(name)
    async for message in conversation.history(limit=1):
        return message
    raise AssertionError("the conversation is empty")
