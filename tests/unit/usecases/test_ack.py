"""``ack``: who is told, what is stored for those who are away, which rows go."""

from __future__ import annotations

import pytest
from chat.domain.envelope import StoredReceipt, decode
from chat.domain.ids import AccountId, DeviceId, MessageName, conversation_of
from chat.errors import ChatError, Code
from chat.ports.inbox import InboxRow
from chat.usecases.ack import acknowledge
from chat.usecases.receipts import RECEIPT_TTL, Ack
from chat.usecases.send import send
from chat.wire.frames import event_frames

from tests.fakes.storage import FakeCards
from tests.fakes.world import World, address


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def deliver(world: World, sender: AccountId, to: AccountId, count: int = 1) -> list[MessageName]:
    """Put messages of device 1 of ``sender`` into the inbox of ``to``."""
    messages = [world.message(to) for _ in range(count)]
    send(address(sender), messages, **world.delivery, encode=event_frames, now=world.time)
    world.sockets.frames.clear()
    return [MessageName(message.id, f"{sender}:1") for message in messages]


def ack(world: World, account: AccountId, what: Ack, device: int = 1) -> None:
    """Acknowledge as a device of ``account``."""
    acknowledge(address(account, device), what, **world.delivery, encode=event_frames, now=world.time)


def test_rows_go_and_the_sender_is_told(world: World) -> None:
    """One receipt event for all messages of one sender."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob, 2)
    world.cards.accept(bob, alice)
    socket = world.online(alice)

    ack(world, bob, Ack(delivered=tuple(names)))

    assert world.sockets.events(socket.connection_id) == [
        {"type": "receipt", "status": "delivered", "by": f"{bob}:1", "messages": [list(n) for n in names]}
    ]
    assert len(world.inbox) == 0


@pytest.mark.parametrize(
    ("leaves", "expected"), [((2,), Code.DEVICE_REMOVED), ((1, 2), Code.ACCOUNT_REPLACED)]
)
def test_a_device_that_is_gone_acknowledges_nothing(
    world: World, leaves: tuple[int, ...], expected: Code
) -> None:
    """Its socket may have opened just after it was removed: no row goes, and nobody hears of it."""
    alice, bob = world.account("alice"), world.account("bob", 2)
    world.cards.accept(bob, alice)
    names = deliver(world, alice, bob)
    world.online(alice)
    world.cards.replace(world.cards.lists[bob].without(*map(DeviceId, leaves)))
    world.inbox.put([InboxRow(address(bob, 2), name, b"", 1) for name in names])
    waiting = len(world.inbox)

    with pytest.raises(ChatError) as refused:
        ack(world, bob, Ack(delivered=tuple(names)), device=2)

    assert refused.value.code is expected
    assert (len(world.inbox), world.sockets.frames) == (waiting, {})


def test_receipts_go_out_before_rows_go(world: World) -> None:
    """A crash in between leaves the rows: they are acknowledged again, and the sender is told again."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob)
    world.cards.accept(bob, alice)
    world.online(alice)
    world.sockets.on_post = lambda _id: world.inbox.log.append("post")

    ack(world, bob, Ack(delivered=tuple(names)))

    assert world.inbox.log == ["put", "post", "remove"]


def test_read_implies_delivered(world: World) -> None:
    """A message named under both gets one receipt, the higher one."""
    alice, bob = world.account("alice"), world.account("bob")
    names = tuple(deliver(world, alice, bob))
    world.cards.accept(bob, alice)
    socket = world.online(alice)

    ack(world, bob, Ack(delivered=names, read={conversation_of(alice, bob): names}))

    assert [event["status"] for event in world.sockets.events(socket.connection_id)] == ["read"]


def test_a_sending_device_without_a_socket_finds_a_row(world: World) -> None:
    """Only the device that sent it, for seven days, named by the acking device and the status."""
    alice, bob = world.account("alice", 2), world.account("bob")
    message = world.message(bob, own=(2,))
    send(address(alice), [message], **world.delivery, encode=event_frames, now=world.time)
    world.inbox.rows.pop(address(alice, 2))
    world.cards.accept(bob, alice)
    world.online(alice, 2)
    name = MessageName(message.id, f"{alice}:1")

    ack(world, bob, Ack(delivered=(name,)))

    [(row, blob)] = world.inbox.rows[address(alice, 1)].items()
    assert row.sender == f"{bob}:1/delivered"
    assert decode(blob) == StoredReceipt((name,))
    assert world.inbox.ttl[address(alice, 1), row] == RECEIPT_TTL
    assert address(alice, 2) not in world.inbox.rows


