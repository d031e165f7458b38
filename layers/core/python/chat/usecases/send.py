"""Take messages in: check, store a row for every device, then wake the live ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from chat import observability
from chat.domain.devices import Difference
from chat.domain.envelope import StoredMessage
from chat.domain.events import MessageEvent
from chat.domain.ids import (
    DAY,
    NEWEST_ID,
    NO_DEVICE,
    OLDEST_ID,
    SECOND,
    AccountId,
    Address,
    DeviceId,
    MessageId,
    MessageName,
    milliseconds_of,
)
from chat.errors import ChatError, Code, unavailable
from chat.ports.accounts import Card, Cards, around
from chat.ports.connections import Connections
from chat.ports.inbox import DROPPED_TTL, Inbox, InboxRow
from chat.ports.sockets import SocketGateway
from chat.ports.storage import OutcomeUnknown, RowsMissing, StorageUnavailable
from chat.usecases import live, receipts
from chat.usecases.live import Posting
from chat.usecases.receipts import Ack

CIPHERTEXT_LIMIT = 8 * 1024
"""Bytes of one device's ciphertext; longer text travels as an attachment."""

_HOUR = 3600
EXPIRES: Mapping[str, int] = {
    "1h": _HOUR,
    "1d": DAY // SECOND,
    "7d": 7 * DAY // SECOND,
    "30d": 30 * DAY // SECOND,
}
"""Expiry classes: how long an undelivered row lives (seconds)."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message: a ciphertext for each device of the recipient and each other device of the sender.

    To oneself: ``devices`` are the sender's other ones, and there are no ``own``.
    """

    id: MessageId
    to: AccountId
    devices: Mapping[DeviceId, bytes]
    own: Mapping[DeviceId, bytes] = field(default_factory=dict)
    expires: str = "30d"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message: accepted, or refused with ``error`` and not written."""

    id: MessageId
    error: ChatError | None = None


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """One result a message, in order, and what went wrong with the frame's ack, if anything."""

    results: list[Result]
    ack_error: ChatError | None = None


def send(
    sender: Address,
    messages: Sequence[OutgoingMessage],
    ack: Ack | None = None,
    *,
    cards: Cards,
    connections: Connections,
    inbox: Inbox,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    now: int,
) -> SendOutcome:
    """Store each message for every device it names; only then read connections and post.

    Messages are checked one after the other, and the first refused one refuses the later ones of its
    conversation, so a sender's order holds; the rows of those that pass are written together. A message that
    is not accepted may have reached some devices; the retry repeats all its rows. Acks ride along: their
    receipts share frames with the messages.
    Raises ChatError DEVICE_REMOVED or ACCOUNT_REPLACED for the whole frame, StorageUnavailable if the lists
    cannot be read.
    """
    what = ack or Ack()
    peers = {m.to for m in messages} | what.senders
    read = cards.read(around(sender.account, peers))
    own = read[sender.account]
    own.check(sender.device)

    results: list[Result] = []
    postings: list[Posting] = []
    refused: set[AccountId] = set()
    accepted: set[AccountId] = {peer for peer, relation in own.relations.items() if relation.accepted}
    admitted = _admit(sender, messages, read, accepted, cards, now)
    missing = _store([row for rows in admitted if not isinstance(rows, ChatError) for row in rows], inbox)
    for message, rows in zip(messages, admitted, strict=True):
        if message.to in refused:
            results.append(Result(message.id, ChatError(Code.EARLIER_REFUSED)))
        elif isinstance(rows, ChatError):
            refused.add(message.to)
            results.append(Result(message.id, rows))
        elif any(row.device.account in missing for row in rows):
            refused.add(message.to)
            results.append(Result(message.id, unavailable()))
        else:
            results.append(Result(message.id))
            postings.extend(_posting(message, row) for row in rows)

    _tell(sender, messages, results)
    planned, ack_error = _plan_receipts(what, sender, read, accepted)
    reached = live.post(
        [*(receipt.posting() for receipt in planned), *postings],
        connections=connections,
        sockets=sockets,
        encode=encode,
    )
    if ack_error is None and ack is not None:
        try:
            receipts.settle(what, sender, planned, reached, inbox, now)
        except StorageUnavailable:
            ack_error = unavailable()
    return SendOutcome(results, ack_error)


def _tell(sender: Address, messages: Sequence[OutgoingMessage], results: Sequence[Result]) -> None:
    """Log what became of the messages, before any is posted."""
    rows = {m.id: len(m.devices) + len(m.own) for m, r in zip(messages, results, strict=True) if not r.error}
    observability.accepted(sender, rows)
    observability.not_accepted(sender, {result.id: result.error.code for result in results if result.error})


