"""The outbox: durable, in order, the same bytes again, repaired where the server says so."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from heliograph import (
    Address,
    HeliographError,
    NotFound,
    SendFailed,
    StatusChanged,
    TooLarge,
)
from heliograph.content import Content
from heliograph.ids import AccountId, conversation_id, id_milliseconds, mint, new_logical_id
from heliograph.signing import AuthKey, Identity
from heliograph.store import outgoing, peers
from heliograph.store.peers import Peer

from tests.unit.client.fake_server import error
from tests.unit.client.plain_encryption import PlainEncryption
from tests.unit.client.world import World, newest, next_event, plain_store, run, statuses, texts, until

YEAR = 365 * 24 * 3_600_000


class Restless(PlainEncryption):
    """Makes other bytes each time, as a ratchet does."""

    def encrypt(self, connection: sqlite3.Connection, plaintext: bytes, **names: Any) -> dict[Address, bytes]:
        return super().encrypt(connection, plaintext + b" " * secrets.randbelow(1000), **names)


def inside(frame: dict) -> list[str]:  # type: ignore[type-arg]
    """Give the ids in a send frame."""
    return [message["id"] for message in frame["messages"]]


def test_a_message_climbs_the_ladder(world: World) -> None:
    """A message becomes sent, delivered and read, and each step is an event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            assert message.status == "pending"
            await message.reached("delivered", 5)
            await (await newest(bob, "alice")).mark_read()
            await message.reached("read", 5)
            seen = []
            stream = alice.events()
            while "read" not in seen:
                seen.append((await next_event(stream, StatusChanged)).status)
            assert seen == ["sent", "delivered", "read"]

    run(story())


def test_sending_works_offline_and_survives_a_crash(world: World) -> None:
    """What was sent offline leaves when the store is opened again with a network, in order."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await alice.conversation("bob")).send("zero")
            await until(lambda: len(world.server.sent("send")) == 1)
            world.server.reachable = False
            world.server.sockets[f"{alice.account}:1"].drop()
            for text in ("one", "two"):
                assert (await (await alice.conversation("bob")).send(text)).status == "pending"
            await alice.close()
            world.server.reachable = True
            async with world.client("alice") as again:
                await again.drained(5)
                assert "pending" not in await statuses(again, "bob")
            await until(lambda: len(world.server.inbox.get(f"{bob.account}:1", {})) == 0)
            assert await texts(bob, "alice") == ["zero", "one", "two"]

    run(story())


def test_queued_messages_share_a_frame(world: World) -> None:
    """What waits in one conversation leaves in frames of up to 50, ids rising in the order of sending."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            world.server.refuse_frame = lambda frame: (
                error("UNAVAILABLE") if frame["action"] == "send" else None
            )
            for number in range(60):
                await conversation.send(str(number))
            await until(lambda: world.server.sent("send"))
            frames: list[dict[str, Any]] = []

            def take(frame: dict[str, Any]) -> None:
                if frame["action"] == "send":
                    frames.append(frame)

            world.server.refuse_frame = take
            await alice.drained(5)
            assert [len(frame["messages"]) for frame in frames] == [50, 10]
            ids = [item for frame in frames for item in inside(frame)]
            assert ids == sorted(ids)
            await until(lambda: not world.server.inbox[f"{bob.account}:1"])
            assert await texts(bob, "alice") == [str(number) for number in range(60)]

    run(story())


def test_one_frame_of_a_conversation_is_in_flight(world: World) -> None:
    """While a send is not answered, later messages of the conversation wait."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            world.server.answers = lambda frame: frame["action"] != "send"
            conversation = await alice.conversation("bob")
            await conversation.send("first")
            await until(lambda: world.server.sent("send"))
            await conversation.send("second")
            await asyncio.sleep(0.05)
            assert len(world.server.sent("send")) == 1

    run(story())


def test_a_retry_repeats_id_and_bytes(world: World) -> None:
    """Without an answer the same message goes again under the same id with the same bytes."""

    async def story() -> None:
        async with world.people("alice", "bob", encryption=Restless()) as (alice, bob):
            world.server.sockets[f"{bob.account}:1"].closed = True
            unanswered = [True]
            world.server.answers = lambda frame: (
                frame["action"] != "send" or not (unanswered and unanswered.pop())
            )
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("sent", 5)
            first, second = world.server.sent("send")
            assert first["messages"] == second["messages"]
            assert first["ref"] != second["ref"]

    run(story())


def test_a_retry_after_a_crash_repeats_id_and_bytes(world: World) -> None:
    """The bytes of an attempt are in the store before they are on the wire."""

    async def story() -> None:
        async with world.people("alice", "bob", encryption=Restless()) as (alice, _):
            world.server.answers = lambda frame: frame["action"] != "send"
            await (await alice.conversation("bob")).send("Hi")
            await until(lambda: world.server.sent("send"))
            await alice.close()
            world.server.answers = lambda frame: True
            async with world.client("alice", encryption=Restless()) as again:
                await again.drained(5)
            sent = world.server.sent("send")
            assert sent[0]["messages"] == sent[-1]["messages"]

    run(story())


def test_an_old_attempt_gets_a_new_id(world: World) -> None:
    """After about 100 s a retry takes a new id, for the same logical id: it is shown once, at the largest."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.sockets[f"{bob.account}:1"].closed = True
            drop = [True]
            world.server.answers = lambda frame: frame["action"] != "send" or not (drop and drop.pop())
            message = await (await alice.conversation("bob")).send("Hi")
            await until(lambda: world.server.sent("send"))
            alice._clock.offset += 101_000
            world.server.time_offset += 101_000
            await message.reached("sent", 5)
            first, second = (inside(frame)[0] for frame in world.server.sent("send"))
            assert first < second
            await bob.close()
            async with world.client("bob") as again:
                await message.reached("delivered", 5)
                assert await texts(again, "alice") == ["Hi"]
                assert (await newest(again, "alice")).id == second

    run(story())


