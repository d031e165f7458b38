"""``send``: what is stored, who is woken, what is refused."""

from __future__ import annotations

import dataclasses

import pytest
from chat.domain.envelope import StoredMessage, decode
from chat.domain.ids import AccountId, DeviceId, MessageId, MessageName, conversation_of, new_uuid7
from chat.errors import ChatError, Code
from chat.ports.inbox import InboxRow
from chat.ports.sockets import Outcome
from chat.ports.storage import RowsMissing, StorageUnavailable
from chat.usecases.receipts import Ack
from chat.usecases.send import CIPHERTEXT_LIMIT, OutgoingMessage, SendOutcome, send
from chat.wire.frames import event_frames

from tests.fakes.calls import record
from tests.fakes.world import NOW, World, address


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def run(
    world: World, sender: str, *messages: OutgoingMessage, ack: Ack | None = None, device: int = 1
) -> SendOutcome:
    """Send as a device of ``sender``."""
    return send(address(sender, device), messages, ack, **world.delivery, encode=event_frames, now=world.time)  # type: ignore[arg-type]


def codes(outcome: SendOutcome) -> list[Code | None]:
    """The error code of each message, None where it was accepted."""
    return [result.error.code if result.error else None for result in outcome.results]


def test_every_device_of_both_sides_gets_a_row_with_its_own_ciphertext(world: World) -> None:
    """Two devices a side: the recipient's two and the sender's other one each get their own text."""
    alice, bob = world.account("alice", 2), world.account("bob", 2)
    message = world.message(bob, devices=2, own=(2,))

    assert codes(run(world, alice, message)) == [None]

    name = MessageName(message.id, f"{alice}:1")
    stored = {device: decode(rows[name]) for device, rows in world.inbox.rows.items()}
    assert stored == {
        address(bob, 1): StoredMessage(bob, b"for 1"),
        address(bob, 2): StoredMessage(bob, b"for 2"),
        address(alice, 2): StoredMessage(bob, b"own 2"),
    }


def test_rows_are_written_before_connections_are_read(world: World) -> None:
    """A socket that opens after the read drains the row; the other order would lose the wake-up."""
    alice, bob = world.account("alice"), world.account("bob")
    order: list[str] = []
    put, of_accounts = world.inbox.put, world.connections.of_accounts
    world.inbox.put = lambda rows: (order.append("write"), put(rows))[1]  # type: ignore[method-assign,func-returns-value]
    world.connections.of_accounts = lambda accounts: (order.append("read"), of_accounts(accounts))[1]  # type: ignore[method-assign]

    run(world, alice, world.message(bob))

    assert order == ["write", "read"]


def test_a_live_device_gets_only_its_own_event(world: World) -> None:
    """The event carries id, sender, recipient and this device's ciphertext."""
    alice, bob = world.account("alice"), world.account("bob", 2)
    socket = world.online(bob, 2)
    message = world.message(bob, devices=2)

    run(world, alice, message)

    assert world.sockets.events(socket.connection_id) == [
        {"type": "message", "id": message.id, "sender": f"{alice}:1", "to": bob, "ciphertext": "Zm9yIDI"}
    ]


def test_a_post_is_not_delivery(world: World) -> None:
    """After a post that was taken the row is still there: only an ack removes it."""
    alice, bob = world.account("alice"), world.account("bob")
    world.online(bob)

    run(world, alice, world.message(bob))

    assert len(world.inbox) == 1


def test_a_gone_socket_loses_its_row_and_no_other(world: World) -> None:
    """Of two sockets the dead one's row goes, by its full key."""
    alice, bob = world.account("alice"), world.account("bob")
    dead, live = world.online(bob, name="dead"), world.online(bob, name="live")
    world.sockets.outcomes["dead"] = Outcome.GONE

    run(world, alice, world.message(bob))

    assert world.connections.rows == {live}
    assert dead not in world.connections.rows


def test_a_failed_post_leaves_the_socket_and_accepts_the_message(world: World) -> None:
    """A throttled or broken post costs nothing: the next sync brings the row."""
    alice, bob = world.account("alice"), world.account("bob")
    socket = world.online(bob)
    world.sockets.outcomes[socket.connection_id] = Outcome.FAILED

    assert codes(run(world, alice, world.message(bob))) == [None]
    assert world.connections.rows == {socket}


