"""A send against a connect: whatever the order, the message is posted or drained."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.barriers import Barriers
from tests.e2e.client import Device, Socket, now
from tests.e2e.steps import ids
from tests.waiting import until

pytestmark = pytest.mark.local_only

HOLDS = [
    "send.inbox.put.before",  # the socket is there, its drain is over, and then the row is written
    "send.inbox.put.after",  # the row is written, then the socket comes, then connections are read
    "send.connections.of_accounts.after",  # connections were read before the socket came
    "connect.connections.add.before",  # no connection anywhere yet
    "connect.connections.add.after",  # a connection whose socket is not open: posts to it meet a 410
    "sync.connections.of_account.before",
    "sync.connections.of_account.after",  # the connection is asserted, the inbox not yet read
    "sync.inbox.page.before",
    "sync.inbox.page.after",  # the inbox was read, the page is not answered yet
]
"""Where one side stands still while the other one does all of its work."""


async def arrives(alice: Socket, bob: Device, barriers: Barriers, point: str) -> bool:
    """Whether a message that is sent while ``bob`` connects reaches his socket without a further sync.

    One side is held at ``point`` until the other one is through. A second message, sent afterwards, comes
    behind everything that the first one led to: once it is there, the first one is there or will not come.
    """
    first, second = alice.device.message(bob), alice.device.message(bob)
    barriers.hold(point, only=bob.account)
    if point.startswith("send."):
        sending = asyncio.create_task(alice.send(first))
        await barriers.reached(point)
        socket = await connect(bob)
        barriers.release(point)
        results = await sending
    else:
        connecting = asyncio.create_task(connect(bob))
        await barriers.reached(point)
        results = await alice.send(first)
        barriers.release(point)
        socket = await connecting
    assert results[0].get("accepted"), results
    async with socket:
        await alice.send(second)
        await until(lambda: second["id"] in ids(socket))
        return first["id"] in ids(socket)


async def connect(bob: Device) -> Socket:
    """Open a socket and sync with a mark of a minute ago, so that the drain reads one partition, once."""
    socket = await bob.open()
    await socket.drain(mark=now() - 60_000)
    return socket


@pytest.mark.parametrize("point", HOLDS)
async def test_a_message_sent_during_a_connect_arrives(
    alice: Device, bob: Device, barriers: Barriers, point: str
) -> None:
    """Rows before connections here, the connection before rows there: one of the two sees the other."""
    async with await alice.connect() as socket:
        assert await arrives(socket, bob, barriers, point)


@pytest.mark.parametrize(
    ("mutant", "point"),
    [("send-reads-first", "send.inbox.put.before"), ("sync-drains-first", "sync.inbox.page.after")],
    ids=["the sender reads connections first", "the receiver drains first"],
)
async def test_the_check_notices_a_swapped_order(
    alice: Device, bob: Device, barriers: Barriers, mutant: str, point: str
) -> None:
    """With either side's two steps swapped the same check loses the wake-up: it is no empty promise."""
    async with await alice.connect() as socket:
        barriers.swap(mutant)
        assert not await arrives(socket, bob, barriers, point)


async def test_nothing_is_missed_without_barriers_either(alice: Device, bob: Device) -> None:
    """Twenty connects, each with a send at a random moment of it."""
    async with await alice.connect() as socket:
        sent, seen = [], []
        for _ in range(20):
            message = alice.message(bob)
            pause = random.uniform(0, 0.1)
            connecting = asyncio.create_task(bob.connect())
            await asyncio.sleep(pause)
            [result] = await socket.send(message)
            assert result.get("accepted"), result
            sent.append(message["id"])
            async with await connecting as other:
                await other.wait_for(len(sent))
                seen.append(set(ids(other)))
        assert all(set(sent[: n + 1]) <= seen[n] for n in range(20))
