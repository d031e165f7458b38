"""Receipts: who gets them, who never does, and what a sender may ask for."""

from __future__ import annotations

import pytest

from tests.e2e.client import Device, conversation, name_of, shown
from tests.e2e.steps import link, of_type, relate, unreceipted
from tests.e2e.tables import Row, Tables
from tests.waiting import until


@pytest.mark.local_only
async def test_a_sender_who_was_away_finds_the_receipt(alice: Device, bob: Device, tables: Tables) -> None:
    """It waits as a row that names itself; acknowledged as quiet it is gone, and nobody hears of that."""
    await relate(bob, "accepted", alice)
    async with await bob.connect() as b:
        async with await alice.connect() as a:
            await a.send(alice.message(bob))
            [event] = await b.wait_for(1)
        await until(lambda: tables.sockets(alice) == [])
        await b.ack(delivered=[name_of(event)])
        await until(lambda: tables.inbox(bob) == [])

        async with await alice.connect() as a:
            [receipt] = of_type(a, "receipt")
            assert receipt == {
                "type": "receipt",
                "status": "delivered",
                "by": bob.address,
                "messages": [name_of(event)],
                "row": list(tables.inbox(alice)[0][1:]),
            }
            await a.ack(quiet=[receipt["row"]])
            await until(lambda: tables.inbox(alice) == [])
            await a.drain()
            assert of_type(a, "receipt") == [receipt]
        await b.drain()
        assert of_type(b, "receipt") == []


@pytest.mark.local_only
async def test_read_after_the_row_went_is_told_and_removes_nothing(
    alice: Device, bob: Device, tables: Tables
) -> None:
    """`read_receipts` tells the sender; a row that is named there by mistake stays."""
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        await a.send(alice.message(bob), alice.message(bob))
        first, second = [name_of(event) for event in await b.wait_for(2)]
        await b.ack(delivered=[first])
        await until(lambda: len(tables.inbox(bob)) == 1)
        await b.ack(read_receipts={conversation(alice.account, bob.account): [first, second]})
        await until(lambda: len(of_type(a, "receipt")) == 2)
        delivered, read = of_type(a, "receipt")
        assert (delivered["status"], delivered["messages"]) == ("delivered", [first])
        assert (read["status"], read["messages"]) == ("read", [first, second])
        assert [list(row[1:]) for row in tables.inbox(bob)] == [second]


@pytest.mark.local_only
async def test_a_stranger_gets_no_receipt(alice: Device, bob: Device, tables: Tables) -> None:
    """Receipts are no beacon: the row goes, and neither live, stored nor asked for does she hear of it."""
    async with await alice.connect() as a, await bob.connect() as b:
        message = alice.message(bob)
        await a.send(message)
        [event] = await b.wait_for(1)
        await b.ack(delivered=[name_of(event)])
        await until(lambda: tables.inbox(bob) == [])
        assert await unreceipted(a, bob, message) == []
        assert tables.inbox(alice) == []
        assert of_type(a, "receipt") == []


@pytest.mark.local_only
async def test_a_block_is_silent(alice: Device, bob: Device, tables: Tables) -> None:
    """Alice sees accepted and nothing more, now and after the unblock; from then on messages flow."""
    alice2 = await link(alice)
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        await relate(bob, "blocks", alice)
        lost = alice.message(bob, own=[alice2])
        [result] = await a.send(lost)
        assert result == {"id": lost["id"], "accepted": True}
        assert tables.inbox(bob) == []
        assert tables.inbox(alice2) == [Row(2, lost["id"], alice.address)]
        assert await unreceipted(a, bob, lost) == []
        [refused] = await b.send(bob.message(alice, alice2))
        assert refused["error"]["code"] == "RECIPIENT_BLOCKED"

        await relate(bob, "blocks", alice, "DELETE")
        assert await unreceipted(a, bob, lost) == []
        heard = alice.message(bob, own=[alice2])
        await a.send(heard)
        [event] = await b.wait_for(1)
        assert event["id"] == heard["id"]
        await b.ack(delivered=[name_of(event)])
        await a.wait_for(1, "receipt")
        assert [receipt["messages"] for receipt in of_type(a, "receipt")] == [[name_of(event)]]
        await b.drain()
        assert shown(b.events) == [event]


@pytest.mark.local_only
async def test_a_block_hides_acknowledgements_too(alice: Device, bob: Device, tables: Tables) -> None:
    """What came before the block is acknowledged after it, unheard."""
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        message = alice.message(bob)
        await a.send(message)
        [event] = await b.wait_for(1)
        await relate(bob, "blocks", alice)
        await b.ack(delivered=[name_of(event)])
        await until(lambda: tables.inbox(bob) == [])
        assert await unreceipted(a, bob, message) == []
        assert of_type(a, "receipt") == []
        assert tables.inbox(alice) == []


@pytest.mark.local_only
async def test_unreceipted_is_answered_from_what_is_true(alice: Device, bob: Device, tables: Tables) -> None:
    """A waiting message is not delivered, one whose receipt got lost is; others' messages are not told."""
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a:
        taken, waiting = alice.message(bob), alice.message(bob)
        await a.send(taken, waiting)
        assert await unreceipted(a, bob, taken, waiting) == []
        async with await bob.connect() as b:
            await b.ack(quiet=[[taken["id"], alice.address]])
            await until(lambda: len(tables.inbox(bob)) == 1)
        assert await unreceipted(a, bob, taken, waiting) == [[taken["id"], alice.address]]

        second = await link(bob)  # it has no row of the message: that proves nothing
        assert await unreceipted(a, bob, waiting) == []
        assert tables.inbox(second) == []


async def test_nobody_is_told_about_messages_of_others(alice: Device, bob: Device) -> None:
    """A name whose sender is not the asking account is not answered, whatever the inbox says."""
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a, await bob.connect() as b:
        message = bob.message(alice)
        await b.send(message)
        await a.drain(unreceipted={bob.account: [[message["id"], bob.address]]})
        assert of_type(a, "receipt") == []