@pytest.mark.parametrize(("offset", "code"), [(-121_000, Code.ID_STALE), (11_000, Code.ID_AHEAD)])
def test_an_id_outside_the_window_writes_nothing(world: World, offset: int, code: Code) -> None:
    """Two minutes back, ten seconds ahead; the refusal tells the server's time."""
    alice, bob = world.account("alice"), world.account("bob")
    message = world.message(bob, id=MessageId(new_uuid7(NOW + offset)))

    outcome = run(world, alice, message)

    assert codes(outcome) == [code]
    assert outcome.results[0].error is not None
    assert outcome.results[0].error.details == {"time": NOW}
    assert len(world.inbox) == 0


@pytest.mark.parametrize("offset", [-119_000, 9_000])
def test_an_id_inside_the_window_is_accepted(world: World, offset: int) -> None:
    """The edges of the window are inside."""
    alice, bob = world.account("alice"), world.account("bob")

    assert codes(run(world, alice, world.message(bob, id=MessageId(new_uuid7(NOW + offset))))) == [None]


def test_a_wrong_device_list_is_refused_with_what_differs(world: World) -> None:
    """Missing, extra and stale devices of both accounts are named; nothing is written."""
    alice, bob = world.account("alice", 2), world.account("bob", 3)
    world.cards.replace(world.cards.lists[bob].without(address(bob, 1).device))
    message = OutgoingMessage(MessageId(new_uuid7(NOW)), bob, {1: b"x", 2: b"x", 9: b"x"})  # type: ignore[dict-item]

    outcome = run(world, alice, message)

    assert codes(outcome) == [Code.DEVICE_LIST_STALE]
    assert outcome.results[0].error is not None
    assert outcome.results[0].error.details == {
        "devices": {
            bob: {"version": 2, "missing": (3,), "extra": (9,), "stale": (1,)},
            alice: {"version": 1, "missing": (2,), "extra": (), "stale": ()},
        }
    }
    assert len(world.inbox) == 0


def test_the_first_refused_message_refuses_the_later_ones_of_its_conversation(world: World) -> None:
    """Others in the frame go through, so nothing overtakes and nothing waits without need."""
    alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
    good, bad = world.message(bob), world.message(bob, devices=0)

    outcome = run(world, alice, good, bad, world.message(bob), world.message(carol))

    assert codes(outcome) == [None, Code.DEVICE_LIST_STALE, Code.EARLIER_REFUSED, None]


def test_ids_of_a_conversation_must_rise_within_a_frame(world: World) -> None:
    """A lower or equal id behind a higher one is refused."""
    alice, bob = world.account("alice"), world.account("bob")
    first = world.message(bob)

    outcome = run(world, alice, first, dataclasses.replace(first, devices=first.devices))

    assert codes(outcome) == [None, Code.ID_ORDER]


def test_storage_that_fails_leaves_the_message_unaccepted(world: World) -> None:
    """The message is refused as UNAVAILABLE, the later one of its conversation waits behind it."""
    alice, bob = world.account("alice"), world.account("bob")

    def broken(_rows: list[InboxRow]) -> None:
        raise StorageUnavailable

    world.inbox.put = broken  # type: ignore[assignment,method-assign]

    outcome = run(world, alice, world.message(bob), world.message(bob))

    assert codes(outcome) == [Code.UNAVAILABLE, Code.EARLIER_REFUSED]


def test_only_messages_whose_rows_may_be_missing_are_refused(world: World) -> None:
    """All rows of a frame are written at once; bob's fail, and carol's message is accepted all the same."""
    alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
    written: list[int] = []

    def broken(rows: list[InboxRow]) -> None:
        written.append(len(rows))
        raise RowsMissing(frozenset((bob,)))

    world.inbox.put = broken  # type: ignore[assignment,method-assign]

    outcome = run(world, alice, world.message(bob), world.message(carol), world.message(bob))

    assert written == [3]
    assert codes(outcome) == [Code.UNAVAILABLE, None, Code.EARLIER_REFUSED]


def test_a_copy_of_the_senders_own_that_may_be_missing_refuses_its_message(world: World) -> None:
    """Accepted means every row, the sender's other devices' included."""
    alice, bob = world.account("alice", 2), world.account("bob")

    def broken(_rows: list[InboxRow]) -> None:
        raise RowsMissing(frozenset((alice,)))

    world.inbox.put = broken  # type: ignore[assignment,method-assign]

    assert codes(run(world, alice, world.message(bob, own=(2,)))) == [Code.UNAVAILABLE]


def test_a_retry_rewrites_the_same_rows(world: World) -> None:
    """Twenty times the same id and bytes: one row."""
    alice, bob = world.account("alice"), world.account("bob")
    message = world.message(bob)

    for _ in range(20):
        assert codes(run(world, alice, message)) == [None]

    assert len(world.inbox) == 1


