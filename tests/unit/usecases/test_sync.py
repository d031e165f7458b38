"""``sync``: the inbox is drained in pages, and what may be asked beside."""

from __future__ import annotations

import json

import pytest
from chat.domain.events import MessageEvent, ReceiptEvent
from chat.domain.ids import DAY, MINUTE, AccountId, DeviceId, MessageId, MessageName, new_uuid7
from chat.domain.page_token import PageToken
from chat.domain.prekeys import Kind, Left, Prekey
from chat.errors import ChatError, Code
from chat.ports.connections import Connection
from chat.ports.inbox import InboxRow
from chat.usecases.ack import acknowledge
from chat.usecases.receipts import Ack
from chat.usecases.send import OutgoingMessage, send
from chat.usecases.sync import MARK_MARGIN, Page, SyncRequest, sync
from chat.wire.frames import event_frames, size_of, sync_answer

from tests.fakes.calls import record
from tests.fakes.world import NOW, World, address


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def run(world: World, connection: Connection, request: SyncRequest | None = None, previous: int = 0) -> Page:
    """Sync over that socket."""
    return sync(
        connection,
        previous,
        request or SyncRequest(),
        **world.delivery,
        connect_numbers=world.connect_numbers,
        prekeys=world.prekeys,
        encode=event_frames,
        size_of=size_of,
        now=world.time,
    )


def drain(world: World, connection: Connection, request: SyncRequest | None = None) -> list[Page]:
    """All pages of one drain."""
    pages = [run(world, connection, request)]
    while pages[-1].token is not None:
        pages.append(run(world, connection, SyncRequest(token=pages[-1].token)))
    return pages


def put(world: World, sender: AccountId, to: AccountId, count: int, size: int = 100) -> list[OutgoingMessage]:
    """Messages in the inbox of device 1 of ``to``, in order."""
    messages = []
    for _ in range(count):
        message = world.message(to)
        messages.append(OutgoingMessage(message.id, to, dict.fromkeys(message.devices, b"x" * size)))
        send(address(sender), messages[-1:], **world.delivery, encode=event_frames, now=world.time)
    return messages


def ids(pages: list[Page]) -> list[str]:
    """The message ids of all pages, in order of arrival."""
    return [event.name.id for page in pages for event in page.events if isinstance(event, MessageEvent)]


def test_everything_undelivered_comes_in_order_then_caught_up(world: World) -> None:
    """250 messages in pages under 32 KB, each once, oldest first."""
    alice, bob = world.account("alice"), world.account("bob")
    sent = put(world, alice, bob, 250)
    socket = world.online(bob)

    pages = drain(world, socket)

    assert ids(pages) == [message.id for message in sent]
    assert len(pages) > 1
    assert all(len(sync_answer("r", page, 0) or "") <= 32_768 for page in pages)
    assert pages[-1].caught_up is not None


def test_the_largest_ciphertexts_still_fit_a_page(world: World) -> None:
    """8 KiB each: two or three a page, none lost."""
    alice, bob = world.account("alice"), world.account("bob")
    sent = put(world, alice, bob, 7, size=8192)

    pages = drain(world, world.online(bob))

    assert ids(pages) == [message.id for message in sent]
    assert all(len(sync_answer("r", page, 0) or "") <= 32_768 for page in pages)


def test_many_senders_in_one_id_are_all_served(world: World) -> None:
    """More rows under one id than a slice holds: the slice grows instead of standing still."""
    bob = world.account("bob")
    one = MessageId(new_uuid7(NOW))
    rows = [
        InboxRow(address(bob), MessageName(one, f"{new_uuid7(NOW)}:1"), b"\x01" + bytes(16) + b"x", 60)
        for _ in range(250)
    ]
    rows.append(
        InboxRow(address(bob), MessageName(MessageId(new_uuid7(NOW + 5)), f"{bob}:2"), rows[0].envelope, 60)
    )
    world.inbox.put(rows)

    pages = drain(world, world.online(bob))

    names = [event.name for page in pages for event in page.events if isinstance(event, MessageEvent)]
    assert names == sorted(row.name for row in rows)


def test_a_drain_crosses_weeks(world: World) -> None:
    """A message of 29 days ago and one of today: two partitions, one drain."""
    alice, bob = world.account("alice"), world.account("bob")
    world.time = NOW - 29 * DAY
    old = put(world, alice, bob, 1)
    world.time = NOW
    new = put(world, alice, bob, 1)

    assert ids(drain(world, world.online(bob))) == [old[0].id, new[0].id]


