"""The inbox: stored before acknowledged, shown once, in the order of the ids."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from heliograph import MessageReceived, SentElsewhere, StatusChanged, Undecryptable
from heliograph.ids import Address, base64url, mint

from tests.unit.client.world import World, newest, next_event, run, seal, statuses, texts, until


def test_a_message_is_stored_before_it_is_acknowledged(world: World) -> None:
    """When the store fails, no ack leaves; the row is fetched again until it is stored, then acknowledged."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await bob.close()
            broken = world.client("bob")
            async with broken:
                await broken.connected(5)
                world.server.frames.clear()

                def fail(*_: object, **__: object) -> bytes:
                    raise OSError("the disk is full")

                decrypt = broken._encryption.decrypt
                broken._encryption.decrypt = fail  # type: ignore[method-assign]
                await (await (await alice.conversation("bob")).send("Hi")).reached("sent", 5)
                await asyncio.sleep(0.05)
                assert world.server.sent("ack") == []
                assert await texts(broken, "alice") == []
                broken._encryption.decrypt = decrypt  # type: ignore[method-assign]
                await until(lambda: not world.server.inbox[f"{bob.account}:1"])
                assert await texts(broken, "alice") == ["Hi"]

    run(story())


def test_a_row_that_comes_again_is_acknowledged_again_and_shown_once(world: World) -> None:
    """The same (id, sender) is one message, one event, and an ack each time."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("delivered", 5)
            sent = world.server.sent("send")[0]["messages"][0]
            world.server.frames.clear()
            address, sender = f"{bob.account}:1", f"{alice.account}:1"
            bob._encryption.decrypt = lambda *_, **__: pytest.fail("decrypted twice")  # type: ignore[method-assign]
            world.server.deliver(address, sender, sent["id"], bob.account, sent["devices"]["1"])
            await until(lambda: world.server.sent("ack"))
            assert world.server.sent("ack")[0]["ack"] == {"delivered": [[sent["id"], sender]]}
            assert await texts(bob, "alice") == ["Hi"]
            del bob._encryption.decrypt
            stream = bob.events()
            await next_event(stream, MessageReceived)
            await (await (await alice.conversation("bob")).send("next")).reached("delivered", 5)
            assert (await next_event(stream, MessageReceived)).message.text == "next"

    run(story())


def test_a_wrong_clock_at_the_start_forgets_no_names(world: World) -> None:
    """A machine that wakes up in another year still knows a row that comes again: nothing decrypts twice."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await alice.conversation("bob")).send("Hi")).reached("delivered", 5)
            sent = world.server.sent("send")[0]["messages"][0]
            await bob.close()
            address, sender = f"{bob.account}:1", f"{alice.account}:1"
            world.server.deliver(address, sender, sent["id"], bob.account, sent["devices"]["1"])
            later = world.client("bob")
            later._clock._local = lambda: time.time_ns() // 1_000_000 + 10 * 365 * 86_400_000
            later._encryption.decrypt = lambda *_, **__: pytest.fail("decrypted twice")  # type: ignore[method-assign]
            async with later:
                await later.connected(5)
                await until(lambda: not world.server.inbox[address])
                assert await texts(later, "alice") == ["Hi"]

    run(story())


def test_one_logical_id_under_two_ids_is_shown_once_at_the_largest(world: World) -> None:
    """A message that came under several ids has one place: that of the largest, whatever came first."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            address, sender = f"{bob.account}:1", Address(f"{alice.account}:1")
            now = world.server.now()
            small, middle, large = mint(now), mint(now + 1), mint(now + 2)
            ciphertext = seal(sender, bob.account, "moved", "ab" * 16)
            world.server.deliver(address, sender, large, bob.account, ciphertext)
            world.server.deliver(address, sender, middle, bob.account, seal(sender, bob.account, "between"))
            world.server.deliver(address, sender, small, bob.account, ciphertext)
            await until(lambda: not world.server.inbox[address])
            assert await texts(bob, "alice") == ["between", "moved"]
            assert (await newest(bob, "alice")).id == large

    run(story())


def test_two_senders_may_use_one_id(world: World) -> None:
    """An id alone names nothing: nobody suppresses the message of another by minting its id."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mallory, message_id = world.stranger(), mint(world.server.now())
            for sender, text in ((mallory, "mine"), (Address(f"{alice.account}:1"), "hers")):
                world.server.deliver(
                    f"{bob.account}:1", sender, message_id, bob.account, seal(sender, bob.account, text)
                )
            await until(lambda: not world.server.inbox[f"{bob.account}:1"])
            assert await texts(bob, "alice") == ["hers"]
            assert await texts(bob, "mallory") == ["mine"]

    run(story())


def test_strangers_get_no_receipts_until_they_are_accepted(world: World) -> None:
    """Acks for an account one never wrote to are quiet; after accepting it, its messages get receipts."""

    async def story() -> None:
        async with world.people("bob") as (bob,):
            mallory, message_id = world.stranger(), mint(world.server.now())
            ciphertext = seal(mallory, bob.account, "Hi")
            world.server.deliver(f"{bob.account}:1", mallory, message_id, bob.account, ciphertext)
            await until(lambda: world.server.sent("ack"))
            assert world.server.sent("ack")[0]["ack"] == {"quiet": [[message_id, mallory]]}
            world.server.frames.clear()
            await bob.accept((await bob.conversation("mallory")).peer)
            await until(lambda: world.server.sent("ack"))
            assert world.server.sent("ack")[0]["ack"] == {"delivered": [[message_id, mallory]]}

    run(story())


