"""The stage that flows are played on: a local cloud whose functions count, and people with real clients."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heliograph import Client, Message, MessageReceived, Plain
from heliograph.connection import Timing
from heliograph.transport import Transport

from bench.counting import Counts, Line, count, read_lines

ACK_DELAY = 0.3
"""Seconds that acknowledgements wait here; the delay of the SDK itself is a second."""

BY_HAND = 3600.0
"""Seconds: acknowledgements leave when :meth:`Person.acknowledge` says so, however slow the machine is."""

QUIET = 4 * ACK_DELAY
"""Seconds without an operation after which a flow is over: acks were sent, and what they cause is done."""

TEXT = "A text of the length that people send to each other: one or two lines."


@dataclass(slots=True)
class Stage:
    """Where the flows are played. ``meter`` is the file that all functions write to."""

    base_url: str
    meter: Path
    folder: Path
    transport: Transport | None = None
    """What opens sockets, for a test that looks at them."""

    async def settled(self) -> int:
        """Wait until nothing more is counted; gives the place in the file."""
        before, size = -1, self.place()
        while size != before:
            await asyncio.sleep(QUIET)
            before, size = size, self.place()
        return size

    async def ended(self, *, but: int = 0) -> int:
        """Wait until the ends of all sockets ``but`` so many are recorded, and settled; gives the place.

        A cold function takes longer than things are quiet: its operations would count for what comes next.
        """
        async with asyncio.timeout(60):
            size = await self.settled()
            while self._open_sockets() > but:
                size = await self.settled()
        return size

    def _open_sockets(self) -> int:
        calls = Counter(line["function"] for line in self.read(0) if line["kind"] == "invocation")
        return calls["connect"] - calls["disconnect"]

    def place(self) -> int:
        """The place in the file up to which the meter has recorded."""
        return self.meter.stat().st_size if self.meter.exists() else 0

    async def counted(self, since: int) -> Counts:
        """What was used since that place, up to now, when everything has settled."""
        return count(await self.lines(since))

    async def lines(self, since: int) -> list[Line]:
        """What the meter recorded since that place, when everything has settled."""
        await self.settled()
        return self.read(since)

    def read(self, since: int) -> list[Line]:
        """What the meter has recorded since that place."""
        return read_lines(self.meter, since)

    def store(self, name: str) -> Path:
        """The file of a store."""
        return self.folder / f"{name}.db"

    def client(
        self, store: str, *, keep_alive: float = 540, ack_delay: float = ACK_DELAY, connect: bool = True
    ) -> Client:
        """A client on a store of its own; an existing store is that device again."""
        return Client(
            self.store(store),
            self.base_url,
            seal=Plain(),
            connect=connect,
            ack_delay=ack_delay,
            synchronous="normal",
            timing=Timing(keep_alive=keep_alive),
            transport=self.transport,
        )


@dataclass(slots=True)
class Person:
    """An account at one device: a client and what it received."""

    client: Client
    store: str
    received: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    async def listen(self) -> None:
        """Take in messages until the client closes."""
        async for event in self.client.events():
            if isinstance(event, MessageReceived):
                self.received.put_nowait(event.message)

    def acknowledge(self) -> None:
        """Send the acks that are owed, where the flow and not the clock says when."""
        if (engine := self.client._engine) is not None:
            engine.connection.flush_acks()

    async def next(self) -> Message:
        """The next message from somebody else."""
        async with asyncio.timeout(30):
            while (message := await self.received.get()).outgoing:
                pass
            return message


@asynccontextmanager
async def people(
    stage: Stage, *devices: int, ack_delay: float = ACK_DELAY
) -> AsyncIterator[list[list[Person]]]:
    """Accounts that know and accepted each other, each with so many devices, all online."""
    async with AsyncExitStack() as stack:
        accounts: list[list[Person]] = []
        for number in devices:
            handle = f"b{secrets.token_hex(6)}"
            first = await _device(stack, stage, f"{handle}-1", ack_delay)
            await first.client.register(handle)
            accounts.append([first])
            for other in range(2, number + 1):
                new = await _device(stack, stage, f"{handle}-{other}", ack_delay)
                await first.client.link(await new.client.start_linking())
                await new.client.linked(30)
                accounts[-1].append(new)
        everybody = [person for account in accounts for person in account]
        for person in everybody:
            await person.client.connected(30)
            task = asyncio.create_task(person.listen())
            stack.push_async_callback(_cancel, task)
        for account in accounts:
            for peer in accounts:
                if peer is not account:
                    await account[0].client.accept(peer[0].client.account)
        yield accounts


async def _device(stack: AsyncExitStack, stage: Stage, store: str, ack_delay: float) -> Person:
    return Person(await stack.enter_async_context(stage.client(store, ack_delay=ack_delay)), store)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
