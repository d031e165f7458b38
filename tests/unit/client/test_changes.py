"""Replies, edits, reactions and deletions: the same on every device, whatever came first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from heliograph import (
    BadContent,
    Client,
    Content,
    Mention,
    Message,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReactionChanged,
    SendFailed,
    SentElsewhere,
    StatusChanged,
    TooLarge,
)
from heliograph.content import Target
from heliograph.ids import Address, LogicalId, conversation_id, mint, new_logical_id

from tests.unit.client.fake_server import error
from tests.unit.client.world import World, envelope, newest, next_event, run, texts, until

SECRET = "the treasure lies under the old oak"


async def said(sender: Client, to: Client, text: str = "Hi") -> tuple[Message, Message]:
    """Send a text; give it as its sender has it and as its recipient does."""
    conversation = await sender.conversation(to.account)
    message = await (await conversation.send(text)).reached("delivered", 5)
    return message, await newest(to, sender.account)


class Script:
    """Contents of one sender, in the order of their ids; they come in whatever order a test likes."""

    def __init__(self, world: World, sender: Client, to: Client) -> None:
        self._world, self._to = world, to
        self.sender = Address(f"{sender.account}:{sender.device}")
        self._base = Content(LogicalId(""), "", conversation_id(sender.account, to.account), 1)
        self._now = world.server.now()

    def make(self, kind: str, **members: Any) -> Callable[[], None]:
        """Make the next content; calling what this gives lets it come."""
        self._now += 1
        members.setdefault("logical_id", new_logical_id())
        content, message_id = replace(self._base, kind=kind, **members), mint(self._now)
        address = f"{self._to.account}:{self._to.device}"
        return lambda: self._world.server.deliver(
            address, self.sender, message_id, self._to.account, envelope(content)
        )

    async def taken_in(self) -> None:
        """Wait until all that came is stored and acknowledged."""
        await until(lambda: not self._world.server.inbox.get(f"{self._to.account}:{self._to.device}"))


def in_files(folder: Path, name: str, text: str) -> bool:
    """Tell whether a text is anywhere in the files of a store."""
    return any(text.encode() in path.read_bytes() for path in folder.glob(f"{name}.db*"))


def test_an_edit_changes_the_text_on_every_device(world: World) -> None:
    """The recipient and the author's other devices see the new text, when it was changed, and an event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            message, _ = await said(alice, bob, "Hi Bbo")
            await until(lambda: not world.server.inbox.get(f"{alice.account}:{pad.device}"))
            edit = await message.edit("Hi Bob", mentions=[Mention(3, 3, bob.account)])
            assert (edit.kind, edit.text) == ("edit", "Hi Bob")
            await edit.reached("delivered", 5)
            assert (await next_event(bob.events(), MessageEdited)).message.text == "Hi Bob"
            assert (await next_event(pad.events(), MessageEdited)).message.text == "Hi Bob"
            for client, peer in ((alice, "bob"), (bob, "alice"), (pad, "bob")):
                shown = await newest(client, peer)
                assert (shown.text, shown.edited_at) == ("Hi Bob", edit.sent_at)
                assert shown.mentions == ((3, 3, bob.account),)
                assert await texts(client, peer) == ["Hi Bob"]

    run(story())