def test_two_devices_of_an_account_may_mint_one_id(world: World) -> None:
    """The sender is part of the key: neither suppresses the other."""
    alice, bob = world.account("alice", 2), world.account("bob")
    message = world.message(bob, own=(2,))

    run(world, alice, message)
    run(world, alice, dataclasses.replace(message, own={1: b"own"}), device=2)  # type: ignore[dict-item]

    assert len(world.inbox.rows[address(bob)]) == 2


def test_a_blocked_sender_sees_accepted_and_nothing_more(world: World) -> None:
    """No row and no event for the recipient; the sender's own devices still get their copy."""
    alice, bob = world.account("alice", 2), world.account("bob")
    world.cards.block(bob, alice)
    socket = world.online(bob)

    assert codes(run(world, alice, world.message(bob, own=(2,)))) == [None]

    assert address(bob) not in world.inbox.rows
    assert len(world.inbox.rows[address(alice, 2)]) == 1
    assert world.sockets.events(socket.connection_id) == []


@pytest.mark.parametrize("with_ack", [False, True])
@pytest.mark.parametrize("devices", [1, 2])
def test_the_time_an_answer_takes_tells_no_block(world: World, devices: int, with_ack: bool) -> None:
    """The same calls with as many rows as for a recipient who is away; what is written is empty and gone
    in a second.
    """
    alice, bob, carol = (world.account(handle, devices) for handle in ("alice", "bob", "carol"))
    for peer in (bob, carol):
        world.cards.accept(alice, peer)
    world.cards.block(bob, alice)
    world.online(bob)
    calls = record(world)

    def seen(peer: AccountId) -> list[str]:
        calls.clear()
        ack = Ack(delivered=(MessageName(MessageId(new_uuid7(NOW)), f"{peer}:1"),)) if with_ack else None
        own = tuple(range(2, devices + 1))
        assert codes(run(world, alice, world.message(peer, devices, own), ack=ack)) == [None]
        return list(calls)

    assert seen(bob) == seen(carol)
    assert not any(world.inbox.rows.get(address(bob, device)) for device in range(1, devices + 1))
    kept = {
        blob for device, rows in world.inbox.rows.items() if device.account == bob for blob in rows.values()
    }
    lives = {ttl for (device, _), ttl in world.inbox.ttl.items() if device.account == bob}
    assert (kept, lives) == ({b""}, {1})


def test_writing_to_somebody_one_blocked_is_refused(world: World) -> None:
    """Unblock first: an answer could not come through."""
    alice, bob = world.account("alice"), world.account("bob")
    world.cards.block(alice, bob)

    assert codes(run(world, alice, world.message(bob))) == [Code.RECIPIENT_BLOCKED]
    assert len(world.inbox) == 0


def test_to_nobody(world: World) -> None:
    """NOT_FOUND."""
    nobody = AccountId(new_uuid7(NOW))

    outcome = run(world, world.account("alice"), world.message(nobody))

    assert codes(outcome) == [Code.NOT_FOUND]


