"""Several devices of one account: copies, receipts, linking and removing."""

from __future__ import annotations

import asyncio

import pytest

from tests.barriers import Barriers
from tests.e2e.bodies import live_keys
from tests.e2e.client import Device, HandshakeRefused, Socket, b64, name_of, unb64
from tests.e2e.steps import ids, link, of_type, relate
from tests.e2e.tables import Row, Tables
from tests.waiting import until

REMOVED = [{"type": "session_closed", "reason": "DEVICE_REMOVED"}]


async def remove(by: Device, device: Device) -> None:
    """Take a device off the list."""
    status, answer = await asyncio.to_thread(by.remove, device.device)
    assert status == 200, answer


async def is_refused(device: Device) -> None:
    """The device gets no socket and no answer any more."""
    with pytest.raises(HandshakeRefused) as refused:
        await device.open()
    assert refused.value.status == 403
    status, answer = await asyncio.to_thread(device.request, "GET", "/v1/devices")
    assert (status, answer["error"]["code"]) == (401, "DEVICE_REMOVED")


async def test_a_removed_device_is_closed_and_refused_from_then_on(bob: Device) -> None:
    """Its socket is told and closed within five seconds; proofs and signed requests fail at once."""
    second = await link(bob)
    async with await bob.connect() as first, await second.connect() as socket:
        await remove(bob, second)
        async with asyncio.timeout(5):
            await socket.closed.wait()
        assert of_type(socket, "session_closed") == REMOVED
        await is_refused(second)
        assert of_type(first, "session_closed") == []
        changed = await first.wait_for(1, "device_list_changed")
        assert changed == [{"type": "device_list_changed", "account": bob.account, "version": 3}]