def test_the_newest_edit_counts_whatever_came_first(world: World) -> None:
    """By (id, sender), also where edits come before the message; an older one that comes late is no event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script, name = Script(world, alice, bob), new_logical_id()
            target = Target(alice.account, name)
            text = script.make("text", logical_id=name, text="one")
            edits = [script.make("edit", target=target, text=text) for text in ("two", "three", "four")]
            for come in (edits[1], text, edits[0], edits[2]):
                come()
                await script.taken_in()
            stream = bob.events()
            assert (await next_event(stream, MessageReceived)).message.text == "four"
            assert (await next_event(stream, MessageEdited)).message.text == "four"
            last, _ = await said(alice, bob, "end")
            async for event in stream:
                assert not isinstance(event, MessageEdited)
                if isinstance(event, MessageReceived):
                    assert event.message.logical_id == last.logical_id
                    break
            assert await texts(bob, "alice") == ["four", "end"]

    run(story())


def test_nobody_changes_the_message_of_another(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An edit or a deletion by the other side does nothing; the log says so without saying what was in it."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mine, _ = await said(bob, alice, "mine")
            script = Script(world, alice, bob)
            target = Target(bob.account, mine.logical_id)
            script.make("edit", target=target, text=SECRET)()
            script.make("delete", target=target)()
            await script.taken_in()
            assert await texts(bob, "alice") == ["mine"]
            warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
            assert len([text for text in warnings if "of another one: ignored" in text]) == 2
            assert not any(SECRET in text or mine.logical_id in text for text in warnings)
            assert not in_files(world.directory, "bob", SECRET)

    with caplog.at_level(logging.WARNING, "heliograph"):
        run(story())


def test_a_name_out_of_another_conversation_names_nothing(world: World) -> None:
    """Carol may not react to what bob wrote to alice: the message is none of their conversation."""

    async def story() -> None:
        async with world.people("alice", "bob", "carol") as (alice, bob, carol):
            mine, hers = await said(bob, alice, "between us")
            script = Script(world, carol, alice)
            script.make("reaction", target=Target(bob.account, mine.logical_id), emoji="👀")()
            await script.taken_in()
            assert (await newest(alice, "bob")).reactions == {}
            assert hers.reactions == {}

    run(story())


def test_an_account_has_one_reaction_to_a_message(world: World) -> None:
    """The newest counts, from whichever device; an empty one takes it back; each account has its own."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(bob, "pad") as pad:
            mine, his = await said(alice, bob)
            await (await his.react("👍")).reached("delivered", 5)
            event = await next_event(alice.events(), ReactionChanged)
            assert (event.account, event.emoji, event.message.logical_id) == (
                bob.account,
                "👍",
                mine.logical_id,
            )
            await until(lambda: not world.server.inbox.get(f"{bob.account}:{pad.device}"))
            await (await (await newest(pad, "alice")).react("❤️")).reached("delivered", 5)
            await (await mine.react("🎉")).reached("delivered", 5)
            await until(lambda: not any(world.server.inbox.values()))
            for client, peer in ((alice, "bob"), (bob, "alice"), (pad, "alice")):
                assert (await newest(client, peer)).reactions == {bob.account: "❤️", alice.account: "🎉"}
            await (await his.react("")).reached("delivered", 5)
            assert (await newest(alice, "bob")).reactions == {alice.account: "🎉"}

    run(story())


def test_a_deleted_message_is_gone_from_the_files_of_both_sides(world: World) -> None:
    """A tombstone stays; text, edits and reactions are in no byte of the store or its log any more."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message, his = await said(alice, bob, SECRET)
            await (await message.edit(SECRET + ", I think")).reached("delivered", 5)
            await (await his.react("🗺️")).reached("delivered", 5)
            assert in_files(world.directory, "alice", SECRET)
            assert in_files(world.directory, "bob", SECRET)
            await (await message.delete_for_everyone()).reached("delivered", 5)
            event = await next_event(bob.events(), MessageDeleted)
            assert (event.message.deleted, event.message.text) == (True, "")
            for client, peer in ((alice, "bob"), (bob, "alice")):
                shown = await newest(client, peer)
                assert (shown.deleted, shown.text, shown.reactions, shown.edited_at) == (True, "", {}, None)
                await until(lambda name=client.handle: not in_files(world.directory, name, SECRET))
                assert not in_files(world.directory, client.handle, "🗺️")

    run(story())


@pytest.mark.parametrize("order", ["target, edit, delete", "edit, delete, target", "delete, target, edit"])
def test_a_deletion_beats_everything(world: World, order: str) -> None:
    """Also a newer edit, and a message that comes after its deletion: none of it stays in the file."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script, name = Script(world, alice, bob), new_logical_id()
            target = Target(alice.account, name)
            parts = {
                "target": script.make("text", logical_id=name, text=SECRET),
                "delete": script.make("delete", target=target),
                "edit": script.make("edit", target=target, text=SECRET + "!"),
            }
            for part in order.split(", "):
                parts[part]()
                await script.taken_in()
            shown = await newest(bob, "alice")
            assert (shown.deleted, shown.text) == (True, "")
            await until(lambda: not in_files(world.directory, "bob", SECRET))

    run(story())