def test_an_answer_to_a_stranger_accepts_it(world: World) -> None:
    """The first message to an account lets it have receipts, for what it sent before too."""

    async def story() -> None:
        async with world.people("alice", "bob", "carol") as (_, bob, carol):
            message = await (await carol.conversation("bob")).send("Hi, I am new")
            await message.reached("sent", 5)
            received = (await next_event(bob.events(), MessageReceived)).message
            await received.mark_read()
            await received.reply("Welcome")
            await message.reached("read", 5)

    run(story())


def test_an_undecryptable_message_is_acknowledged_quietly_and_told(world: World) -> None:
    """A foreign envelope is no message: an event says so, the row goes without a receipt."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            sender, message_id = f"{alice.account}:1", mint(world.server.now())
            foreign = base64url(b"\x01ratchet")
            world.server.deliver(f"{bob.account}:1", sender, message_id, bob.account, foreign)
            event = await next_event(bob.events(), Undecryptable)
            assert (event.id, event.sender) == (message_id, sender)
            await until(lambda: world.server.sent("ack"))
            assert world.server.sent("ack")[0]["ack"] == {"quiet": [[message_id, sender]]}

    run(story())


def test_content_of_another_conversation_is_refused(world: World) -> None:
    """A server cannot move a message into another conversation: the content names its own."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mallory, sender = world.stranger(), Address(f"{alice.account}:1")
            ciphertext = seal(mallory, bob.account, "moved")
            world.server.deliver(
                f"{bob.account}:1", sender, mint(world.server.now()), bob.account, ciphertext
            )
            event = await next_event(bob.events(), Undecryptable)
            assert "another conversation" in event.reason

    run(story())


def test_an_event_of_another_shape_stops_nothing(world: World) -> None:
    """Unknown types and broken events are skipped; what is good in the same frame arrives."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            sender = Address(f"{alice.account}:1")
            good = {
                "type": "message",
                "id": mint(world.server.now()),
                "sender": sender,
                "to": bob.account,
                "ciphertext": seal(sender, bob.account, "good"),
            }
            channel = world.server.sockets[f"{bob.account}:1"]
            broken = good | {"id": 7}
            events = [{"type": "hologram"}, broken, {"no": "type"}, "nonsense", good]
            channel._to_client.put_nowait(json.dumps({"events": events}))
            assert (await next_event(bob.events(), MessageReceived)).message.text == "good"

    run(story())


def test_status_moves_up_only(world: World) -> None:
    """A late `delivered` does not take `read` back, and is no event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("delivered", 5)
            await (await newest(bob, "alice")).mark_read()
            message = await message.reached("read", 5)
            assert message.id is not None
            end = await alice.newest_cursor()
            world.server.receipt(f"{alice.account}:1", "delivered", f"{bob.account}:1", message.id)
            await (await (await alice.conversation("bob")).send("next")).reached("sent", 5)
            assert (await statuses(alice, "bob"))[0] == "read"
            event = await next_event(alice.events(after=end), StatusChanged)
            assert event.message.text == "next"

    run(story())


def test_a_receipt_counts_only_from_the_account_that_was_written_to(world: World) -> None:
    """Somebody else's receipt for a message to bob changes nothing."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.sockets[f"{bob.account}:1"].closed = True
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("sent", 5)
            assert message.id is not None
            world.server.receipt(f"{alice.account}:1", "read", world.stranger(), message.id)
            await asyncio.sleep(0.03)
            assert await statuses(alice, "bob") == ["sent"]
            world.server.receipt(f"{alice.account}:1", "delivered", bob.account, message.id)
            await message.reached("delivered", 5)

    run(story())


def test_copies_of_own_devices_appear_as_own_messages(world: World) -> None:
    """What another own device sent is outgoing, acknowledged quietly, and no MessageReceived."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.add_device(alice.identity)
            phone, message_id = Address(f"{alice.account}:2"), mint(world.server.now())
            copy = seal(phone, bob.account, "from my phone")
            world.server.deliver(f"{alice.account}:1", phone, message_id, bob.account, copy)
            event = await next_event(alice.events(), SentElsewhere)
            assert event.message.outgoing
            assert event.message.peer == bob.account
            await until(lambda: world.server.sent("ack"))
            assert world.server.sent("ack")[0]["ack"] == {"quiet": [[message_id, phone]]}
            by, names = f"{bob.account}:1", [[message_id, phone]]
            receipt = {"type": "receipt", "status": "delivered", "by": by, "messages": names}
            world.server.post(f"{alice.account}:1", receipt)
            await event.message.reached("delivered", 5)

    run(story())


def test_an_account_is_accepted_once_another_own_device_wrote_to_it(world: World) -> None:
    """Every device of the account owes it receipts then, for what came before, too."""

    async def story() -> None:
        async with world.people("alice", "bob", "carol") as (_, bob, carol), world.client("phone") as phone:
            code = await phone.start_linking()
            waiting = asyncio.create_task(phone.linked(5))
            await bob.link(code)
            await waiting
            await phone.connected(5)
            message = await (await carol.conversation("bob")).send("Hi")
            await message.reached("sent", 5)
            received = (await next_event(phone.events(), MessageReceived)).message
            await received.mark_read()
            await (await bob.conversation("carol")).send("Welcome")
            await message.reached("read", 5)

    run(story())


def test_stored_receipts_are_acknowledged_quietly(world: World) -> None:
    """A receipt that waited in the inbox counts and its row goes."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("delivered", 5)
            await alice.close()
            await (await newest(bob, "alice")).mark_read()
            await until(lambda: world.server.inbox.get(f"{alice.account}:1"))
            async with world.client("alice") as again:
                await again.connected(5)
                assert await statuses(again, "bob") == ["read"]
                await until(lambda: not world.server.inbox[f"{alice.account}:1"])

    run(story())
