"""Acknowledgements: who is told, and which rows go. Shared by every frame that may carry an ``ack``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from chat import observability
from chat.domain.envelope import Status, StoredReceipt
from chat.domain.events import ReceiptEvent
from chat.domain.ids import (
    DAY,
    NO_DEVICE,
    SECOND,
    AccountId,
    Address,
    ConversationId,
    MessageId,
    MessageName,
    conversation_of,
    new_uuid7,
)
from chat.domain.relations import gives_receipts
from chat.errors import ChatError, Code
from chat.ports.accounts import Card
from chat.ports.inbox import DROPPED_TTL, Inbox, InboxRow
from chat.usecases.live import Posting

RECEIPT_TTL = 7 * DAY // SECOND
"""Seconds a receipt waits for a sending device."""


@dataclass(frozen=True, slots=True)
class Ack:
    """What a device has stored, shown, or wants removed without a receipt.

    ``read`` removes rows as ``delivered`` does; ``read_receipts`` are of messages whose rows an earlier ack
    removed, so that reading them costs no delete.
    """

    delivered: tuple[MessageName, ...] = ()
    read: Mapping[ConversationId, tuple[MessageName, ...]] = field(default_factory=dict)
    read_receipts: Mapping[ConversationId, tuple[MessageName, ...]] = field(default_factory=dict)
    quiet: tuple[MessageName, ...] = ()

    @property
    def shown(self) -> tuple[MessageName, ...]:
        """Every message that was read, whatever its conversation."""
        return tuple(
            name for lists in (self.read, self.read_receipts) for names in lists.values() for name in names
        )

    @property
    def senders(self) -> set[AccountId]:
        """The accounts that receipts may go to."""
        return {name.account for name in (*self.delivered, *self.shown)}

    def removes(self) -> list[MessageName]:
        """Every row that leaves the inbox, once."""
        read = [name for names in self.read.values() for name in names]
        return list(dict.fromkeys((*self.delivered, *read, *self.quiet)))


@dataclass(frozen=True, slots=True)
class Receipt:
    """One status for messages of one account, from one acknowledging device.

    ``senders``: the devices that sent them and are on that account's list; a row may wait for these alone.
    ``heard``: false where that account blocks this one. Then the same is written and read as for an account
    that is away, so that the time an answer takes tells nothing, but nobody gets it.
    """

    to: AccountId
    by: Address
    status: Status
    names: tuple[MessageName, ...]
    senders: frozenset[Address]
    heard: bool = True

    def posting(self) -> Posting:
        """For every live socket of the account: all its devices show the status."""
        event = ReceiptEvent(self.status, str(self.by), self.names)
        return Posting(self.to, event, None if self.heard else NO_DEVICE)

    def row(self, device: Address, now: int) -> InboxRow:
        """The row for a sending device without a socket.

        Its id is the server's time, not the newest id it covers: that may lie below the mark where
        the device's next drain begins.
        """
        name = MessageName(MessageId(new_uuid7(now)), f"{self.by}/{self.status}")
        if not self.heard:
            return InboxRow(Address(self.to, NO_DEVICE), name, b"", DROPPED_TTL)
        return InboxRow(device, name, StoredReceipt(self.names_of(device)).encode(), RECEIPT_TTL)

    def names_of(self, device: Address) -> tuple[MessageName, ...]:
        """Those of its messages that one device sent."""
        return tuple(name for name in self.names if Address.parse(name.sender) == device)


def check_conversations(ack: Ack, account: AccountId) -> None:
    """Raise ChatError(BAD_CONVERSATION) for a message under a conversation that is not with its sender."""
    for conversation, names in (*ack.read.items(), *ack.read_receipts.items()):
        if any(conversation_of(account, name.account) != conversation for name in names):
            raise ChatError(Code.BAD_CONVERSATION, details={"conversation": conversation})


def plan(
    ack: Ack, by: Address, read: Mapping[AccountId, Card], also_accepted: Collection[AccountId] = ()
) -> list[Receipt]:
    """The receipts that ``ack`` gives rise to. ``read``: what :func:`chat.ports.accounts.around` asked for.

    None to oneself, to accounts one never accepted (``also_accepted`` are those the same frame wrote to) or
    blocks; to one that blocks this account it goes unheard. Whether the messages exist is not checked: the
    sender's client counts a receipt only for what it sent to this account.
    """
    shown = set(ack.shown)
    grouped: dict[tuple[AccountId, Status], dict[MessageName, None]] = {}
    for status, names in ((Status.READ, ack.shown), (Status.DELIVERED, ack.delivered)):
        for name in names:
            if name.account != by.account and (status is Status.READ or name not in shown):
                grouped.setdefault((name.account, status), {})[name] = None
    return [
        Receipt(
            peer,
            by,
            status,
            tuple(names),
            _senders(names, read[peer]),
            heard=not read[peer].relation(by.account).blocked,
        )
        for (peer, status), names in grouped.items()
        if gives_receipts(read[by.account].relation(peer), also_accepted=peer in also_accepted)
    ]


def settle(
    ack: Ack, by: Address, receipts: Sequence[Receipt], reached: set[Address], inbox: Inbox, now: int
) -> None:
    """Store the receipts whose sending device has no socket, then remove the acknowledged rows.

    Call it after the receipts were posted: a crash before the removal leaves the rows, the device
    acknowledges them again, and the sender gets the same receipts again, which change nothing.
    """
    waiting = [(receipt, device) for receipt in receipts for device in receipt.senders - reached]
    if waiting:
        inbox.put([receipt.row(device, now) for receipt, device in waiting])
    for receipt, device in waiting:
        if receipt.heard:
            observability.stored_receipt(device, receipt.names_of(device))
    removed = ack.removes()
    if removed:
        inbox.remove(by, removed)
        observability.acked(by, removed)


def _senders(names: Collection[MessageName], card: Card) -> frozenset[Address]:
    """Names are what a client says: rows for devices that never were would fill another's partition."""
    live = {device.device for device in card.devices.devices} if card.devices else set()
    named = {Address.parse(name.sender) for name in names}
    return frozenset(device for device in named if device.device in live)