class TestToOneself:
    """A message for the other own devices alone."""

    def message(
        self, world: World, to: AccountId, *devices: int, own: tuple[int, ...] = ()
    ) -> OutgoingMessage:
        """For these own devices."""
        texts = {DeviceId(device): f"for {device}".encode() for device in devices}
        return world.message(to, own=own, devices=texts)

    def test_it_reaches_the_other_own_devices(self, world: World) -> None:
        """A row each, and the live ones are told; no relation to oneself comes of it."""
        alice = world.account("alice", 3)
        sender, other = world.online(alice), world.online(alice, 3)
        message = self.message(world, alice, 2, 3)

        assert codes(run(world, alice, message)) == [None]

        name = MessageName(message.id, f"{alice}:1")
        stored = {device: decode(rows[name]) for device, rows in world.inbox.rows.items()}
        assert stored == {address(alice, d): StoredMessage(alice, b"for %d" % d) for d in (2, 3)}
        [event] = world.sockets.events(other.connection_id)
        assert (event["sender"], event["to"]) == (f"{alice}:1", alice)
        assert world.sockets.events(sender.connection_id) == []
        assert world.cards.stands == {}

    def test_an_ack_of_it_makes_no_receipt(self, world: World) -> None:
        """Whatever the device says of it: the row goes, and that is all."""
        alice = world.account("alice", 2)
        message = self.message(world, alice, 2)
        run(world, alice, message)
        world.online(alice)
        world.sockets.frames.clear()
        name = MessageName(message.id, f"{alice}:1")
        shown = {conversation_of(alice, alice): (name,)}

        run(world, alice, device=2, ack=Ack(delivered=(name,), read=shown))

        assert (len(world.inbox), world.sockets.frames) == (0, {})

    @pytest.mark.parametrize(
        ("devices", "own", "refusal"),
        [
            ((2,), (), Code.DEVICE_LIST_STALE),
            ((2, 3, 4), (), Code.DEVICE_LIST_STALE),
            ((1, 2, 3), (), Code.DEVICE_LIST_STALE),
            ((2, 3), (2, 3), Code.BAD_RECIPIENT),
            ((2,), (3,), Code.BAD_RECIPIENT),
        ],
    )
    def test_exactly_the_others(
        self, world: World, devices: tuple[int, ...], own: tuple[int, ...], refusal: Code
    ) -> None:
        """Not the sending device, none left out, and no copies besides; nothing is written."""
        alice = world.account("alice", 3)

        outcome = run(world, alice, self.message(world, alice, *devices, own=own))

        assert codes(outcome) == [refusal]
        assert len(world.inbox) == 0

    def test_what_differs_is_told(self, world: World) -> None:
        """As for any own copies: the sending device is one too many."""
        alice = world.account("alice", 3)

        [result] = run(world, alice, self.message(world, alice, 1, 2)).results

        assert result.error is not None
        assert result.error.details["devices"] == {
            alice: {"version": 1, "missing": (3,), "extra": (1,), "stale": ()}
        }

    def test_an_only_device_has_nobody_to_write_to(self, world: World) -> None:
        """BAD_RECIPIENT, whatever it names."""
        alice = world.account("alice")

        for devices in ((), (1,), (2,)):
            outcome = run(world, alice, self.message(world, alice, *devices))
            assert codes(outcome) == [Code.BAD_RECIPIENT]


def test_a_ciphertext_over_8_kib_is_too_large(world: World) -> None:
    """Exactly 8 KiB passes."""
    alice, bob = world.account("alice"), world.account("bob")
    big, fits = (
        dataclasses.replace(world.message(bob), devices={DeviceId(1): b"x" * size})
        for size in (CIPHERTEXT_LIMIT + 1, CIPHERTEXT_LIMIT)
    )

    assert codes(run(world, alice, big)) == [Code.TOO_LARGE]
    assert codes(run(world, alice, fits)) == [None]


def test_a_removed_device_cannot_send(world: World) -> None:
    """Its socket may still be open for a moment: the whole frame is refused."""
    alice, bob = world.account("alice", 2), world.account("bob")
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))

    with pytest.raises(ChatError) as refused:
        run(world, alice, world.message(bob), device=2)

    assert refused.value.code == Code.DEVICE_REMOVED


def test_the_first_message_accepts_the_recipient(world: World) -> None:
    """From then on the recipient gets receipts from the sender."""
    alice, bob = world.account("alice"), world.account("bob")

    run(world, alice, world.message(bob))

    assert world.cards.stands[alice, bob].accepted


def test_an_ack_that_rides_on_an_answer_shares_its_frame(world: World) -> None:
    """Bob answers and acknowledges in one frame: so does what alice gets, and the row goes."""
    alice, bob = world.account("alice"), world.account("bob")
    first = world.message(bob)
    run(world, alice, first)
    socket = world.online(alice)
    ack = Ack(delivered=(MessageName(first.id, f"{alice}:1"),))

    run(world, bob, world.message(alice), ack=ack)

    assert len(world.sockets.frames[socket.connection_id]) == 1
    assert [event["type"] for event in world.sockets.events(socket.connection_id)] == ["receipt", "message"]
    assert not world.inbox.rows[address(bob)]


def test_a_bad_ack_does_not_spoil_the_send(world: World) -> None:
    """The message is accepted, the ack is reported and removes nothing."""
    alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
    first = world.message(bob)
    run(world, alice, first)
    ack = Ack(read={conversation_of(bob, carol): (MessageName(first.id, f"{alice}:1"),)})

    outcome = run(world, bob, world.message(alice), ack=ack)

    assert codes(outcome) == [None]
    assert outcome.ack_error is not None
    assert outcome.ack_error.code == Code.BAD_CONVERSATION
    assert len(world.inbox.rows[address(bob)]) == 1


def test_expiry_classes_set_the_life_of_the_rows(world: World) -> None:
    """1h is an hour, the default 30 days."""
    alice, bob = world.account("alice"), world.account("bob")
    short, usual = world.message(bob, expires="1h"), world.message(bob)

    run(world, alice, short)
    run(world, alice, usual)

    lives = {name.id: ttl for (_, name), ttl in world.inbox.ttl.items()}
    assert lives == {short.id: 3600, usual.id: 30 * 86_400}
