"""Linked devices that nobody has seen for 30 days are removed when another one comes online."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.barriers import Barriers
from tests.e2e.bodies import live_keys
from tests.e2e.client import Device, HandshakeRefused, now
from tests.e2e.steps import link, of_type
from tests.e2e.tables import Tables
from tests.waiting import until

pytestmark = pytest.mark.local_only

LONG_AGO = 40 * 24 * 3600 * 1000
REMOVED = [{"type": "session_closed", "reason": "DEVICE_REMOVED"}]


def age(tables: Tables, device: Device) -> None:
    """Put the linking and the last connect of a device 40 days back."""
    read = "SELECT version, body FROM account_card WHERE account_id = %s AND entry = 'devices'"
    [row] = tables.run(read, device.account)
    body = json.loads(row.body)
    for entry in body["devices"]:
        if entry["device"] == device.device:
            entry["added_at"] -= LONG_AGO
    write = "UPDATE account_card SET body = %s WHERE account_id = %s AND entry = 'devices' IF version = %s"
    tables.run(write, json.dumps(body), device.account, row.version)
    last = "UPDATE connects_by_device SET last = %s WHERE account_id = %s AND device_id = %s IF EXISTS"
    tables.run(last, now() - LONG_AGO, device.account, device.device)


async def numbers(device: Device) -> dict[int, int | None]:
    """The devices of the account, and when each was seen."""
    _, answer = await asyncio.to_thread(device.request, "GET", "/v1/devices")
    return {entry["device"]: entry.get("seen_at") for entry in answer["devices"]}


async def lapsed(device: Device) -> list[int]:
    """The devices that went without a signature."""
    lapsed: list[int] = (await asyncio.to_thread(device.own_list))["lapsed"]
    return lapsed


async def test_the_unseen_device_goes_and_the_others_stay(bob: Device, tables: Tables) -> None:
    """The list says when each was seen; the first socket of a day removes who was away too long. Nobody
    signed for that, so it stays in the chain until another device does.
    """
    second, third = await link(bob), await link(bob)
    async with await third.connect() as t:
        await t.close()
    age(tables, second)
    assert await numbers(bob) == {
        1: None,
        2: pytest.approx(now() - LONG_AGO, abs=9e4),
        3: third.connect_number,
    }

    async with await bob.open() as socket:
        assert (await socket.drain())["device_list_version"] == 4
        assert set(await numbers(bob)) == {1, 3}
    assert await lapsed(bob) == [2]
    assert set(live_keys(await asyncio.to_thread(bob.chain))) == {1, 2, 3}
    assert (await asyncio.to_thread(third.remove, 2))[0] == 200
    assert await lapsed(bob) == []
    assert set(live_keys(await asyncio.to_thread(bob.chain))) == {1, 3}
    status, answer = await asyncio.to_thread(second.request, "GET", "/v1/devices")
    assert (status, answer["error"]["code"]) == (401, "DEVICE_REMOVED")


async def test_it_comes_back_just_in_time(bob: Device, barriers: Barriers, tables: Tables) -> None:
    """Its connect is there when the numbers are read: it stays, and its socket works."""
    second, point = await link(bob), "sync.connect_numbers.seen.before"
    age(tables, second)
    async with await bob.open() as socket:
        barriers.hold(point, only=bob.account)
        draining = asyncio.create_task(socket.drain())
        await barriers.reached(point)
        async with await second.connect() as s:
            barriers.release(point)
            await draining
            await s.drain()
            assert of_type(s, "session_closed") == []
    assert set(await numbers(bob)) == {1, 2}


@pytest.mark.parametrize("point", ["sync.connect_numbers.seen.after", "sync.cards.replace.after"])
async def test_it_comes_back_just_too_late(
    bob: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """It was unseen when the numbers were read: removed as by its owner, told and closed, no row stays."""
    second = await link(bob)
    age(tables, second)
    async with await bob.open() as socket:
        barriers.hold(point, only=bob.account)
        draining = asyncio.create_task(socket.drain())
        await barriers.reached(point)
        if point.startswith("sync.cards"):
            with pytest.raises(HandshakeRefused):
                await second.open()
            barriers.release(point)
        else:
            async with await second.connect() as s:
                barriers.release(point)
                async with asyncio.timeout(5):
                    await s.closed.wait()
                assert of_type(s, "session_closed") == REMOVED
        assert (await draining)["device_list_version"] == 3
    await until(lambda: tables.sockets(second) == [])
    with pytest.raises(HandshakeRefused):
        await second.open()


@pytest.mark.parametrize("point", ["connect.connections.add.before", "connect.connections.add.after"])
async def test_it_is_removed_within_its_handshake(
    bob: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """The connection is written before the list is read again: refused, and no row stays."""
    second = await link(bob)
    age(tables, second)
    number = now() - LONG_AGO
    barriers.hold(point, only=f"device={second.device}")
    opening = asyncio.create_task(second.open())
    await barriers.reached(point)
    put_back = "UPDATE connects_by_device SET last = %s WHERE account_id = %s AND device_id = %s IF EXISTS"
    tables.run(put_back, number, second.account, second.device)  # as if it had been read before the connect
    async with await bob.connect():
        barriers.release(point)
        with pytest.raises(HandshakeRefused):
            await opening
    assert tables.sockets(second) == []


async def test_a_worker_that_dies_in_between_leaves_it_to_another_day(
    bob: Device, barriers: Barriers, tables: Tables
) -> None:
    """Right after the list was written: the sync is repeated and answered, the device is gone."""
    second, point = await link(bob), "sync.cards.replace.after"
    age(tables, second)
    async with await bob.open() as socket:
        barriers.once(point, "kill", only=bob.account)
        page = await socket.insist({"action": "sync"})
        await barriers.used(point, "kill")
        assert page["caught_up"]["device_list_version"] == 3
    with pytest.raises(HandshakeRefused):
        await second.open()