def test_a_mark_skips_what_lies_below_it(world: World) -> None:
    """Rows below the mark are not read: that is where the tombstones are."""
    alice, bob = world.account("alice"), world.account("bob")
    world.time = NOW - DAY
    put(world, alice, bob, 1)
    world.time = NOW
    new = put(world, alice, bob, 1)

    assert ids(drain(world, world.online(bob), SyncRequest(mark=NOW - MINUTE))) == [new[0].id]


@pytest.mark.parametrize("mark", [NOW + 2 * 3_600_000, NOW + 40 * DAY, 281_474_976_710_655])
def test_a_mark_in_the_future_loses_nothing(world: World, mark: int) -> None:
    """A clock that was wrong told it: it is no mark, and what waits since days is served."""
    alice, bob = world.account("alice"), world.account("bob")
    world.time = NOW - DAY
    old = put(world, alice, bob, 1)
    world.time = NOW
    new = put(world, alice, bob, 1)

    pages = drain(world, world.online(bob), SyncRequest(mark=mark))

    assert ids(pages) == [old[0].id, new[0].id]


def test_the_mark_is_the_time_of_the_first_page_less_five_minutes(world: World) -> None:
    """However long the drain took: what came in meanwhile lies above it."""
    alice, bob = world.account("alice"), world.account("bob")
    put(world, alice, bob, 200)
    socket = world.online(bob)
    first = run(world, socket)
    world.time = NOW + 3 * MINUTE

    last = run(world, socket, SyncRequest(token=first.token))

    assert last.caught_up is not None
    assert last.caught_up.mark == NOW - MARK_MARGIN
    assert last.caught_up.time == NOW + 3 * MINUTE


def test_what_the_device_has_is_not_sent_again(world: World) -> None:
    """Names in ``have`` are skipped; their rows stay until they are acknowledged."""
    alice, bob = world.account("alice"), world.account("bob")
    sent = put(world, alice, bob, 2)
    have = frozenset({MessageName(sent[0].id, f"{alice}:1")})

    assert ids(drain(world, world.online(bob), SyncRequest(have=have))) == [sent[1].id]
    assert len(world.inbox) == 2


def test_a_forged_token_is_refused_before_anything_is_written(world: World) -> None:
    """Another device's token, a cut one, and nonsense."""
    alice, bob = world.account("alice"), world.account("bob")
    put(world, alice, bob, 1)
    socket = world.online(bob)
    world.connections.remove(socket)
    foreign = PageToken(NOW, MessageName(MessageId(new_uuid7(NOW)), f"{alice}:1")).encode(address(alice))

    for token in (foreign, foreign[:-4], "AAAA", "x"):
        with pytest.raises(ChatError) as refused:
            run(world, socket, SyncRequest(token=token))
        assert refused.value.code == Code.BAD_TOKEN
    assert world.connections.rows == set()


def test_the_keys_that_are_left_are_read_where_they_are_asked_for(world: World) -> None:
    """At the end of the drain, of the asking device alone; otherwise nothing is read for them."""
    alice = world.account("alice", 2)
    for number, device in enumerate((1, 2, 2)):
        world.prekeys.add(address(alice, device), Kind.ONE_TIME, Prekey(number, bytes(32)))
    socket = world.online(alice)

    silent, told = (run(world, socket, SyncRequest(keys=asked)).caught_up for asked in (False, True))

    assert silent
    assert told
    assert (silent.keys, told.keys) == (None, Left(1, 0))


def test_stored_receipts_come_with_the_name_of_their_row(world: World) -> None:
    """So that the device can acknowledge it as quiet."""
    alice, bob = world.account("alice"), world.account("bob")
    [sent] = put(world, alice, bob, 1)
    world.cards.accept(bob, alice)
    name = MessageName(sent.id, f"{alice}:1")
    acknowledge(address(bob), Ack(delivered=(name,)), **world.delivery, encode=event_frames, now=world.time)

    [event] = run(world, world.online(alice)).events

    assert isinstance(event, ReceiptEvent)
    assert event.names == (name,)
    assert event.row in world.inbox.rows[address(alice)]


def test_a_row_of_a_kind_that_is_not_known_here_does_not_stop_the_drain(world: World) -> None:
    """A newer version wrote it; it stays for that version, and what lies behind it is served."""
    alice, bob = world.account("alice"), world.account("bob")
    name = MessageName(MessageId(new_uuid7(NOW)), f"{alice}:1")
    world.inbox.put([InboxRow(address(bob), name, b"\xff new", 60)])
    [sent] = put(world, alice, bob, 1)

    assert ids(drain(world, world.online(bob))) == [sent.id]
    assert name in world.inbox.rows[address(bob)]


