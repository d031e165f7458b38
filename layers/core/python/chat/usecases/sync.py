"""First frame of a socket, keep-alive, and the next page: assert the connection, then drain the inbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from chat import observability
from chat.domain.devices import FIRST_DEVICE, DeviceList
from chat.domain.envelope import Status, StoredMessage, decode
from chat.domain.events import Event, MessageEvent, Reason, ReceiptEvent
from chat.domain.ids import (
    DAY,
    MINUTE,
    NEWEST_ID,
    OLDEST_ID,
    AccountId,
    Address,
    MessageId,
    MessageName,
    milliseconds_of,
    new_uuid7,
    week_of,
)
from chat.domain.page_token import PageToken
from chat.domain.page_token import decode as decode_token
from chat.domain.prekeys import Left
from chat.errors import ChatError, Code, unavailable
from chat.ports.accounts import Cards
from chat.ports.connections import Connection, Connections, ConnectNumbers
from chat.ports.inbox import Inbox, StoredRow
from chat.ports.prekeys import Prekeys
from chat.ports.sockets import SocketGateway
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases import ack as acking
from chat.usecases import keys, live, removal
from chat.usecases.receipts import Ack

MARK_MARGIN = 5 * MINUTE
"""How far below the first page's time the mark stays: an id may be 2 minutes old, clocks differ (ms)."""

OLDEST_ROW = 30 * DAY + MARK_MARGIN
"""The inbox keeps no row longer (ms)."""

FIRST_SYNC = 5 * MINUTE
"""A sync so soon after the connect is the first of its socket, not a keep-alive (ms)."""

PAGE_BYTES = 31_000
"""Events of one page: with the rest of the answer under the 32 KB of a frame."""

PAGE_ROWS = 100
"""Rows read at once."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What the client said; all of it optional."""

    token: str | None = None
    mark: int = 0
    have: frozenset[MessageName] = frozenset()
    unreceipted: Mapping[AccountId, tuple[MessageName, ...]] | None = None
    ack: Ack | None = None
    keys: bool = False


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The end of a drain. ``keys``: the one-time keys that are left, where they were asked for."""

    time: int
    mark: int
    device_list_version: int
    keys: Left | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page: a token for the next one, or caught_up. Both None: the socket was closed."""

    events: Sequence[Event]
    token: str | None = None
    caught_up: CaughtUp | None = None
    ack_error: ChatError | None = None


def sync(
    connection: Connection,
    previous_number: int,
    request: SyncRequest,
    *,
    cards: Cards,
    connect_numbers: ConnectNumbers,
    connections: Connections,
    inbox: Inbox,
    prekeys: Prekeys,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    size_of: live.SizeOf,
    now: int,
) -> Page:
    """Assert the connection, check the device, settle rival sockets, acknowledge, then read a page.

    The row is there before the inbox is read: a sender writes rows before it reads connections, so one of
    the two sees the other. It is written only where it is missing.
    Every page may be asked for again; nothing here removes a row but ``ack``.
    The first sync of a device's day also removes the account's devices that nobody has seen for a month:
    ``previous_number`` is that of the connect before, so this costs a read of their numbers once a day.
    Raises ChatError BAD_TOKEN before anything is written; DEVICE_REMOVED or ACCOUNT_REPLACED where the device
    goes while its ack is served.
    """
    device = connection.address
    token = decode_token(request.token, device) if request.token else None
    found = _assert_connection(connection, connections) if token is None else []
    own = cards.devices(device.account)
    if own is None or own.find(device.device) is None:
        reason: Reason = own.refusal if own else "DEVICE_REMOVED"
        live.close(connection, reason, connections=connections, sockets=sockets, encode=encode)
        return Page(())
    if token is None and not _settle_rivals(connection, found, connections, sockets, encode):
        return Page(())
    if token is None and _begins_a_day(connection, previous_number, now):
        with suppress(ChatError, StorageUnavailable, OutcomeUnknown):  # it is no business of this device
            own = removal.remove_unseen(
                own,
                connection.device,
                cards=cards,
                connect_numbers=connect_numbers,
                connections=connections,
                sockets=sockets,
                encode=encode,
                now=now,
            )
    ack_error = _acknowledge(device, request.ack, cards, connections, inbox, sockets, encode, now)

    started_at = token.started_at if token else now
    events: list[Event] = list(_unreceipted(device, request.unreceipted or {}, cards, inbox, now))
    last = _drain(device, request, token, inbox, events, size_of, now)
    observability.drained(device, events, is_full=last is not None)
    if last is not None:
        return Page(events, token=PageToken(started_at, last).encode(device), ack_error=ack_error)
    mark = max(0, min(started_at, now) - MARK_MARGIN)
    remaining = keys.left(device, prekeys=prekeys) if request.keys else None
    return Page(events, caught_up=CaughtUp(now, mark, own.version, remaining), ack_error=ack_error)


def _begins_a_day(connection: Connection, previous_number: int, now: int) -> bool:
    """Whether this is the beginning of the device's first socket of a day (UTC)."""
    is_new = now - connection.connect_number < FIRST_SYNC
    return is_new and connection.connect_number // DAY != previous_number // DAY


def _assert_connection(connection: Connection, connections: Connections) -> list[Connection]:
    """The account's sockets, this one among them: its row is written again if a 410 took it.

    Then they are read again: a rival that came in between has seen the row, or is seen here.
    """
    found = connections.of_account(connection.account)
    if connection in found:
        return found
    connections.add(connection)
    return connections.of_account(connection.account)