def test_a_reply_quotes_what_it_is_about(world: World) -> None:
    """As that is now, on both sides: edited, or nothing where it was deleted."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            question, his = await said(alice, bob, "When?")
            await (await his.reply("At six")).reached("delivered", 5)
            answer = await newest(alice, "bob")
            assert (answer.kind, answer.text) == ("reply", "At six")
            assert answer.reply_to is not None
            assert answer.reply_to == (await newest(bob, "alice")).reply_to
            assert answer.reply_to.account == alice.account
            assert (answer.reply_to.logical_id, answer.reply_to.text) == (question.logical_id, "When?")
            await question.edit("When today?")
            quote = (await newest(alice, "bob")).reply_to
            assert quote is not None
            assert quote.text == "When today?"
            await question.delete_for_everyone()
            quote = (await newest(alice, "bob")).reply_to
            assert quote is not None
            assert quote.text is None

    run(story())


def test_a_reply_to_what_is_not_here_is_shown(world: World) -> None:
    """A device that was linked later has the answer without the question."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script = Script(world, alice, bob)
            script.make("reply", target=Target(bob.account, new_logical_id()), text="Yes")()
            event = await next_event(bob.events(), MessageReceived)
            assert event.message.text == "Yes"
            assert event.message.reply_to is not None
            assert event.message.reply_to.text is None

    run(story())


def test_what_a_later_version_made_is_shown_as_a_placeholder(world: World) -> None:
    """It has a place in the conversation, an event, a receipt, and no text."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            script = Script(world, alice, bob)
            raw = replace(script._base, logical_id=new_logical_id()).encode().replace(b'"text"', b'"poll"')
            script.make("unsupported", raw=raw.decode())()
            event = await next_event(bob.events(), MessageReceived)
            assert (event.message.kind, event.message.text) == ("unsupported", "")
            assert await texts(bob, "alice") == [""]
            await until(lambda: world.server.sent("ack"))
            assert "delivered" in world.server.sent("ack")[0]["ack"]

    run(story())


def test_changes_are_kept_while_offline_and_leave_in_order(world: World) -> None:
    """What was written, edited and reacted to without a connection arrives in that order."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            await alice.close()
            async with world.client("alice", connect=False) as offline:
                message = await (await offline.conversation("bob")).send("frist")
                await message.edit("first")
                await message.react("🥇")
                assert (await newest(offline, "bob")).text == "first"
                assert await offline.pending() == 3
            async with world.client("alice") as again:
                await again.drained(5)
                stream = bob.events()
                received = await next_event(stream, MessageReceived)
                assert received.message.conversation == conversation.id
                await next_event(stream, MessageEdited)
                await next_event(stream, ReactionChanged)
                shown = await newest(bob, "alice")
                assert (shown.text, shown.reactions) == ("first", {alice.account: "🥇"})

    run(story())