def _admit(
    sender: Address,
    messages: Sequence[OutgoingMessage],
    read: Mapping[AccountId, Card],
    accepted: set[AccountId],
    cards: Cards,
    now: int,
) -> list[list[InboxRow] | ChatError]:
    """The rows of each message, or why it is refused; whoever is written to is accepted from now on."""
    admitted: list[list[InboxRow] | ChatError] = []
    refused: set[AccountId] = set()
    newest: dict[AccountId, MessageId] = {}
    for message in messages:
        try:
            if message.to in refused:
                raise ChatError(Code.EARLIER_REFUSED)
            _check(message, sender, read[sender.account], read[message.to], newest.get(message.to), now)
            if message.to not in accepted and message.to != sender.account:
                cards.accept(sender.account, message.to)
                accepted.add(message.to)
        except ChatError as error:
            refused.add(message.to)
            admitted.append(error)
        except (StorageUnavailable, OutcomeUnknown):
            refused.add(message.to)
            admitted.append(unavailable())
        else:
            newest[message.to] = message.id
            blocked = read[message.to].relation(sender.account).blocked
            admitted.append(_rows(message, sender, heard=not blocked))
    return admitted


def _store(rows: Sequence[InboxRow], inbox: Inbox) -> frozenset[AccountId]:
    """Write the rows; the accounts of which some may be missing."""
    if not rows:
        return frozenset()
    try:
        inbox.put(rows)
    except RowsMissing as error:
        return error.accounts
    except (StorageUnavailable, OutcomeUnknown):
        return frozenset(row.device.account for row in rows)
    return frozenset()


def _check(
    message: OutgoingMessage,
    sender: Address,
    own: Card,
    recipient: Card,
    newest: MessageId | None,
    now: int,
) -> None:
    """Raise the ChatError that refuses the message. To oneself ``recipient`` is the own card."""
    to_self = message.to == sender.account
    if to_self and message.own:
        raise ChatError(Code.BAD_RECIPIENT)
    made = milliseconds_of(message.id)
    if made < now - OLDEST_ID:
        raise ChatError(Code.ID_STALE, details={"time": now})
    if made > now + NEWEST_ID:
        raise ChatError(Code.ID_AHEAD, details={"time": now})
    if newest is not None and message.id <= newest:
        raise ChatError(Code.ID_ORDER)
    if any(len(c) > CIPHERTEXT_LIMIT for c in (*message.devices.values(), *message.own.values())):
        raise ChatError(Code.TOO_LARGE, details={"ciphertext_bytes": CIPHERTEXT_LIMIT})
    if own.relation(message.to).blocked:
        raise ChatError(Code.RECIPIENT_BLOCKED)
    if recipient.devices is None or not recipient.devices.devices or own.devices is None:
        raise ChatError(Code.NOT_FOUND)
    if to_self and len(own.devices.devices) == 1:
        raise ChatError(Code.BAD_RECIPIENT)  # there is nobody else
    others = own.devices.difference(message.devices if to_self else message.own, besides=sender.device)
    differences = {sender.account: others}
    if not to_self:
        differences[message.to] = recipient.devices.difference(message.devices)
    if any(differences.values()):
        raise ChatError(Code.DEVICE_LIST_STALE, details={"devices": _details(differences)})


def _details(differences: Mapping[AccountId, Difference | None]) -> dict[str, object]:
    return {account: asdict(difference) for account, difference in differences.items() if difference}


def _rows(message: OutgoingMessage, sender: Address, *, heard: bool) -> list[InboxRow]:
    """A row for every device. Where the recipient blocked the sender (not ``heard``): as many, for nobody.

    So the answer takes as long as it does for a recipient who is away.
    """
    name, ttl = MessageName(message.id, str(sender)), EXPIRES[message.expires]

    def row(account: AccountId, device: DeviceId, text: bytes) -> InboxRow:
        return InboxRow(Address(account, device), name, StoredMessage(message.to, text).encode(), ttl)

    own = [row(sender.account, device, text) for device, text in message.own.items()]
    if not heard:
        nobody = Address(message.to, NO_DEVICE)
        # A name for each: Keyspaces refuses two writes of one row in a batch.
        names = [MessageName(message.id, f"{sender}/{device}") for device in message.devices]
        return own + [InboxRow(nobody, each, b"", DROPPED_TTL) for each in names]
    return own + [row(message.to, device, text) for device, text in message.devices.items()]


def _posting(message: OutgoingMessage, row: InboxRow) -> Posting:
    texts = message.devices if row.device.account == message.to else message.own
    event = MessageEvent(row.name, message.to, texts.get(row.device.device, b""))
    return Posting(row.device.account, event, row.device.device)


def _plan_receipts(
    what: Ack, by: Address, read: Mapping[AccountId, Card], accepted: set[AccountId]
) -> tuple[list[receipts.Receipt], ChatError | None]:
    """The receipts of the ack that rides along; an account just written to counts as accepted."""
    try:
        receipts.check_conversations(what, by.account)
    except ChatError as error:
        return [], error
    return receipts.plan(what, by, read, accepted), None
