"""Acknowledgements: what they ride on, how they wait for each other, and how much a frame holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from heliograph import MessageReceived, Plain
from heliograph.acks import AckQueue
from heliograph.ids import Address, ConversationId, mint
from heliograph.store.database import Database
from heliograph.store.incoming import Ack, AckKind

from tests.unit.client.world import World, next_event, run, seal, texts, until


def test_acks_ride_on_an_answer(world: World) -> None:
    """With a delay, the ack of a message travels on the reply to it and needs no frame of its own."""

    async def story() -> None:
        async with world.people("alice", "bob", ack_delay=5) as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            await (await next_event(bob.events(), MessageReceived)).message.reply("Hello")
            await message.reached("delivered", 5)
            reply = world.server.sent("send")[-1]
            sent = world.server.sent("send")[0]["messages"][0]["id"]
            assert reply["ack"] == {"delivered": [[sent, f"{alice.account}:1"]]}
            assert world.server.sent("ack") == []

    run(story())


def test_a_refused_ack_is_sent_again(world: World) -> None:
    """An ack that the server could not process is owed again."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            refused = [{"code": "UNAVAILABLE", "message": "later", "retry_after": 0.01}]
            world.server.refuse_frame = lambda frame: (
                refused.pop() if frame["action"] == "ack" and refused else None
            )
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("delivered", 5)
            assert len(world.server.sent("ack")) == 2

    run(story())


def test_an_ack_frame_holds_what_the_contract_allows(tmp_path: Path) -> None:
    """At most 256 entries a list and 64 conversations leave in one frame; the rest stays owed."""

    async def story() -> None:
        database = await Database.open(tmp_path / "store.db", "normal", Plain())
        queue = AckQueue(database, 60, lambda: None)
        kinds: list[AckKind] = ["delivered", "quiet", "read", "read_receipt"]
        for kind in kinds:
            queue.add(
                Ack(mint(number), f"{kind}:1", kind, ConversationId(f"{number % 100:022d}"))
                for number in range(600)
            )
        body = json.loads("{" + queue.take().member.removeprefix(",") + "}")["ack"]
        assert (len(body["delivered"]), len(body["quiet"]), len(body["read"])) == (256, 256, 64)
        assert len(body["read_receipts"]) == 64
        assert sum(len(names) for names in body["read"].values()) <= 256
        while queue.take().acks:
            pass
        assert len(queue) == 0
        await database.close()

    run(story())


def test_reading_later_is_told_without_a_second_delete(world: World) -> None:
    """`read` names what the same frame removes; what was removed before is a read receipt alone."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            events = bob.events()
            to_bob = await alice.conversation("bob")
            first = await to_bob.send("shown at once")
            await (await next_event(events, MessageReceived)).message.mark_read()
            await first.reached("read", 5)
            second = await to_bob.send("shown later")
            await second.reached("delivered", 5)
            await (await next_event(events, MessageReceived)).message.mark_read()
            await second.reached("read", 5)
            acks = [set(frame["ack"]) for frame in world.server.sent("ack")]
            assert acks[-2:] == [{"delivered"}, {"read_receipts"}]

    run(story())


def test_quiet_acks_wait_for_company(tmp_path: Path) -> None:
    """Nobody waits for them: alone they are owed thirty times as long; anything else takes them along."""

    async def story() -> None:
        database = await Database.open(tmp_path / "store.db", "normal", Plain())
        queue = AckQueue(database, 10, lambda: None)
        loop = asyncio.get_running_loop()

        def seconds_left() -> float:
            assert queue._timer is not None
            return queue._timer.when() - loop.time()

        queue.add([Ack(mint(1), "a:1", "quiet", ConversationId(""))])
        assert seconds_left() == pytest.approx(300, abs=1)
        queue.add([Ack(mint(2), "a:1", "delivered", ConversationId("c" * 22))])
        assert seconds_left() == pytest.approx(10, abs=1)
        queue.add([Ack(mint(3), "a:1", "quiet", ConversationId(""))])
        assert seconds_left() == pytest.approx(10, abs=1)
        assert len(queue.take().acks) == 3
        queue.stop()
        await database.close()

    run(story())


@pytest.mark.parametrize(
    ("owed", "comes", "then"),
    [
        ("delivered", "read", "read"),
        ("delivered", "read_receipt", "read"),
        ("read_receipt", "delivered", "read"),
        ("read_receipt", "read", "read"),
        ("quiet", "read_receipt", "read"),
        ("read", "delivered", "read"),
        ("read_receipt", "read_receipt", "read_receipt"),
        ("delivered", "quiet", "quiet"),
    ],
)
def test_two_acks_of_a_row_become_one(tmp_path: Path, owed: AckKind, comes: AckKind, then: AckKind) -> None:
    """In whatever order they come, refused or not: the row goes, and the higher status is told."""

    async def story() -> None:
        database = await Database.open(tmp_path / "store.db", "normal", Plain())
        conversation = ConversationId("c" * 22)
        message_id = mint(1)
        first, second = (Ack(message_id, "a:1", kind, conversation) for kind in (owed, comes))
        queue = AckQueue(database, 60, lambda: None)
        queue.add([first])
        queue.add([second])
        assert [ack.kind for ack in queue.take().acks] == [then]
        queue.add([first])
        batch = queue.take()
        queue.add([second])
        queue.put_back(batch, 0)
        assert [ack.kind for ack in queue.take().acks] == [then]
        queue.stop()
        await database.close()

    run(story())


def test_many_messages_are_acknowledged_in_frames_of_256(world: World) -> None:
    """No list in an ack is longer than the contract allows, and all rows go."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            sender, address = Address(f"{alice.account}:1"), f"{bob.account}:1"
            now = world.server.now()
            for number in range(600):
                text = seal(sender, bob.account, str(number))
                world.server.deliver(address, sender, mint(now - number), bob.account, text)
            await until(lambda: not world.server.inbox[address])
            assert len(await texts(bob, "alice")) == 600

    run(story())