def test_a_receipt_for_a_retired_id_counts(world: World) -> None:
    """Every id that a message ever had stands for it."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            refused = [error("ID_STALE")]
            world.server.refuse = lambda message: refused.pop() if refused else None
            world.server.sockets[f"{bob.account}:1"].closed = True
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("sent", 5)
            retired, used = (inside(frame)[0] for frame in world.server.sent("send"))
            assert message.id == used
            world.server.receipt(f"{alice.account}:1", "delivered", f"{bob.account}:1", retired)
            await message.reached("delivered", 5)

    run(story())


def test_a_stale_id_is_minted_again_with_the_servers_time(world: World) -> None:
    """ID_STALE corrects the clock; the message goes out again under a new id, encrypted again."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.time_offset = 3_600_000
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("sent", 5)
            first, second = (inside(frame)[0] for frame in world.server.sent("send"))
            assert id_milliseconds(second) - id_milliseconds(first) > 3_500_000
            assert await texts(bob, "alice") == ["Hi"]

    run(story())


def test_a_clock_that_was_far_ahead_holds_nothing_back(world: World) -> None:
    """ID_AHEAD: the refused id is as if it had never been; the message and the next one go out at once."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            to_bob = await alice.conversation("bob")
            await (await to_bob.send("before")).reached("sent", 5)
            alice._clock.offset += 12 * YEAR
            first = await (await to_bob.send("first")).reached("sent", 5)
            await (await to_bob.send("second")).reached("sent", 5)
            frames = [inside(frame) for frame in world.server.sent("send")]
            assert first.id == frames[2][0] < frames[3][0]
            assert await texts(alice, "bob") == await texts(bob, "alice") == ["before", "first", "second"]

    run(story())


def test_a_clock_that_fell_behind_is_corrected_at_once(world: World) -> None:
    """A conversation hours ahead of the own clock means that the clock is wrong: the server is asked."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            to_bob = await alice.conversation("bob")
            await (await to_bob.send("before")).reached("sent", 5)
            alice._clock.offset -= 3_600_000
            await (await to_bob.send("after")).reached("sent", 5)
            assert await texts(bob, "alice") == ["before", "after"]

    run(story())


def test_ids_go_on_rising_behind_a_frame_that_was_cut(tmp_path: Path) -> None:
    """Where ids run too far ahead the frame ends; the ids after it are larger than those in it."""
    connection = plain_store(tmp_path / "alice.db")
    me = Identity(AccountId(mint(0)), 1, "alice", AuthKey.generate())
    own, bob = (Peer(account, "", 1, {1: ""}) for account in (me.account, AccountId(mint(1))))
    now = 1_700_000_000_000
    peers.saw(connection, bob.account, now + outgoing.LEAD_MS - 3)
    conversation = conversation_id(me.account, bob.account)
    contents = [Content(new_logical_id(), "Hi", conversation, now) for _ in range(9)]
    queue = [outgoing.add(connection, me, bob.account, content)[0].seq for content in contents]
    ids = []
    while queue:
        prepared = outgoing.prepare(connection, me, bob, own, queue, now, PlainEncryption())
        ids += [attempt.id for attempt in prepared.attempts]
        queue = queue[len(prepared.attempts) :]
        now += prepared.wait_ms + 1
    connection.close()
    assert ids == sorted(ids)


