"""Two people talk: the main job, from outside."""

from __future__ import annotations

from tests.e2e.client import Device, conversation, name_of, unb64


async def test_a_message_is_accepted_delivered_and_read(alice: Device, bob: Device) -> None:
    """Accepted after the write, posted live, receipts come back, and the inbox is empty in the end."""
    async with await alice.connect() as a, await bob.connect() as b:
        [accepted] = await a.send(alice.message(bob, text=b"hi bob"))
        [event] = await b.wait_for(1)
        assert (accepted["accepted"], event["id"]) == (True, accepted["id"])
        assert (event["sender"], event["to"]) == (alice.address, bob.account)
        assert unb64(event["ciphertext"]) == b"hi bob"

        # The answer accepts alice, so its ack may tell her.
        await b.send(bob.message(alice, text=b"hi alice"), ack={"delivered": [name_of(event)]})
        [receipt] = await a.wait_for(1, "receipt")
        assert (receipt["status"], receipt["by"]) == ("delivered", bob.address)
        assert receipt["messages"] == [name_of(event)]

        [answer] = await a.wait_for(1)
        await a.ack(read={conversation(alice.account, bob.account): [name_of(answer)]})
        [read] = await b.wait_for(1, "receipt")
        assert read["status"] == "read"

    async with await bob.connect() as again:
        assert [e for e in again.events if e["type"] == "message"] == []


async def test_an_unacknowledged_message_comes_again(alice: Device, bob: Device) -> None:
    """A frame that was posted is not delivered: the next sync brings it, until it is acknowledged."""
    async with await alice.connect() as a, await bob.connect() as b:
        await a.send(alice.message(bob))
        await b.wait_for(1)
    async with await bob.connect() as again:
        [event] = await again.wait_for(1)
        await again.ack(quiet=[name_of(event)])
        await again.drain()
    async with await bob.connect() as last:
        assert last.events == []
