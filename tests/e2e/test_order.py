"""Many senders at once: everybody sees the same order, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.client import Device, Json, Socket, shown
from tests.e2e.tables import Tables

SENDERS = 50
MESSAGES = 20
A_FRAME = 5
"""Messages that a sender puts into one frame."""


@pytest.mark.local_only
async def test_fifty_senders_at_once(new_device: Callable[[], Device], bob: Device, tables: Tables) -> None:
    """1,000 messages to two devices, one live and one that comes later: the same 1,000, in one order."""
    second = await asyncio.to_thread(bob.link)
    with ThreadPoolExecutor(8) as threads:
        senders = list(threads.map(lambda _: new_device(), range(SENDERS)))

    async with await bob.connect() as live:
        sent = await asyncio.gather(*(send_all(sender, bob, second) for sender in senders))
        expected = {(name, sender.address) for sender, ids in zip(senders, sent, strict=True) for name in ids}
        assert len(expected) == SENDERS * MESSAGES
        await live.drain()
        first_order = names(shown(live.events))
    async with await second.connect() as later:
        second_order = names(later.events)

    assert set(first_order) == expected
    assert second_order == first_order == sorted(expected)
    for sender, ids in zip(senders, sent, strict=True):
        assert by_sender(first_order)[sender.address] == ids
    assert len(tables.inbox(bob)) == len(tables.inbox(second)) == SENDERS * MESSAGES


async def send_all(sender: Device, *to: Device) -> list[str]:
    """Send all messages of one sender, a frame at a time; the ids in the order of sending."""
    messages = [sender.message(*to, text=b"x" * 100) for _ in range(MESSAGES)]
    async with await sender.open() as socket:
        for start in range(0, MESSAGES, A_FRAME):
            results = await socket.send(*messages[start : start + A_FRAME])
            assert all(result.get("accepted") for result in results), results
    return [message["id"] for message in messages]


def names(events: list[Json]) -> list[tuple[str, str]]:
    """The names of the messages, in the order given."""
    return [(event["id"], event["sender"]) for event in events if event["type"] == "message"]


def by_sender(order: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The ids of each sender, in the order given."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, sender in order:
        found[sender].append(name)
    return found


async def test_an_overtaken_frame_takes_its_place(alice: Device, bob: Device) -> None:
    """A message sent in a later frame under a lower id sorts before the one that came first."""
    async with await alice.connect() as a, await bob.connect() as b:
        first, second = alice.message(bob), alice.message(bob)
        for message in (second, first):
            [result] = await a.send(message)
            assert result.get("accepted"), result
        await b.wait_for(2)
        assert [event["id"] for event in b.events] == [second["id"], first["id"]]
        assert await drained(bob) == [first["id"], second["id"]]
        assert [event["id"] for event in shown(b.events)] == [first["id"], second["id"]]


async def drained(device: Device) -> list[str]:
    """The ids that a new socket of the device drains, in order."""
    socket: Socket
    async with await device.connect() as socket:
        return [event["id"] for event in socket.events if event["type"] == "message"]