class TestUnreceipted:
    """``delivered`` for messages whose receipt was lost, from the presence of inbox rows."""

    def ask(self, world: World, sender: AccountId, to: AccountId, message: OutgoingMessage) -> list[str]:
        """The statuses that a sync of the sender brings."""
        asked = {to: (MessageName(message.id, f"{sender}:1"),)}
        page = run(world, world.online(sender), SyncRequest(unreceipted=asked))
        return [event.status.value for event in page.events if isinstance(event, ReceiptEvent)]

    def test_a_message_that_left_the_inbox_is_delivered(self, world: World) -> None:
        """The receipt got lost; the row is gone."""
        alice, bob = world.account("alice"), world.account("bob")
        [sent] = put(world, alice, bob, 1)
        world.cards.accept(bob, alice)
        world.inbox.rows.clear()

        assert self.ask(world, alice, bob, sent) == ["delivered"]

    def test_a_waiting_message_is_not(self, world: World) -> None:
        """Its row is there."""
        alice, bob = world.account("alice"), world.account("bob")
        [sent] = put(world, alice, bob, 1)
        world.cards.accept(bob, alice)

        assert self.ask(world, alice, bob, sent) == []

    def test_nothing_is_said_to_accounts_the_recipient_never_accepted(self, world: World) -> None:
        """Otherwise it would be the beacon that quiet receipts prevent."""
        alice, bob = world.account("alice"), world.account("bob")
        [sent] = put(world, alice, bob, 1)
        world.inbox.rows.clear()

        assert self.ask(world, alice, bob, sent) == []

    def test_nothing_is_said_of_what_was_sent_while_blocked(self, world: World) -> None:
        """Such a message was never stored: that its row is missing proves nothing, also after the unblock."""
        alice, bob = world.account("alice"), world.account("bob")
        world.cards.accept(bob, alice)
        world.cards.block(bob, alice)
        [sent] = put(world, alice, bob, 1)

        assert self.ask(world, alice, bob, sent) == []
        world.time = NOW + MINUTE
        world.cards.unblock(bob, alice, world.time)
        assert self.ask(world, alice, bob, sent) == []

    def test_a_block_is_not_read_off_the_time_it_takes(self, world: World) -> None:
        """The same calls whether the recipient blocks the asker or has the message still waiting."""
        alice, bob = world.account("alice"), world.account("bob")
        world.cards.accept(bob, alice)
        [sent] = put(world, alice, bob, 1)
        calls = record(world)
        seen = []
        for _ in range(2):
            calls.clear()
            assert self.ask(world, alice, bob, sent) == []
            seen.append(list(calls))
            world.cards.block(bob, alice)
            world.inbox.rows.clear()

        assert seen[0] == seen[1]

    def test_a_device_that_was_linked_later_proves_nothing(self, world: World) -> None:
        """It never got a row; the one that did still has it."""
        alice, bob = world.account("alice"), world.account("bob")
        [sent] = put(world, alice, bob, 1)
        world.cards.accept(bob, alice)
        world.add_device(bob, b"k" * 32, at=NOW + 10 * MINUTE)

        assert self.ask(world, alice, bob, sent) == []

    def test_a_young_device_proves_nothing_where_another_was_removed(self, world: World) -> None:
        """The removed one had the row; the new one was linked a second after the message was stored."""
        alice, bob = world.account("alice"), world.account("bob")
        [sent] = put(world, alice, bob, 1)
        world.cards.accept(bob, alice)
        world.cards.replace(world.add_device(bob, b"k" * 32, at=NOW + 1_000).without(DeviceId(1)))

        assert self.ask(world, alice, bob, sent) == []

    def test_an_account_that_is_younger_than_the_message_may_be_is_answered(self, world: World) -> None:
        """No device left it, so the one there is got the row and removed it."""
        alice, bob = world.account("alice"), world.account("bob", added_at=NOW)
        [sent] = put(world, alice, bob, 1)
        world.cards.accept(bob, alice)
        world.inbox.rows.clear()

        assert self.ask(world, alice, bob, sent) == ["delivered"]

    def test_messages_of_others_are_not_answered(self, world: World) -> None:
        """One can ask only after what one's own account sent."""
        alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
        [sent] = put(world, carol, bob, 1)
        world.cards.accept(bob, alice)
        world.inbox.rows.clear()
        asked = {bob: (MessageName(sent.id, f"{carol}:1"),)}

        page = run(world, world.online(alice), SyncRequest(unreceipted=asked))

        assert json.loads(sync_answer("r", page, 0) or "")["events"] == []