def _settle_rivals(
    connection: Connection,
    found: Sequence[Connection],
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
) -> bool:
    """Close the older sockets of this device; False if this is the older one, which is closed instead.

    Ordered by the number that the device signed, never by a clock of ours.
    """
    rivals = [
        other
        for other in found
        if other.device == connection.device and other.connection_id != connection.connection_id
    ]
    if any(other.connect_number > connection.connect_number for other in rivals):
        live.close(connection, "REPLACED", connections=connections, sockets=sockets, encode=encode)
        return False
    for other in rivals:
        live.close(other, "REPLACED", connections=connections, sockets=sockets, encode=encode)
    return True


def _acknowledge(
    device: Address,
    what: Ack | None,
    cards: Cards,
    connections: Connections,
    inbox: Inbox,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    now: int,
) -> ChatError | None:
    """The ack that rides along; what goes wrong with it alone does not spoil the page."""
    if what is None:
        return None
    try:
        acking.acknowledge(
            device,
            what,
            cards=cards,
            connections=connections,
            inbox=inbox,
            sockets=sockets,
            encode=encode,
            now=now,
        )
    except ChatError as error:
        if error.code is not Code.BAD_CONVERSATION:
            raise
        return error
    except StorageUnavailable:
        return unavailable()
    return None


def _drain(
    device: Address,
    request: SyncRequest,
    token: PageToken | None,
    inbox: Inbox,
    events: list[Event],
    size_of: live.SizeOf,
    now: int,
) -> MessageName | None:
    """Append the rows of one page to ``events``. Returns where it ended if there may be more."""
    # A mark ahead of now was told by a clock that was wrong: it says nothing of what was read.
    oldest = max(request.mark if request.mark <= now else 0, now - OLDEST_ROW)
    since = MessageId(_first_id(oldest))
    last = MessageName(since, "")
    if token is not None:
        last = max(last, token.last)
    room = PAGE_BYTES - sum(size_of(event) for event in events)
    for week in range(week_of(milliseconds_of(last.id)), week_of(now + NEWEST_ID) + 1):
        for row in _rows_after(last, device, week, inbox):
            if row.name in request.have:
                continue
            event = _event(row)
            if event is None:
                continue
            room -= size_of(event)
            if room < 0:
                return last
            events.append(event)
            last = row.name
    return None


def _rows_after(last: MessageName, device: Address, week: int, inbox: Inbox) -> Iterator[StoredRow]:
    """The rows of one week behind ``last``, read in slices.

    A slice begins at an id, not behind a name (Keyspaces compares no tuples), so it may begin with rows
    seen before; where one id fills a slice, the slice grows.
    """
    since, limit = last.id, PAGE_ROWS
    while True:
        rows = inbox.page(device, week, since, limit)
        yield from (row for row in rows if row.name > last)
        if len(rows) < limit:
            return
        if rows[-1].name.id == since:
            limit *= 2
        last, since = max(last, rows[-1].name), rows[-1].name.id


def _first_id(milliseconds: int) -> str:
    """The lowest UUIDv7 text of that time."""
    return new_uuid7(milliseconds)[:14] + "7000-8000-000000000000"


def _event(row: StoredRow) -> Event | None:
    """The event of a row; None for a kind that only a newer version knows: the row waits for it."""
    try:
        stored = decode(row.envelope)
    except ValueError:
        return None
    if isinstance(stored, StoredMessage):
        return MessageEvent(row.name, stored.to, stored.ciphertext)
    by, _, status = row.name.sender.partition("/")
    return ReceiptEvent(Status(status), by, stored.names, row.name)


def _unreceipted(
    device: Address,
    asked: Mapping[AccountId, tuple[MessageName, ...]],
    cards: Cards,
    inbox: Inbox,
    now: int,
) -> list[ReceiptEvent]:
    """``delivered`` for messages that some device of the recipient has removed from its inbox.

    Said only to accounts that the recipient accepted and did not block, of own messages, and where it is
    certain: by a device that was on the list when the message was accepted.
    """
    events: list[ReceiptEvent] = []
    read = cards.read({peer: [device.account] for peer in asked if peer != device.account})
    for peer, card in read.items():
        relation = card.relation(device.account)
        if card.devices is None or not relation.accepted:
            continue
        since = max(relation.unblocked_at, now - OLDEST_ROW) + NEWEST_ID
        names = [
            name
            for name in asked[peer]
            if name.account == device.account and milliseconds_of(name.id) > since
        ]
        delivered = _delivered(names, card.devices, inbox)  # read for a blocked asker too: it takes as long
        if delivered and not relation.blocked:
            events.append(ReceiptEvent(Status.DELIVERED, peer, delivered))
    return events


def _delivered(names: Sequence[MessageName], devices: DeviceList, inbox: Inbox) -> tuple[MessageName, ...]:
    """Those messages of which a device that surely got a row has none any more.

    Of an account whose devices are all young, one of them surely got a row, but nobody knows which. Unless
    a device was removed: then it may have been that one.
    """
    by_week: dict[int, list[MessageId]] = {}
    for name in names:
        by_week.setdefault(week_of(milliseconds_of(name.id)), []).append(name.id)
    waiting = {
        device: {
            name
            for week, ids in by_week.items()
            for name in inbox.present(Address(devices.account, device.device), week, ids)
        }
        for device in devices.devices
    }

    nobody_left = len(devices.devices) == devices.next_device - FIRST_DEVICE

    def is_delivered(name: MessageName) -> bool:
        made = milliseconds_of(name.id)
        surely = [name in rows for device, rows in waiting.items() if device.added_at < made - NEWEST_ID]
        perhaps = [name in rows for device, rows in waiting.items() if device.added_at < made + OLDEST_ID]
        if surely:
            return not all(surely)
        return nobody_left and bool(perhaps) and not any(perhaps)

    return tuple(name for name in names if is_delivered(name))
