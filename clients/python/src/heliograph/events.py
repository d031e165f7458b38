"""What `Client.events()` yields.

All but `ConnectionChanged` are durable: they are written in the transaction of what they tell about, and
shown again after a crash until the application is through with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliograph.ids import AccountId, Address, ConversationId, Cursor, MessageId
from heliograph.model import Expiry, Message, Status

ConnectionState = Literal["connecting", "catching_up", "online", "offline", "closed"]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody wrote to this account."""

    message: Message
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class SentElsewhere:
    """Another device of this account sent a message."""

    message: Message
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A message of this account got further, or failed (`error` is then the code).

    `status` is what was reached at that time; `message.status` what it is by now.
    """

    message: Message
    status: Status
    error: str | None
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """Somebody, or another device of this account, changed the text of a message of theirs."""

    message: Message
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """Somebody, or another device of this account, deleted a message of theirs: what it said is gone."""

    message: Message
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class ReactionChanged:
    """Somebody, or another device of this account, reacted to a message.

    Attributes:
        message: To which, as it is by now.
        account: Who.
        emoji: How, by now; empty: they took it back.
        cursor: The place in the log.
    """

    message: Message
    account: AccountId
    emoji: str
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class TimerChanged:
    """The other side, or another device of this account, set the timer of a conversation.

    Attributes:
        conversation: Which.
        peer: Its other account.
        account: Who set it.
        expires: After what time later messages disappear; None: they stay.
        cursor: The place in the log.
    """

    conversation: ConversationId
    peer: AccountId
    account: AccountId
    expires: Expiry | None
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class MessageExpired:
    """A message disappeared: its time was over. What is left names it, and says nothing."""

    message: Message
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class DeviceListChanged:
    """The devices of an account changed: of the own one, or of one that this one knows.

    A device of the account signed each change, or nobody did and it is blocked: see `IdentityChanged`.
    """

    account: AccountId
    version: int
    cursor: Cursor
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """The server shows another identity of an account than the one that is pinned here: perhaps a lie.

    Nothing is sent to it until `Client.trust` (messages fail with `IDENTITY_CHANGED`). Its device list has a
    device that none of its devices signed, its history is another one, or it has the handle of an account
    that was verified. For the own account: somebody may be reading along, and nothing is sent to anybody.
    With `block_new_devices` also: a verified account has a new device, signed as it should be.

    Attributes:
        account: The account; perhaps the own one.
        verified: Its safety number was compared (or that of the account which had its handle).
        cursor: Place of the event.
    """

    account: AccountId
    verified: bool
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class PeerReplaced:
    """Somebody's account is retired: the handle was registered again, perhaps by somebody else.

    What was pending for it has failed. `by` is the account that has the handle now, as far as there is one:
    a new conversation, to which nothing of the old one is moved.
    """

    account: AccountId
    handle: str
    by: AccountId | None
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Undecryptable:
    """A message came that this device cannot read; it is gone from the server."""

    id: MessageId
    sender: Address
    reason: str
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class StoreRolledBack:
    """The server saw a connect of this device that this store knows nothing of.

    The store was restored from a copy, or a copy of it is in use somewhere.
    """

    previous_connect: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The connection's state; not kept in the store.

    Attributes:
        state: `connecting`, `catching_up` (connected, older things still come), `online`, `offline`
            (tries again by itself) or `closed` (does not).
        reason: Why it is offline or closed: a code.
        since: When it got there, ms since 1970 by this machine's clock. Wait some seconds before you
            tell a person about `offline`: most breaks are shorter.
        cursor: The last durable event before it.
    """

    state: ConnectionState
    reason: str | None
    since: int
    cursor: Cursor


Event = (
    MessageReceived
    | SentElsewhere
    | StatusChanged
    | MessageEdited
    | MessageDeleted
    | ReactionChanged
    | TimerChanged
    | MessageExpired
    | DeviceListChanged
    | IdentityChanged
    | PeerReplaced
    | Undecryptable
    | StoreRolledBack
    | ConnectionChanged
)
