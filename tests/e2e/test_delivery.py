"""An accepted message reaches every device once: retries, twins, long absences, overlapping frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.barriers import Barriers
from tests.e2e.client import Device, Json, Socket, name_of, new_id, now, shown
from tests.e2e.steps import ids, link
from tests.e2e.tables import Row, Tables
from tests.waiting import until

PAGE_BYTES = 32_768


async def send_many(sender: Device, to: Device, count: int, size: int) -> list[Json]:
    """Send messages in frames of 50."""
    messages = [sender.message(to, text=b"x" * size) for _ in range(count)]
    async with await sender.open() as socket:
        for start in range(0, count, 50):
            results = await socket.send(*messages[start : start + 50])
            assert all(result.get("accepted") for result in results), results
    return messages


@pytest.mark.local_only
async def test_a_retry_rewrites_and_never_doubles(alice: Device, bob: Device, tables: Tables) -> None:
    """Twenty times at once, a minute late, and again after the ack: one row, shown once, gone in the end."""
    message = alice.message(bob, id=new_id(now() - 60_000))
    async with await alice.connect() as a, await bob.connect() as b:
        for answer in await asyncio.gather(*(a.send(message) for _ in range(20))):
            assert answer == [{"id": message["id"], "accepted": True}]
        assert tables.inbox(bob) == [Row(1, message["id"], alice.address)]
        [event] = shown(await b.wait_for(20))

        for _ in range(2):  # the ack of the message, then that of the row which the retry put back
            await b.ack(delivered=[name_of(event)])
            await until(lambda: tables.inbox(bob) == [])
            [again] = await a.send(message)
            assert again.get("accepted"), again
            assert len(tables.inbox(bob)) == 1
        await b.wait_for(22)
        await b.ack(delivered=[name_of(event)])
        await until(lambda: tables.inbox(bob) == [])
        assert shown(b.events) == [event]


@pytest.mark.local_only
async def test_an_id_that_is_too_old_is_not_written(alice: Device, bob: Device, tables: Tables) -> None:
    """Behind two minutes a retry is refused with the server's time; the client mints a new id."""
    async with await alice.connect() as a:
        [result] = await a.send(alice.message(bob, id=new_id(now() - 130_000)))
        assert result["error"]["code"] == "ID_STALE"
        assert abs(result["error"]["details"]["time"] - now()) < 60_000
        assert tables.inbox(bob) == []


@pytest.mark.local_only
@pytest.mark.parametrize("online", [True, False], ids=["live", "drained"])
async def test_one_id_of_three_senders(
    alice: Device, bob: Device, new_device: Callable[[], Device], tables: Tables, online: bool
) -> None:
    """Two devices of an account and a stranger mint one id: three messages, acknowledged one by one."""
    alice2 = await link(alice)
    carol = await asyncio.to_thread(new_device)
    one = new_id()
    senders = sorted([alice, alice2, carol], key=lambda device: device.address)
    socket: Socket | None = await bob.connect() if online else None
    for sender in senders:
        own = [other for other in (alice, alice2) if other.account == sender.account and other is not sender]
        async with await sender.open() as s:
            [result] = await s.send(sender.message(bob, own=own, id=one, text=sender.address.encode()))
            assert result.get("accepted"), result
    if socket is None:
        socket = await bob.connect()
    async with socket as b:
        names = [name_of(event) for event in shown(await b.wait_for(3))]
        assert names == [[one, sender.address] for sender in senders]
        await b.ack(delivered=names[1:2])
        left = [Row(1, one, senders[0].address), Row(1, one, senders[2].address)]
        await until(lambda: tables.inbox(bob) == left)
    assert tables.inbox(alice) == [Row(1, one, alice2.address)]
    assert tables.inbox(alice2) == [Row(2, one, alice.address)]