@pytest.mark.local_only
@pytest.mark.parametrize("point", ["connect.connections.add.before", "connect.connections.add.after"])
async def test_a_device_removed_while_it_connects_is_refused(
    bob: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """The connection is written before the list is read again, so the removal is seen, and no row stays."""
    second = await link(bob)
    barriers.hold(point, only=bob.account)
    opening = asyncio.create_task(second.open())
    await barriers.reached(point)
    await remove(bob, second)
    barriers.release(point)
    with pytest.raises(HandshakeRefused) as refused:
        await opening
    assert refused.value.status == 403
    assert tables.sockets(second) == []
    await is_refused(second)


@pytest.mark.local_only
@pytest.mark.parametrize("point", ["connect.cards.devices.after", "sync.connections.of_account.after"])
async def test_a_device_removed_at_the_end_of_its_handshake_is_closed_by_its_sync(
    bob: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """Where ``connect`` read the list too early, ``sync`` reads it again: no page, and it is closed."""
    second = await link(bob)
    barriers.hold(point, only=bob.account)

    async def open_and_sync() -> Socket:
        socket = await second.open()
        await socket.send_frame({"action": "sync"})
        return socket

    opening = asyncio.create_task(open_and_sync())
    await barriers.reached(point)
    await remove(bob, second)
    barriers.release(point)
    async with await opening as socket:
        async with asyncio.timeout(5):
            await socket.closed.wait()
        assert of_type(socket, "session_closed")[:1] == REMOVED
        assert not any("caught_up" in frame for frame in socket.frames)
        await until(lambda: tables.sockets(second) == [])
        await is_refused(second)


async def test_a_removed_device_gets_nothing_more(alice: Device, bob: Device) -> None:
    """A message for the old list is refused and names the device; the corrected one reaches only the rest."""
    second = await link(bob)
    async with await alice.connect() as a, await bob.connect() as b:
        await remove(bob, second)
        [refused] = await a.send(alice.message(bob, second))
        assert refused["error"]["details"]["devices"][bob.account] == {
            "version": 3, "missing": [], "extra": [], "stale": [2],
        }  # fmt: skip
        [accepted] = await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        assert event["id"] == accepted["id"]


async def test_two_devices_a_side_get_their_own_copies(alice: Device, bob: Device) -> None:
    """Each device but the sending one gets the ciphertext made for it, live and out of its inbox."""
    alice2, bob2 = await link(alice), await link(bob)
    texts = {alice2: b"alice two", bob: b"bob one", bob2: b"bob two"}
    message = alice.message(bob, bob2, own=[alice2])
    for side, devices in {"devices": (bob, bob2), "own": (alice2,)}.items():
        message[side] = {str(device.device): b64(texts[device]) for device in devices}

    async def has_it(socket: Socket) -> None:
        [event] = await socket.wait_for(1)
        assert (name_of(event), event["to"]) == ([message["id"], alice.address], bob.account)
        assert unb64(event["ciphertext"]) == texts[socket.device]

    async with (
        await alice.connect() as sending,
        await alice2.connect() as a2,
        await bob.connect() as b1,
        await bob2.connect() as b2,
    ):
        [result] = await sending.send(message)
        assert result.get("accepted"), result
        for socket in (a2, b1, b2):
            await has_it(socket)
        assert ids(sending) == []
    for device in texts:
        async with await device.connect() as socket:
            await has_it(socket)


@pytest.mark.local_only
async def test_receipts_reach_both_devices_of_the_sending_side(
    alice: Device, bob: Device, tables: Tables
) -> None:
    """Live to every socket of the account; a row waits only for the device that sent the message."""
    alice2, bob2 = await link(alice), await link(bob)
    await relate(bob, "accepted", alice)
    async with await alice2.connect() as a2, await bob.connect() as b1, await bob2.connect() as b2:
        async with await alice.connect() as a1:
            message = alice.message(bob, bob2, own=[alice2])
            await a1.send(message)
            [event] = await b1.wait_for(1)
            await b1.ack(delivered=[name_of(event)])
            for socket in (a1, a2):
                [receipt] = await socket.wait_for(1, "receipt")
                assert (receipt["by"], receipt["messages"]) == (bob.address, [name_of(event)])
            assert tables.inbox(alice) == []
        await until(lambda: tables.sockets(alice) == [])

        [event] = await b2.wait_for(1)
        await b2.ack(delivered=[name_of(event)])
        live = await a2.wait_for(2, "receipt")
        assert live[1]["by"] == bob2.address
        await until(lambda: len(tables.inbox(alice)) == 1)
        assert tables.inbox(alice)[0].sender == f"{bob2.address}/delivered"
        assert tables.inbox(alice2) == [Row(2, message["id"], alice.address)]

        async with await alice.connect() as again:
            [receipt] = of_type(again, "receipt")
            assert (receipt["by"], receipt["messages"]) == (bob2.address, [name_of(event)])
            await again.ack(quiet=[receipt["row"]])
            await until(lambda: tables.inbox(alice) == [])


@pytest.mark.local_only
async def test_a_message_to_oneself_reaches_the_other_own_devices(alice: Device, tables: Tables) -> None:
    """Live and out of the inbox, each its own text; an ack takes the row away and tells nobody."""
    second, third = await link(alice), await link(alice)
    message = alice.message(second, third)
    message["devices"] = {"2": b64(b"two"), "3": b64(b"three")}
    async with await alice.connect() as sending, await second.connect() as live:
        [refused] = await sending.send(alice.message(second))
        assert refused["error"]["details"]["devices"][alice.account]["missing"] == [3]
        [result] = await sending.send(message)
        assert result.get("accepted"), result
        async with await third.connect() as later:
            for socket, text in ((live, b"two"), (later, b"three")):
                [event] = await socket.wait_for(1)
                assert (name_of(event), event["to"]) == ([message["id"], alice.address], alice.account)
                assert unb64(event["ciphertext"]) == text
                await socket.ack(delivered=[name_of(event)])
        await until(lambda: tables.inbox(second) == tables.inbox(third) == [])
        await sending.drain()
        assert of_type(sending, "receipt") == ids(sending) == []


async def test_the_chain_tells_how_the_devices_came_about(alice: Device, bob: Device) -> None:
    """Anybody can verify it; every list names its head, and a device that went is no longer live in it."""
    second = await link(bob)
    third = await link(second)
    await remove(third, second)

    chain = await asyncio.to_thread(alice.chain, bob.account)

    assert live_keys(chain) == {1: bob.auth_key, 3: third.auth_key}
    assert [(e["change"], e["device"], e["signer"]) for e in chain["entries"]] == [
        ("add", 1, 0), ("add", 2, 1), ("add", 3, 2), ("remove", 2, 3),
    ]  # fmt: skip
    for by, path in ((bob, "/v1/account"), (bob, "/v1/devices"), (alice, f"/v1/handles/{bob.handle}")):
        assert (await asyncio.to_thread(by.request, "GET", path))[1]["chain"] == chain["chain"]


async def test_a_linked_device_gets_later_messages_only(alice: Device, bob: Device) -> None:
    """What was sent before it was on the list is not for it; the others hear of it at once."""
    async with await alice.connect() as a, await bob.connect() as b:
        await a.send(alice.message(bob))
        second = await link(bob)
        [changed] = await b.wait_for(1, "device_list_changed")
        assert changed["version"] == 2
        async with await second.connect() as s:
            assert s.events == []
            [refused] = await a.send(alice.message(bob))
            assert refused["error"]["details"]["devices"][bob.account]["missing"] == [2]
            later = alice.message(bob, second)
            await a.send(later)
            await s.wait_for(1)
            assert ids(s) == [later["id"]]
            await b.wait_for(2)
