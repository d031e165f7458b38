"""Blocking, unblocking, accepting: what becomes of what waits, of what is on its way, and of receipts."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.barriers import Barriers
from tests.e2e.client import Device, Json, name_of
from tests.e2e.steps import ids, link, of_type, relate, unreceipted
from tests.e2e.tables import Tables
from tests.waiting import until

pytestmark = pytest.mark.local_only


async def test_every_own_device_sees_the_list(alice: Device, bob: Device) -> None:
    """Whichever device blocked; whoever was accepted before is so after the unblock."""
    second = await link(alice)
    await relate(alice, "accepted", bob)
    await relate(alice, "blocks", bob)
    for device in (alice, second):
        assert (await asyncio.to_thread(device.request, "GET", "/v1/account"))[1]["blocked"] == [bob.account]
    status, answer = await asyncio.to_thread(second.request, "DELETE", f"/v1/account/blocks/{bob.account}")
    assert (status, answer) == (200, {"account": bob.account, "accepted": True, "blocked": False})
    assert (await asyncio.to_thread(alice.request, "GET", "/v1/account"))[1]["blocked"] == []


async def test_what_waited_before_a_block_arrives_without_a_receipt(
    alice: Device, bob: Device, tables: Tables
) -> None:
    """Both ways: it was accepted, so it is delivered; neither side hears of the other."""
    for one, other in ((alice, bob), (bob, alice)):
        await relate(one, "accepted", other)
    to_bob, to_alice = alice.message(bob), bob.message(alice)
    async with await alice.connect() as a:
        await a.send(to_bob)
    async with await bob.connect() as b:
        await b.send(to_alice)
    await relate(bob, "blocks", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        for socket, message in ((a, to_alice), (b, to_bob)):
            assert ids(socket) == [message["id"]]
            await socket.ack(delivered=[name_of(event) for event in socket.events])
            await socket.drain()
        await until(lambda: tables.inbox(alice) == tables.inbox(bob) == [])
        assert of_type(a, "receipt") + of_type(b, "receipt") == []


async def test_after_the_unblock_what_can_be_known_is_told(alice: Device, bob: Device) -> None:
    """Bob asks after his message and learns that it arrived. Of what alice sent until the unblock nothing
    is said, and what she sends then is receipted as ever.
    """
    for one, other in ((alice, bob), (bob, alice)):
        await relate(one, "accepted", other)
    async with await alice.connect() as a, await bob.connect() as b:
        mine, dropped = bob.message(alice), alice.message(bob)
        await b.send(mine)
        await a.wait_for(1)
        await relate(bob, "blocks", alice)
        await a.send(dropped)
        await a.ack(delivered=[name_of(a.events[0])])
        await a.drain()
        await relate(bob, "blocks", alice, "DELETE")

        assert await unreceipted(b, alice, mine) == [[mine["id"], bob.address]]
        assert await unreceipted(a, bob, dropped) == []
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        await b.ack(delivered=[name_of(event)])
        await a.wait_for(1, "receipt")


IN_FLIGHT = {
    "send.cards.read.before": False,
    "send.cards.read.after": True,
    "send.inbox.put.before": True,
    "send.connections.of_accounts.before": True,
}
"""Where a send stands while bob blocks, and whether its message still comes."""


@pytest.mark.parametrize("point", IN_FLIGHT)
async def test_a_block_while_a_message_is_on_its_way(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """What was checked before the block still comes, on every way alike; all that follows does not. Alice
    sees accepted, whichever it was.
    """
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        message, later = alice.message(bob), alice.message(bob)
        barriers.hold(point)
        sending = asyncio.create_task(a.send(message))
        await barriers.reached(point)
        await relate(bob, "blocks", alice)
        barriers.release(point)
        assert await sending == [{"id": message["id"], "accepted": True}]
        assert (await a.send(later))[0]["accepted"]
        await b.drain()
        expected = [message["id"]] if IN_FLIGHT[point] else []
        assert ids(b) == expected
        assert [row.id for row in tables.inbox(bob)] == expected


@pytest.mark.parametrize(("point", "told"), [("ack.cards.read.before", 0), ("ack.cards.read.after", 1)])
async def test_a_block_while_a_receipt_is_on_its_way(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, point: str, told: int
) -> None:
    """The acknowledgement counts as it was checked; the row goes in any case."""
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        barriers.hold(point, only=bob.account)
        await b.ack(delivered=[name_of(event)])
        await barriers.reached(point)
        await relate(bob, "blocks", alice)
        barriers.release(point)
        await until(lambda: tables.inbox(bob) == [])
        await a.drain()
        assert len(of_type(a, "receipt")) == told


async def test_decisions_at_once_do_not_undo_each_other(alice: Device, bob: Device) -> None:
    """Two devices accept, block and write at the same time: both decisions stand, in whatever order."""
    second = await link(bob)
    async with await bob.connect() as b:
        await asyncio.gather(
            relate(bob, "accepted", alice),
            relate(second, "blocks", alice),
            b.send(bob.message(alice, own=[second])),
            relate(second, "accepted", alice),
            relate(bob, "blocks", alice),
        )
    status, answer = await asyncio.to_thread(bob.request, "PUT", f"/v1/account/accepted/{alice.account}")
    assert (status, answer) == (200, {"account": alice.account, "accepted": True, "blocked": True})


async def test_a_decision_whose_verdict_is_lost_is_repeated(
    alice: Device, bob: Device, barriers: Barriers
) -> None:
    """503 and no doubt left by the repeat: blocked is blocked, unblocked is unblocked."""
    for method, blocked in (("PUT", True), ("DELETE", False)):
        what = "block" if blocked else "unblock"
        barriers.once(f"account.cards.{what}.after", "unknown", bob.account)
        path = f"/v1/account/blocks/{alice.account}"
        status, answer = await asyncio.to_thread(bob.request, method, path)
        assert (status, answer["error"]["code"]) == (503, "UNAVAILABLE")
        await relate(bob, "blocks", alice, method)
        status, own = await asyncio.to_thread(bob.request, "GET", "/v1/account")
        assert (status, own["blocked"]) == (200, [alice.account] if blocked else [])


async def test_accepting_starts_receipts_without_a_word(alice: Device, bob: Device) -> None:
    """What bob acknowledges from then on reaches alice; a block is stronger, and outlives nothing."""
    async with await alice.connect() as a, await bob.connect() as b:
        for step, told in (("", 0), ("accepted", 1), ("blocks", 1)):
            if step:
                await relate(bob, step, alice)
            count = len(of_type(b, "message"))
            await a.send(alice.message(bob))
            if step != "blocks":
                event = (await b.wait_for(count + 1))[-1]
                await b.ack(delivered=[name_of(event)])
            await b.drain()
            await a.drain()
            await until(lambda told=told: len(of_type(a, "receipt")) == told)  # type: ignore[misc]


def test_the_terminal_lists_and_lifts_blocks(base_url: str, tmp_path: Path) -> None:
    """`block`, `blocked`, `unblock`, by handle."""
    me, other = (f"u{secrets.token_hex(6)}" for _ in range(2))

    def helio(profile: str, *command: str) -> list[Json]:
        done = subprocess.run(
            [sys.executable, "-m", "heliograph", "-p", profile, "--server", base_url, "--json", *command],
            env={**os.environ, "HELIOGRAPH_HOME": str(tmp_path), "HELIO_PLAIN_STORE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    for handle in (me, other):
        helio(handle, "register", handle)
    helio(me, "block", other)
    [blocked] = helio(me, "blocked")
    assert blocked["handle"] == other
    assert helio(me, "unblock", other) == [{"account": blocked["account"], "blocked": False}]
    assert helio(me, "blocked") == []