async def test_a_long_absence_ends_with_everything_in_order(alice: Device, bob: Device) -> None:
    """250 messages in pages of at most 32 KB, oldest first, each once; then caught_up and a mark."""
    sent = [message["id"] for message in await send_many(alice, bob, 250, 300)]
    async with await bob.open() as b:
        before = now()
        caught_up = await b.drain()
        assert [event["id"] for event in b.events] == sent
        assert len(b.frames) > 250 * 400 // PAGE_BYTES
        assert before - 300_000 - 60_000 < caught_up["mark"] < caught_up["time"] - 290_000

        have = [name_of(event) for event in b.events[:200]]
        b.events.clear()
        await b.drain(have=have)
        assert [event["id"] for event in b.events] == sent[200:]

        for start in (0, 200):
            names = [[name, alice.address] for name in sent[start : start + 200]]
            await b.ack(delivered=names)
    async with asyncio.timeout(30):
        while await remaining(bob):
            pass


async def remaining(device: Device) -> list[str]:
    """What a new socket of the device drains."""
    async with await device.connect() as socket:
        return ids(socket)


async def test_pages_are_full_of_the_largest_messages(alice: Device, bob: Device) -> None:
    """8 KiB ciphertexts come two a page, and a live event between the pages disturbs nothing."""
    sent = [message["id"] for message in await send_many(alice, bob, 7, 8192)]
    async with await bob.open() as b, await alice.connect() as a:
        page = await b.ask({"action": "sync"})
        assert 1 <= len(page["events"]) < 7
        late = alice.message(bob)
        await a.send(late)
        while "token" in page:
            page = await b.ask({"action": "sync", "token": page["token"]})
        assert "caught_up" in page
        assert ids(b) == [*sent, late["id"]]


@pytest.mark.local_only
async def test_the_mark_skips_what_is_long_gone(
    alice: Device, bob: Device, tables: Tables, cassandra_log: Callable[[], str]
) -> None:
    """1,500 acknowledged rows of ten days ago: a drain with the mark reads none of their tombstones."""
    week = 7 * 24 * 3600 * 1000
    then = now() - 10 * 24 * 3600 * 1000
    for n in range(1500):
        tables.run(
            "DELETE FROM inbox_by_account"
            " WHERE account_id = %s AND week = %s AND device_id = %s AND message_id = %s AND sender = %s",
            *(bob.account, then // week, 1, new_id(then + n), alice.address),
        )
    async with await alice.connect() as a, await bob.open() as b:
        message = alice.message(bob)
        await a.send(message)
        await b.wait_for(1)
        b.events.clear()
        mark = (await b.drain())["mark"]
        warned = cassandra_log().count(bob.account)
        assert warned > 0, "a drain from the beginning meets the tombstones, and Cassandra says so"
        b.events.clear()
        await b.drain(mark=mark)
        assert ids(b) == [message["id"]]
        assert cassandra_log().count(bob.account) == warned

        b.events.clear()
        await b.drain(mark=now())
        assert ids(b) == []


@pytest.mark.local_only
@pytest.mark.parametrize("point", ["send.inbox.put.before", "send.sockets.post_all.before"])
async def test_frames_of_one_socket_overlap(
    alice: Device, bob: Device, barriers: Barriers, new_device: Callable[[], Device], point: str
) -> None:
    """While one send stands still, another one, a sync and an ack of the same socket are served."""
    carol = await asyncio.to_thread(new_device)
    async with await alice.connect() as a, await bob.connect() as b, await carol.connect() as c:
        await c.send(carol.message(alice))
        [event] = await a.wait_for(1)

        barriers.hold(point, only=alice.account)
        slow, fast, other = alice.message(bob), alice.message(bob), alice.message(carol)
        sending = asyncio.create_task(a.send(slow))
        await barriers.reached(point)
        for message, socket in ((other, c), (fast, b)):
            [result] = await a.send(message)
            assert result.get("accepted"), result
            await socket.wait_for(1)
            assert ids(socket) == [message["id"]]
        await a.ack(delivered=[name_of(event)])
        await c.wait_for(1, "receipt")
        await a.drain()
        assert not sending.done()

        barriers.release(point)
        [result] = await sending
        assert result.get("accepted"), result
        await b.wait_for(2)
        assert ids(b) == [slow["id"], fast["id"]]