def test_a_changed_device_list_is_repaired(world: World) -> None:
    """DEVICE_LIST_STALE: the list is read and the message encrypted for the right devices, under its id."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await alice.conversation("bob")).send("before")).reached("sent", 5)
            world.server.add_device(bob.identity)
            world.server.requests.clear()
            world.server.frames.clear()
            message = await (await alice.conversation("bob")).send("after")
            await message.reached("sent", 5)
            refused, repaired = (frame["messages"][0] for frame in world.server.sent("send"))
            assert set(refused["devices"]) == {"1"}
            assert set(repaired["devices"]) == {"1", "2"}
            assert refused["id"] == repaired["id"]
            assert world.server.requests.count(f"GET /v1/accounts/{bob.account}/chain") == 1

    run(story())


def test_own_devices_get_copies_after_a_repair(world: World) -> None:
    """A new device of the sender is found by the same refusal and gets its copy."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            world.server.add_device(alice.identity)
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("sent", 5)
            assert set(world.server.sent("send")[-1]["messages"][0]["own"]) == {"2"}

    run(story())


@pytest.mark.parametrize("code", ["BAD_RECIPIENT", "RECIPIENT_BLOCKED", "TOO_LARGE"])
def test_a_final_refusal_fails_one_message_alone(world: World, code: str) -> None:
    """The message fails with the code; those behind it, refused as EARLIER_REFUSED, go out after it."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            refused = [error(code)]
            world.server.refuse = lambda message: refused.pop() if refused else None
            conversation = await alice.conversation("bob")
            first, second = await asyncio.gather(conversation.send("bad"), conversation.send("good"))
            with pytest.raises(SendFailed) as failed:
                await first.reached("sent", 5)
            assert failed.value.code == code
            await second.reached("delivered", 5)
            assert await texts(bob, "alice") == ["good"]

    run(story())


def test_a_failed_message_can_be_retried(world: World) -> None:
    """retry() puts a failed message back; it keeps its logical id."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            refused = [error("RECIPIENT_BLOCKED")]
            world.server.refuse = lambda message: refused.pop() if refused else None
            message = await (await alice.conversation("bob")).send("Hi")
            with pytest.raises(SendFailed):
                await message.reached("sent", 5)
            await message.retry()
            await message.reached("sent", 5)
            assert (await newest(bob, "alice")).logical_id == message.logical_id

    run(story())


def test_a_transient_refusal_holds_the_later_ones_back(world: World) -> None:
    """UNAVAILABLE makes the conversation wait; then everything goes in order."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            refused = [error("UNAVAILABLE", retry_after=0.05)] * 2
            world.server.refuse = lambda message: refused.pop() if refused else None
            conversation = await alice.conversation("bob")
            for text in ("one", "two", "three"):
                last = await conversation.send(text)
            await last.reached("delivered", 5)
            assert await texts(bob, "alice") == ["one", "two", "three"]

    run(story())


def test_a_refused_frame_is_taken_apart(world: World) -> None:
    """When a whole frame is refused for good, its messages go one by one and only the bad one fails."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            bad: list[str] = []

            def refuse(frame: dict) -> dict | None:  # type: ignore[type-arg]
                if frame["action"] == "send" and not bad:
                    return error("UNAVAILABLE")
                return (
                    error("BAD_FRAME")
                    if set(bad) & set(inside(frame) if "messages" in frame else [])
                    else None
                )

            world.server.refuse_frame = refuse
            conversation = await alice.conversation("bob")
            messages = [await conversation.send(str(number)) for number in range(3)]
            await until(lambda: any(len(frame["messages"]) == 3 for frame in world.server.sent("send")))
            bad.append(inside(world.server.sent("send")[-1])[1])
            await messages[2].reached("delivered", 5)
            assert sorted(await statuses(alice, "bob")) == ["delivered", "delivered", "failed"]
            assert await texts(bob, "alice") == ["0", "2"]

    run(story())


def test_a_text_that_does_not_fit_is_refused_at_once(world: World) -> None:
    """More than 8 KiB of ciphertext is TooLarge before anything is queued; right below goes through."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            conversation = await alice.conversation("bob")
            with pytest.raises(TooLarge):
                await conversation.send("x" * 8192)
            assert await alice.pending() == 0
            await (await conversation.send("x" * 7900)).reached("sent", 5)

    run(story())


def test_an_unknown_handle_is_not_found(world: World) -> None:
    """A conversation with nobody raises NotFound; one with oneself too."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            for name in ("nobody", "alice"):
                with pytest.raises(NotFound):
                    await alice.conversation(name)

    run(story())


def test_waiting_ends_when_the_client_closes(world: World) -> None:
    """Who waits for a status when the client is closed is told, instead of waiting for ever."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            world.server.answers = lambda frame: False
            message = await (await alice.conversation("bob")).send("Hi")
            waiting = asyncio.create_task(message.reached("read"))
            await until(lambda: world.server.sent("send"))
            await alice.close()
            with pytest.raises(HeliographError) as closed:
                await waiting
            assert closed.value.code == "CLOSED"

    run(story())
