"""Prekeys while functions die, verdicts are lost, sockets are dead, and a device goes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.error import URLError

import pytest

from tests.barriers import Barriers
from tests.e2e import bodies
from tests.e2e.bodies import prekeys
from tests.e2e.client import Device, Json
from tests.e2e.keys import CLAIM, claim, leave, wanted
from tests.e2e.steps import link
from tests.e2e.tables import Tables

pytestmark = pytest.mark.local_only


async def dies(by: Device, method: str, path: str, body: Json) -> None:
    """Make a request whose worker ends meanwhile."""
    with suppress(URLError, ConnectionError):
        status, _ = await asyncio.to_thread(by.request, method, path, body)
        assert status >= 500


async def test_a_device_removed_while_it_uploads_leaves_nothing(
    alice: Device, barriers: Barriers, tables: Tables
) -> None:
    """Its keys are written before the list is read again, so one of the two sees the other."""
    second = await link(alice)
    point = "keys.prekeys.add.before"
    barriers.hold(point, only=alice.account)
    body = prekeys(second, one_time=[1, 2])
    uploading = asyncio.create_task(asyncio.to_thread(second.request, "PUT", "/v1/keys", body))
    await barriers.reached(point)
    assert (await asyncio.to_thread(alice.remove, second.device))[0] == 200
    barriers.release(point)

    status, answer = await uploading

    assert (status, answer["error"]["code"]) == (401, "DEVICE_REMOVED")
    assert tables.prekeys(second) == []


@pytest.mark.parametrize("side", ["before", "after"])
async def test_an_upload_that_dies_is_completed_by_a_repeat(
    alice: Device, barriers: Barriers, side: str
) -> None:
    """In the middle of it, at its first key."""
    body = prekeys(alice, one_time=[1, 2], one_time_kem=[1])
    point = f"keys.prekeys.add.{side}"
    barriers.once(point, "kill", only=alice.account)

    await dies(alice, "PUT", "/v1/keys", body)
    await barriers.used(point, "kill")

    answer = await asyncio.to_thread(leave, alice, body)
    assert [answer[name] for name in ("signed", "last_resort", "one_time", "one_time_kem")] == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ("killed", "left"),
    [
        ("keys.prekeys.remove.before", 5),
        ("keys.prekeys.remove.after", 4),
        ("keys.sockets.post_all.before", 4),
    ],
)
async def test_a_claim_that_dies_costs_a_key_at_most_and_gives_none_twice(
    alice: Device, bob: Device, barriers: Barriers, killed: str, left: int
) -> None:
    """Its repeats get all the others, each once."""
    await asyncio.to_thread(leave, alice, one_time=range(1, 6))
    async with await alice.connect():
        barriers.once(killed, "kill")
        await dies(bob, "POST", CLAIM, wanted(alice))
        await barriers.used(killed, "kill")

        bundles = [(await asyncio.to_thread(claim, bob, alice))[0] for _ in range(6)]

    given = [bundle["one_time"]["id"] for bundle in bundles if "one_time" in bundle]
    assert len(set(given)) == len(given) == left


async def test_a_lost_verdict_costs_the_key(alice: Device, bob: Device, barriers: Barriers) -> None:
    """Another one is given in the same answer."""
    await asyncio.to_thread(leave, alice, one_time=range(1, 4))
    barriers.once("keys.prekeys.remove.after", "unknown")

    [bundle] = await asyncio.to_thread(claim, bob, alice)
    await barriers.used("keys.prekeys.remove.after", "unknown")

    assert "one_time" in bundle
    assert (await asyncio.to_thread(alice.request, "GET", "/v1/keys"))[1]["one_time"] == 1


async def test_a_removal_that_dies_at_the_keys_is_completed_by_a_repeat(
    alice: Device, barriers: Barriers, tables: Tables
) -> None:
    """The device is off the list already; the repeat of the same request deletes the rest."""
    second = await link(alice)
    await asyncio.to_thread(leave, second, one_time=[1, 2])
    body = bodies.removal(alice, second.device, await asyncio.to_thread(alice.own_list))
    path = f"/v1/devices/{second.device}"
    barriers.once("devices.prekeys.remove.after", "kill")

    await dies(alice, "DELETE", path, body)
    await barriers.used("devices.prekeys.remove.after", "kill")
    assert len(tables.prekeys(second)) == 3

    assert (await asyncio.to_thread(alice.request, "DELETE", path, body))[0] == 200
    assert tables.prekeys(second) == []


async def test_a_dead_socket_does_not_spoil_a_claim(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables
) -> None:
    """The hint meets a socket that is gone: the keys are given, and the row of the socket goes."""
    await asyncio.to_thread(leave, alice, one_time=[1])
    async with await alice.connect():
        assert tables.sockets(alice)
        barriers.once("keys.sockets.post_all", "gone")

        [bundle] = await asyncio.to_thread(claim, bob, alice)
        await barriers.used("keys.sockets.post_all", "gone")

    assert bundle["one_time"]["id"] == 1
    assert tables.sockets(alice) == []
