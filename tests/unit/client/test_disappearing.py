"""Timers and disappearing messages: gone on both sides when their time is over, and named until then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from heliograph import (
    BadContent,
    Client,
    MessageEdited,
    MessageExpired,
    MessageReceived,
    SentElsewhere,
    TimerChanged,
)
from heliograph.content import LIFETIMES, Target
from heliograph.crypto import padding
from heliograph.ids import from_base64url, new_logical_id
from heliograph.model import Expiry

from tests.unit.client.plain_encryption import PlainEncryption
from tests.unit.client.test_changes import SECRET, Script, in_files, said
from tests.unit.client.world import World, newest, next_event, run, texts, until

HOUR = LIFETIMES["1h"]


def let_pass(client: Client, milliseconds: int) -> None:
    """Let the clock of a client go on by so much, at once."""
    client._clock.offset += milliseconds
    client._running().expiry.look()


async def timers(*people: tuple[Client, str]) -> set[Expiry | None]:
    """Give what each of them takes for the timer with the other one."""
    return {await (await client.conversation(peer)).timer() for client, peer in people}


def test_a_timer_counts_on_both_sides_and_all_devices(world: World) -> None:
    """Who set it, to what; messages after it carry it, for the server too; those before it stay."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            _, before = await said(alice, bob, "before")
            everybody = ((alice, "bob"), (bob, "alice"), (pad, "bob"))
            await (await (await alice.conversation("bob")).set_timer("1h")).reached("delivered", 5)
            for client in (bob, pad):
                event = await next_event(client.events(), TimerChanged)
                assert (event.expires, event.account, event.conversation) == (
                    "1h",
                    alice.account,
                    before.conversation,
                )
            assert await timers(*everybody) == {"1h"}
            world.server.frames.clear()
            mine, his = await said(bob, alice, "after")
            assert [frame["messages"][0]["expires"] for frame in world.server.sent("send")] == ["1h"]
            assert before.expires_at is None
            assert his.expires_at is not None
            assert (await mine.reached("sent", 5)).expires_at is not None
            await (await (await bob.conversation("alice")).set_timer(None)).reached("delivered", 5)
            await until(lambda: not world.server.inbox.get(f"{alice.account}:{pad.device}"))
            assert await timers(*everybody) == {None}
            assert (await said(bob, alice, "for good"))[1].expires_at is None

    run(story())


def test_a_message_is_gone_everywhere_when_its_time_is_over(world: World) -> None:
    """From history and files of all devices, with its edits, reactions and quotes; an event names it."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            await said(alice, bob, "stays")
            await (await (await alice.conversation("bob")).set_timer("1h")).reached("delivered", 5)
            message, his = await said(alice, bob, SECRET)
            await (await message.edit(SECRET + "!")).reached("delivered", 5)
            await (await his.react("🗝️")).reached("delivered", 5)
            answer = await (await his.reply("I see", expires="1d")).reached("delivered", 5)
            await until(lambda: not any(world.server.inbox.values()))
            for client, peer in ((alice, "bob"), (bob, "alice"), (pad, "bob")):
                let_pass(client, HOUR - 60_000)
                assert SECRET + "!" in await texts(client, peer)
                let_pass(client, 120_000)
                event = await next_event(client.events(), MessageExpired)
                assert (event.message.logical_id, event.message.text) == (message.logical_id, "")
                assert await texts(client, peer) == ["stays", "I see"]
                quote = (await newest(client, peer)).reply_to
                assert quote is not None
                assert (quote.logical_id, quote.text) == (message.logical_id, None)
            for name in ("alice", "bob", "pad"):
                await until(lambda name=name: not in_files(world.directory, name, SECRET))
                assert not in_files(world.directory, name, "🗝️")
            with pytest.raises(BadContent):
                await his.react("😢")
            assert (await answer.reached("sent", 5)).kind == "reply"

    run(story())


def test_what_ran_out_while_the_client_was_closed_goes_first(world: World) -> None:
    """Before anybody can read it: history never shows it, nor does an event that waited."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await alice.conversation("bob")).send(SECRET, expires="1d")).reached("delivered", 5)
            await bob.close()
            later = world.client("bob", connect=False)
            later._clock._local = lambda: time.time_ns() // 1_000_000 + LIFETIMES["1d"]
            async with later:
                assert await texts(later, "alice") == []
                async for event in later.events():
                    assert not isinstance(event, MessageReceived)
                    if isinstance(event, MessageExpired):
                        break
                await until(lambda: not in_files(world.directory, "bob", SECRET))
                assert [conversation.handle for conversation in await later.conversations()] == ["alice"]

    run(story())