def test_accounts_one_never_accepted_get_no_receipt(world: World) -> None:
    """A stranger cannot use receipts as a beacon; the row goes all the same."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob)
    socket = world.online(alice)

    ack(world, bob, Ack(delivered=tuple(names)))

    assert world.sockets.events(socket.connection_id) == []
    assert len(world.inbox) == 0


@pytest.mark.parametrize("blocker", ["sender", "recipient"])
def test_a_block_on_either_side_stops_receipts(world: World, blocker: str) -> None:
    """Neither the blocked one nor the blocking one hears of the other."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob)
    world.cards.accept(bob, alice)
    world.cards.block(*((alice, bob) if blocker == "sender" else (bob, alice)))
    socket = world.online(alice)

    ack(world, bob, Ack(delivered=tuple(names)))

    assert world.sockets.events(socket.connection_id) == []


def test_quiet_rows_go_without_a_word(world: World) -> None:
    """Also the row of a stored receipt, whose name is no message's."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob)
    world.cards.accept(bob, alice)
    ack(world, bob, Ack(delivered=tuple(names)))
    [stored] = world.inbox.rows[address(alice)]

    ack(world, alice, Ack(quiet=(stored,)))

    assert len(world.inbox) == 0
    assert world.sockets.frames == {}


def test_nobody_removes_rows_of_another_device(world: World) -> None:
    """The partition and the device come from the authorizer: a foreign name deletes nothing."""
    alice, bob, mallory = world.account("alice"), world.account("bob"), world.account("mallory")
    names = deliver(world, alice, bob)

    ack(world, mallory, Ack(delivered=tuple(names), quiet=tuple(names)))

    assert len(world.inbox.rows[address(bob)]) == 1


def test_a_wrong_conversation_is_refused_before_anything_happens(world: World) -> None:
    """BAD_CONVERSATION; the row stays and nobody is told."""
    alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
    names = tuple(deliver(world, alice, bob))
    world.cards.accept(bob, alice)

    with pytest.raises(ChatError) as refused:
        ack(world, bob, Ack(read={conversation_of(bob, carol): names}))

    assert refused.value.code == Code.BAD_CONVERSATION
    assert len(world.inbox) == 1


def test_acknowledging_again_changes_nothing(world: World) -> None:
    """A repeat of an ack whose rows are gone tells the sender again and is no error."""
    alice, bob = world.account("alice"), world.account("bob")
    names = deliver(world, alice, bob)
    world.cards.accept(bob, alice)
    socket = world.online(alice)

    for _ in range(2):
        ack(world, bob, Ack(delivered=tuple(names)))

    assert [event["status"] for event in world.sockets.events(socket.connection_id)] == ["delivered"] * 2
    assert len(world.inbox) == 0


def test_a_read_receipt_alone_removes_nothing(world: World) -> None:
    """It is for rows that went with an earlier ack; the names of both kinds of `read` share one event."""
    alice, bob = world.account("alice"), world.account("bob")
    first, second = deliver(world, alice, bob, 2)
    world.cards.accept(bob, alice)
    socket = world.online(alice)
    conversation = conversation_of(alice, bob)

    ack(world, bob, Ack(read={conversation: (second,)}, read_receipts={conversation: (first,)}))

    (receipt,) = world.sockets.events(socket.connection_id)
    assert (receipt["status"], receipt["messages"]) == ("read", [list(second), list(first)])
    assert set(world.inbox.rows[address(bob)]) == {first}


def test_a_read_receipt_belongs_to_its_conversation(world: World) -> None:
    """As every `read` does."""
    alice, bob = world.account("alice"), world.account("bob")
    (name,) = deliver(world, alice, bob)

    with pytest.raises(ChatError) as refused:
        ack(world, bob, Ack(read_receipts={conversation_of(bob, bob): (name,)}))

    assert refused.value.code is Code.BAD_CONVERSATION


def test_a_device_that_was_just_added_may_acknowledge(world: World) -> None:
    """A stale card lacks it; the card is read again before anybody is refused."""
    alice, bob = world.account("alice"), world.account("bob")
    (name,) = deliver(world, alice, bob)
    world.cards.a_moment_ago = FakeCards()

    ack(world, bob, Ack(delivered=(name,)))

    assert len(world.inbox) == 0