def test_a_change_that_failed_does_not_count(world: World) -> None:
    """Nobody else has it, so this device shows what the others do; the failure is told and can be retried."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message, _ = await said(alice, bob)
            world.server.refuse = lambda message: error("RECIPIENT_BLOCKED")
            edit = await message.edit("Hello")
            with pytest.raises(SendFailed):
                await edit.reached("sent", 5)
            event = await next_event(alice.events(after=await _before(alice)), StatusChanged)
            assert (event.status, event.message.kind) == ("failed", "edit")
            assert await texts(alice, "bob") == ["Hi"]
            world.server.refuse = lambda message: None
            await edit.retry()
            await edit.reached("delivered", 5)
            assert await texts(alice, "bob") == await texts(bob, "alice") == ["Hello"]

    run(story())


async def _before(client: Client) -> Any:
    return await client.newest_cursor() - 1


def test_what_changes_a_message_gets_no_events_of_its_own(world: World) -> None:
    """Nothing but what it did: no MessageReceived, no SentElsewhere, no status of a reaction."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            message, his = await said(alice, bob)
            await (await message.react("👍")).reached("delivered", 5)
            await (await his.react("👎")).reached("delivered", 5)
            await (await message.delete_for_everyone()).reached("delivered", 5)
            last, _ = await said(alice, bob, "end")
            for client in (alice, bob, pad):
                async for event in client.events():
                    if isinstance(event, StatusChanged | SentElsewhere | MessageReceived):
                        assert event.message.kind == "text"
                        if event.message.logical_id == last.logical_id:
                            break
            assert len(await alice.conversations()) == 1

    run(story())


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (lambda mine, his: his.edit("no"), BadContent),
        (lambda mine, his: his.delete_for_everyone(), BadContent),
        (lambda mine, his: mine.react("nice"), BadContent),
        (lambda mine, his: mine.react("👍 👍"), BadContent),
        (lambda mine, his: mine.edit("abc", mentions=[(2, 2, "")]), BadContent),
        (lambda mine, his: mine.edit("x" * 8192), TooLarge),
        (lambda mine, his: mine.reply("x" * 8192), TooLarge),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(
    world: World, what: Callable[[Message, Message], Any], problem: type[Exception]
) -> None:
    """Before anything is stored or sent."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mine, _ = await said(alice, bob)
            _, his = await said(bob, alice)
            with pytest.raises(problem):
                await what(mine, his)
            assert await alice.pending() == 0

    run(story())


def test_a_deleted_message_takes_no_changes(world: World) -> None:
    """Neither edits nor reactions; deleting it again is no mistake."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mine, _ = await said(alice, bob)
            await mine.delete_for_everyone()
            for attempt in (mine.edit("back"), mine.react("👻")):
                with pytest.raises(BadContent):
                    await attempt
            await mine.delete_for_everyone()

    run(story())


def test_mentions_travel_with_their_text(world: World) -> None:
    """Counted in code points: an emoji before the name moves it by one."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            mention = Mention(2, 4, bob.account)
            await (await (await alice.conversation("bob")).send("👋 @bob!", mentions=[mention])).reached(
                "delivered", 5
            )
            shown = await newest(bob, "alice")
            assert shown.mentions == (mention,)
            start, length, account = shown.mentions[0]
            assert (shown.text[start : start + length], account) == ("@bob", bob.account)
            with pytest.raises(BadContent):
                await (await alice.conversation("bob")).send("@bob", mentions=[Mention(0, 5, bob.account)])

    run(story())


def test_reading_a_message_reads_what_changed_it(world: World) -> None:
    """Edits and reactions get their `read` with what they are about, so receipts tell nothing about kinds."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            message, his = await said(alice, bob)
            edit = await (await message.edit("Hello")).reached("delivered", 5)
            await his.mark_read()
            for one in (message, edit):
                await one.reached("read", 5)
            reaction = await (await message.react("👍")).reached("delivered", 5)
            await his.mark_read()
            await reaction.reached("read", 5)
            others = await (await his.react("👌")).reached("delivered", 5)
            await message.mark_read()
            await others.reached("read", 5)
            timer = await (await (await alice.conversation("bob")).set_timer("1d")).reached("delivered", 5)
            await his.mark_read()
            await said(alice, bob, "older than the timer is what was read")
            assert (await timer.reached("delivered", 5)).status == "delivered"
            await (await bob.conversation("alice")).mark_read()
            await timer.reached("read", 5)

    run(story())


def test_any_device_of_the_author_may_edit(world: World) -> None:
    """A message belongs to its account: the pad changes what the phone wrote."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.another_device(alice, "pad") as pad:
            await said(alice, bob, "from the phone")
            await until(lambda: not world.server.inbox.get(f"{alice.account}:{pad.device}"))
            edit = await (await newest(pad, "bob")).edit("from the pad")
            await edit.reached("delivered", 5)
            await until(lambda: not world.server.inbox.get(f"{alice.account}:1"))
            assert await texts(alice, "bob") == await texts(bob, "alice") == ["from the pad"]
            assert edit.sender == f"{alice.account}:{pad.device}"

    run(story())
