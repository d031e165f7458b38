"""Sockets of one device: which one lives, and what a dead or half-open one costs."""

from __future__ import annotations

import asyncio

import pytest

from tests.barriers import Barriers
from tests.e2e.client import Device, HandshakeRefused, Socket
from tests.e2e.steps import ids, of_type, relate
from tests.e2e.tables import Tables
from tests.waiting import until

REPLACED = {"type": "session_closed", "reason": "REPLACED"}


async def is_replaced(socket: Socket) -> None:
    """Wait until the socket is told that it was replaced, and closed. Both syncs may tell it."""
    async with asyncio.timeout(5):
        await socket.closed.wait()
    assert of_type(socket, "session_closed") in ([REPLACED], [REPLACED, REPLACED])


async def still_works(socket: Socket, alice: Socket) -> None:
    """A message gets through to the socket, which was told nothing about an end."""
    message = alice.device.message(socket.device)
    await alice.send(message)
    await until(lambda: message["id"] in ids(socket))
    await socket.drain()
    assert of_type(socket, "session_closed") == []


@pytest.mark.parametrize("first", ["newer", "older", "both"])
async def test_of_two_sockets_the_newer_stays(alice: Device, bob: Device, first: str) -> None:
    """Whichever syncs first, the higher connect number wins; the other one is told why and closed."""
    async with await alice.connect() as a, await bob.open() as older, await bob.open() as newer:
        if first == "newer":
            await newer.drain()
        elif first == "older":
            await older.send_frame({"action": "sync"})
            await is_replaced(older)
            await newer.drain()
        else:
            await older.send_frame({"action": "sync"})
            await newer.drain()
        await is_replaced(older)
        await still_works(newer, a)


async def test_two_handshakes_at_once(alice: Device, bob: Device) -> None:
    """The lower number may be refused, as the higher one was there first; one socket lives in the end."""
    async with await alice.connect() as a:
        lower, higher = bob.proof(), bob.proof()
        opened = await asyncio.gather(bob.open(lower), bob.open(higher), return_exceptions=True)
        older, newer = opened
        assert isinstance(newer, Socket), newer
        async with newer:
            if isinstance(older, Socket):
                await older.send_frame({"action": "sync"})
            else:
                assert isinstance(older, HandshakeRefused)
                assert older.status == 403
            await newer.drain()
            if isinstance(older, Socket):
                await is_replaced(older)
            await still_works(newer, a)


async def test_a_replaced_client_that_comes_back_replaces_in_turn(alice: Device, bob: Device) -> None:
    """Only a user can want that: it takes a new connect number, and the other socket goes. No ping-pong."""
    async with await alice.connect() as a, await bob.connect() as one, await bob.connect() as two:
        await is_replaced(one)
        async with await bob.connect() as three:
            await is_replaced(two)
            await still_works(three, a)


@pytest.mark.local_only
async def test_a_late_disconnect_of_the_old_socket_spares_the_new_one(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables
) -> None:
    """The row of a socket goes by its full key, however late the news of its end comes."""
    point = "disconnect.connections.remove.before"
    async with await alice.connect() as a:
        old = await bob.connect()
        barriers.hold(point, only=bob.account)
        old.cut()
        await barriers.reached(point)
        async with await bob.connect() as new:
            await still_works(new, a)
            barriers.release(point)
            await until(lambda: tables.sockets(bob) == [bob.connect_number])
            await still_works(new, a)


@pytest.mark.local_only
@pytest.mark.parametrize("forced", [True, False], ids=["forced", "as the gateway does it"])
async def test_a_410_during_the_handshake_harms_nothing(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, forced: bool
) -> None:
    """The row of a socket that is not open yet goes; its sync writes it again and drains the message."""
    point = "connect.connections.add.after"
    async with await alice.connect() as a:
        barriers.hold(point, only=bob.account)
        opening = asyncio.create_task(bob.open())
        await barriers.reached(point)
        assert tables.sockets(bob) == [bob.connect_number]
        if forced:
            barriers.once("send.sockets.post_all", "gone", only=alice.account)
        message = alice.message(bob)
        [result] = await a.send(message)
        assert result.get("accepted"), result
        assert tables.sockets(bob) == []
        barriers.release(point)
        async with await opening as socket:
            assert tables.sockets(bob) == []
            await socket.drain()
            assert ids(socket) == [message["id"]]
            assert tables.sockets(bob) == [bob.connect_number]
            await still_works(socket, a)


@pytest.mark.local_only
@pytest.mark.parametrize("what", ["gone", "fail"])
async def test_a_post_that_fails_loses_no_message(
    alice: Device, bob: Device, barriers: Barriers, what: str
) -> None:
    """The message is accepted all the same; the keep-alive sync of the open socket brings it."""
    async with await alice.connect() as a, await bob.connect() as b:
        barriers.once("send.sockets.post_all", what, only=alice.account)
        message = alice.message(bob)
        [result] = await a.send(message)
        assert result.get("accepted"), result
        assert ids(b) == []
        await b.drain()
        assert ids(b) == [message["id"]]
        await still_works(b, a)


@pytest.mark.local_only
async def test_a_dead_link_loses_its_row_at_the_next_post(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables
) -> None:
    """The receipt for a sender whose $disconnect never came meets a 410; it is stored, the dead row goes."""
    async with await bob.connect() as b:
        await relate(bob, "accepted", alice)
        a = await alice.connect()
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        barriers.once("ack.sockets.post_all", "gone", only=bob.account)
        await b.ack(delivered=[[event["id"], event["sender"]]])
        await until(lambda: [row.sender for row in tables.inbox(alice)] == [f"{bob.address}/delivered"])
        assert tables.sockets(alice) == []
        await a.close()
