"""What a flow plays on: phones, each the SDK with a store of its own, and the cloud they talk to."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from heliograph import Client
from heliograph.connection import Timing
from heliograph.events import Event, MessageReceived, SentElsewhere
from heliograph.keys import Pool
from heliograph.model import Message
from heliograph.store import account_secrets
from heliograph.store.seal import Plain, StoreKey

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.canary.controls import Controls
from tests.canary.holdings import secrets_of
from tests.canary.needles import Ledger, Store
from tests.canary.wire import RecordingHttp, RecordingTransport, Wire
from tests.integration.oidc.issuer import Issuer
from tests.waiting import until

PATIENCE = 60.0
"""Seconds that a flow waits for anything."""

FEW_KEYS = Pool(one_time=6, one_time_kem=3)
"""Each key is searched for in every form; a hundred of them tell no more than some."""

ANSWER_SECONDS = 5.0
"""How long the SDK waits for an answer before it repeats a frame."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class World:
    """What all flows share. ``profiles`` is no part of the cloud: stores of clients hold all in clear."""

    cloud: LocalCloud
    barriers: Barriers
    issuer: Issuer
    ledger: Ledger
    controls: Controls
    profiles: Path


class Scene:
    """One flow at play. Leaving it closes its phones, with their secrets remembered."""

    def __init__(self, world: World, flow: str) -> None:
        self.world = world
        self.flow = flow
        self.routes: set[str] = set()
        self.verbs: set[str] = set()
        self._phones: list[Phone] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        for phone in self._phones:
            self.routes |= phone.wire.routes
            self.verbs |= phone.verbs

    def canary(self, what: str) -> str:
        """A random text for a device to send: it must be found nowhere."""
        return self.world.ledger.canary(self.flow, what)

    def keep(self, what: str, value: str | bytes, allowed: frozenset[Store] = frozenset()) -> None:
        """Remember a secret that may lie in the ``allowed`` stores alone."""
        self.world.ledger.keep(self.flow, what, value, allowed)

    async def phone(self, name: str, **options: Any) -> Phone:
        """A device that is nobody yet, open. ``options`` go to the client."""
        phone = Phone(self, name, options)
        self._phones.append(phone)
        self._stack.push_async_callback(phone.close)
        await phone.open()
        return phone

    async def person(self, name: str, **options: Any) -> Phone:
        """A device with an account, online. Its handle begins with the name."""
        phone = await self.phone(name, **options)
        phone.handle = f"{name}.{next(_numbers)}"
        await phone.client.register(phone.handle)
        await phone.client.connected(PATIENCE)
        return phone

    async def acquainted(self, **options: Any) -> tuple[Phone, Phone]:
        """Two people who wrote to each other, so each gets the other's receipts. ``options``: the first's."""
        alice, bob = await self.person("alice", **options), await self.person("bob")
        await alice.say(bob)
        await bob.say(alice)
        return alice, bob


class Phone:
    """A device of a flow."""

    def __init__(self, scene: Scene, name: str, options: dict[str, Any]) -> None:
        self.name = name
        self.verbs: set[str] = set()
        self.events: list[Event] = []
        self.handle = ""
        self._scene = scene
        self._options = options
        number = next(_numbers)
        self.store = scene.world.profiles / f"{number}-{name}" / "profile.db"
        self.store.parent.mkdir(parents=True)
        cloud = scene.world.cloud
        self.wire = Wire(cloud.places.state / "wire" / f"{number}-{name}.log", cloud.base_url)
        self._client: Client | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client:
        """The SDK. Raises ``RuntimeError`` while the phone is closed."""
        if self._client is None:
            raise RuntimeError(f"{self.name} is closed")
        return self._client

    async def open(self, **changes: Any) -> None:
        """Open the store, connect if it has an account, and listen; with options changed as named."""
        self._options |= changes
        client = _noting(self.verbs)(
            self.store,
            self._scene.world.cloud.base_url,
            synchronous="normal",
            ack_delay=0.02,
            timing=Timing(answer=ANSWER_SECONDS, backoff_base=0.05, backoff_cap=1, linger=1),
            transport=RecordingTransport(self.wire),
            http_transport=RecordingHttp(self.wire),
            **{"seal": Plain(), "key_pool": FEW_KEYS, **self._options},
        )
        self._client = await client.__aenter__()
        self._listener = asyncio.create_task(self._listen(client))
        await self.remember()

    async def close(self) -> None:
        """Close it as an application does. Again: nothing happens."""
        if self._client is None:
            return
        await self.remember()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        await self._client.close()
        self._client = None

    async def remember(self) -> None:
        """Remember every secret that the store holds now."""
        store = self.client._store()
        encrypts = "encryption" not in self._options
        held = await store.run(lambda connection: secrets_of(connection, encrypts=encrypts))
        if isinstance(store._sealed, StoreKey):
            held.append(("store key", store._sealed._key))
        for what, value in held:
            self._scene.keep(f"{what} of {self.name}", value)

    async def send(self, other: Phone, what: str = "text") -> Message:
        """Send a new canary to the account of another phone; gives the message as it is queued."""
        text = self._scene.canary(f"{what} from {self.name} to {other.name}")
        return await (await self.client.conversation(other.handle)).send(text)

    async def say(self, other: Phone, what: str = "text") -> Message:
        """Send a new canary to another phone, and wait until it is shown there."""
        message = await self.send(other, what)
        await other.hears(message)
        return message

    async def hears(self, message: Message) -> Message:
        """Wait until this phone shows a message, with the text that was sent; gives its own view of it."""

        def shown() -> Message | None:
            for event in self.events:
                if isinstance(event, MessageReceived | SentElsewhere) and event.message.text == message.text:
                    return event.message
            return None

        await until(shown, PATIENCE)
        await self.remember()
        found = shown()
        assert found is not None
        return found

    async def shares_secrets(self) -> None:
        """Wait until this linked device got what the devices of its account share."""
        async with asyncio.timeout(PATIENCE):
            while await self.client._store().run(account_secrets.get) is None:  # noqa: ASYNC110, no event
                await asyncio.sleep(0.05)
        await self.remember()

    async def sees(self, kind: type[Event], count: int = 1) -> None:
        """Wait for so many events of a kind."""
        await until(lambda: sum(isinstance(event, kind) for event in self.events) >= count, PATIENCE)

    async def _listen(self, client: Client) -> None:
        while not client.registered:  # noqa: ASYNC110, whoever plays the flow registers or links it
            await asyncio.sleep(0.01)
        self.handle = client.handle
        async for event in client.events():
            self.events.append(event)


def _noting(used: set[str]) -> type[Client]:
    """A client that notes which of its public names are used."""

    class NotingClient(Client):
        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_"):
                used.add(name)
            return super().__getattribute__(name)

    return NotingClient