def test_the_time_of_the_sender_begins_when_it_is_accepted(world: World) -> None:
    """What waits in the outbox waits as long as it must, and has its whole time afterwards."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _):
            await alice.close()
            async with world.client("alice", connect=False) as offline:
                message = await (await offline.conversation("bob")).send("Hi", expires="1h")
                let_pass(offline, 2 * HOUR)
                assert message.expires_at is None
                assert await texts(offline, "bob") == ["Hi"]
            async with world.client("alice") as again:
                sent = await (await newest(again, "bob")).reached("sent", 5)
                assert sent.expires_at is not None
                assert abs(sent.expires_at - world.server.now() - HOUR) < 10_000

    run(story())


def test_a_disappeared_message_that_comes_again_stays_gone(world: World) -> None:
    """Under its old name or a new one: it is acknowledged, and not shown as if it were new."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script, name = Script(world, alice, bob), new_logical_id()
            for _ in range(2):
                script.make("text", logical_id=name, text=SECRET, expires="1h")()
                await script.taken_in()
                let_pass(bob, HOUR + 1)
                await until(lambda: not in_files(world.directory, "bob", SECRET))
                assert await texts(bob, "alice") == []
            late = script.make("edit", target=Target(alice.account, name), text=SECRET, expires="1h")
            late()
            await script.taken_in()
            await until(lambda: not in_files(world.directory, "bob", SECRET))
            shown = [event async for event in _events(bob)]
            assert not any(isinstance(event, MessageReceived | MessageEdited) for event in shown)
            assert sum(isinstance(event, MessageExpired) for event in shown) == 1

    run(story())


async def _events(client: Client) -> Any:
    """Give what the log holds."""
    end = await client.newest_cursor()
    async for event in client.events():
        yield event
        if event.cursor >= end:
            return


def test_an_edit_of_what_never_came_disappears_too(world: World) -> None:
    """The message ran out at the server: its edit goes when its own time is over."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script = Script(world, alice, bob)
            target = Target(alice.account, new_logical_id())
            script.make("edit", target=target, text=SECRET, expires="1h")()
            await script.taken_in()
            assert in_files(world.directory, "bob", SECRET)
            let_pass(bob, HOUR + 1)
            await until(lambda: not in_files(world.directory, "bob", SECRET))

    run(story())


def test_an_edit_lives_as_long_as_its_message(world: World) -> None:
    """Where it came before the message its own time is over first: the text stays edited all the same."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script, name = Script(world, alice, bob), new_logical_id()
            text = script.make("text", logical_id=name, text="one", expires="1d")
            script.make("edit", target=Target(alice.account, name), text="two", expires="1h")()
            text()
            await script.taken_in()
            let_pass(bob, HOUR + 1)
            await until(lambda: bob._running().expiry._wake.is_set() is False)
            assert await texts(bob, "alice") == ["two"]

    run(story())


def test_a_copy_of_another_own_device_disappears_too(world: World) -> None:
    """Its time runs from when the other device sent it."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, _), world.another_device(alice, "pad") as pad:
            await (await (await pad.conversation("bob")).send("Hi", expires="7d")).reached("delivered", 5)
            copy = (await next_event(alice.events(), SentElsewhere)).message
            assert copy.expires_at is not None
            assert abs(copy.expires_at - world.server.now() - LIFETIMES["7d"]) < 10_000

    run(story())


def by_kind(frames: list[dict[str, Any]], kinds: list[str]) -> Mapping[str, dict[str, Any]]:
    """Give the message of each kind; each went in a frame of its own, in this order."""
    messages = [message for frame in frames for message in frame["messages"]]
    assert len(messages) == len(kinds)
    return dict(zip(kinds, messages, strict=True))


@pytest.mark.parametrize("timer", [None, "1d"])
def test_the_server_cannot_tell_kinds_apart(world: World, timer: Expiry | None) -> None:
    """All have the same members, recipients, class and size; all are acknowledged alike, and read alike."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            conversation = await alice.conversation("bob")
            if timer is not None:
                await (await conversation.set_timer(timer)).reached("delivered", 5)
            mine, _ = await said(alice, bob, "first")
            his, shown = await said(bob, alice, "second")
            await until(lambda: not any(world.server.inbox.values()))
            world.server.frames.clear()
            sent = {
                "text": await (await conversation.send("Hi")).reached("delivered", 5),
                "reply": await (await shown.reply("Ho")).reached("delivered", 5),
                "edit": await (await mine.edit("Hey")).reached("delivered", 5),
                "reaction": await (await shown.react("👍")).reached("delivered", 5),
                "timer": await (await conversation.set_timer(timer)).reached("delivered", 5),
                "delete": await (await mine.delete_for_everyone()).reached("delivered", 5),
            }
            messages = by_kind(world.server.sent("send"), list(sent))
            alike = {
                (
                    tuple(message),
                    tuple(message["devices"]),
                    tuple(message["own"]),
                    message.get("expires"),
                )
                for message in messages.values()
            }
            assert len(alike) == 1
            assert alike.pop()[3] == timer
            for kind, message in messages.items():
                for text in (*message["devices"].values(), *message["own"].values()):
                    plaintext = from_base64url(text).removeprefix(PlainEncryption.PREFIX)
                    assert len(padding.pad(plaintext)) == 320, kind
            await (await bob.conversation("alice")).mark_read()
            for message in sent.values():
                await message.reached("read", 5)
            await until(lambda: not world.server.inbox.get(f"{alice.account}:{pad.device}"))
            acks = [frame["ack"] for frame in world.server.frames if frame.get("ack")]
            for kind, message in messages.items():
                name = [message["id"], f"{alice.account}:1"]
                how = {of for ack in acks for of, entries in ack.items() if name in _names(entries)}
                assert how == {"delivered", "quiet", "read_receipts"}, kind
            assert his.logical_id == shown.logical_id

    run(story())


def _names(entries: Any) -> list[list[str]]:
    """Give what a list of an `ack` names, by conversation or not."""
    return [name for names in entries.values() for name in names] if isinstance(entries, dict) else entries
