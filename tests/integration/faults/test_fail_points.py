"""Fail-points beyond kills: storage errors, posts that lie, clocks that are off, calls that wait."""

from __future__ import annotations

import time

import pytest

from tests.barriers import Barriers
from tests.e2e.client import Device
from tests.e2e.steps import ids
from tests.e2e.tables import Tables
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.local_only]

HOUR = 3_600_000


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_write_that_fails_is_refused_and_repeated(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, side: str
) -> None:
    """Made or not, the sender hears UNAVAILABLE; the row is there only where it was made."""
    async with await alice.connect() as socket:
        barriers.once(f"send.inbox.put.{side}", "unavailable", only=bob.account)
        message = alice.message(bob)
        [result] = await socket.send(message)
        assert result["error"]["code"] == "UNAVAILABLE"
        assert len(tables.inbox(bob)) == (0 if side == "before" else 1)
        [result] = await socket.send(message)
        assert result.get("accepted"), result
        assert [row.id for row in tables.inbox(bob)] == [message["id"]]


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_lost_verdict_of_a_conditional_write_is_refused_and_repeated(
    alice: Device, bob: Device, barriers: Barriers, side: str
) -> None:
    """Nobody knows whether the relation was written: the sender hears UNAVAILABLE and its repeat goes on."""
    async with await alice.connect() as socket:
        barriers.once(f"send.storage.apply.{side}", "unknown", only=bob.account)
        message = alice.message(bob)
        [result] = await socket.send(message)
        assert result["error"]["code"] == "UNAVAILABLE"
        [result] = await socket.send(message)
        assert result.get("accepted"), result


@pytest.mark.parametrize(
    ("what", "arrives"), [("gone", False), ("fail", False), ("made_gone", True), ("made_fail", True)]
)
async def test_a_post_ends_otherwise(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, what: str, *, arrives: bool
) -> None:
    """What is reported gone costs the socket its row; whether it arrived is another matter."""
    async with await alice.connect() as a, await bob.connect() as b:
        barriers.once("send.sockets.post_all", what)
        first, second = alice.message(bob), alice.message(bob)
        await a.send(first)
        await b.drain(have=[[first["id"], alice.address]])
        await a.send(second)
        await until(lambda: second["id"] in ids(b))
        assert (first["id"] in ids(b)) is arrives
        assert tables.sockets(bob) == [bob.connect_number]


async def test_a_gone_socket_loses_its_row(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables
) -> None:
    """A false 410 unregisters a live socket; its next sync registers it again."""
    async with await alice.connect() as a, await bob.connect() as b:
        barriers.once("send.sockets.post_all", "made_gone")
        await a.send(alice.message(bob))
        assert tables.sockets(bob) == []
        await b.drain()
        assert tables.sockets(bob) == [bob.connect_number]


async def test_a_worker_whose_clock_is_off_refuses_by_its_clock(
    alice: Device, bob: Device, barriers: Barriers
) -> None:
    """An hour ahead, ids of now are stale to it; set right, they are taken."""
    async with await alice.connect() as socket:
        barriers.skew("send", HOUR)
        [result] = await socket.send(alice.message(bob))
        assert result["error"]["code"] == "ID_STALE"
        barriers.skew("send", 0)
        [result] = await socket.send(alice.message(bob))
        assert result.get("accepted"), result


async def test_jitter_slows_its_points_alone(alice: Device, bob: Device, barriers: Barriers) -> None:
    """Calls at the named points wait; others do not, and calm ends it."""

    async def seconds() -> float:
        start = time.monotonic()
        await socket.send(alice.message(bob))
        return time.monotonic() - start

    async with await alice.connect() as socket:
        await seconds()
        barriers.jitter(400, seed=3, points=["send.inbox"])
        slow = sum([await seconds() for _ in range(6)])
        barriers.jitter(400, seed=3, points=["ack."])
        others = sum([await seconds() for _ in range(6)])
        barriers.calm()
        assert slow - others > 0.8  # twelve waits of 200 ms on average, however busy the machine is
