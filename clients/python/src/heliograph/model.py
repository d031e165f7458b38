"""What an application sees: messages, conversations and devices as plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from heliograph.content import Mention
from heliograph.ids import AccountId, Address, ConversationId, LogicalId, MessageId

Status = Literal["pending", "failed", "sent", "delivered", "read"]
RANKS: dict[str, int] = {"pending": 0, "failed": 0, "sent": 1, "delivered": 2, "read": 3}
"""Status only moves up: pending < sent < delivered < read; failed is left by a retry or a receipt."""

Expiry = Literal["1h", "1d", "7d", "30d"]


class Actions(Protocol):
    """What a message or a conversation asks its client to do."""

    async def send_text(
        self,
        peer: AccountId,
        text: str,
        *,
        expires: Expiry | None,
        mentions: Sequence[Mention],
        to: Message | None = None,
    ) -> Message:
        """Queue a text, or a reply to a message."""

    async def edit(self, message: Message, text: str, mentions: Sequence[Mention]) -> Message:
        """Queue another text for an own message."""

    async def react(self, message: Message, emoji: str) -> Message:
        """Queue a reaction."""

    async def delete(self, message: Message) -> Message:
        """Delete an own message and queue its deletion for everyone."""

    async def set_timer(self, peer: AccountId, expires: Expiry | None) -> Message:
        """Set the timer of a conversation and queue that."""

    async def timer(self, peer: AccountId) -> Expiry | None:
        """Read the timer of a conversation."""

    async def mark_all_read(self, peer: AccountId) -> None:
        """Remember and tell that a whole conversation was shown."""

    async def wait_status(self, message: Message, status: Status, seconds: float | None) -> Message:
        """Wait until a message of this account got that far."""

    async def mark_read(self, message: Message) -> None:
        """Remember and tell that a message was shown."""

    async def retry(self, message: Message) -> None:
        """Queue a failed message again."""

    def history(self, peer: AccountId, before: Message | None, limit: int | None) -> AsyncIterator[Message]:
        """Walk back through a conversation."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a reply is about.

    Attributes:
        account: Who wrote it.
        logical_id: Its id, with which it may be found in the history.
        text: What it says now; None where it is not here, was deleted or has disappeared.
    """

    account: AccountId
    logical_id: LogicalId
    text: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was when it was read from the store; it does not change under you.

    Attributes:
        logical_id: Stays the same over retries; with `sender` it names the message for an application.
        id: The largest id it went over the wire under; None before the first try.
        conversation: The conversation it belongs to.
        peer: The other account of that conversation.
        sender: The device that wrote it.
        outgoing: This account wrote it (this device or another one of it).
        kind: `text`, `reply`, or `unsupported`: a later version of the SDK can show it. `expired`: it has
            disappeared. What `edit` and the like give to wait for: `edit`, `reaction`, `delete`, `timer`.
        text: The text as it is now; empty where it was deleted or has disappeared. Of a reaction the emoji.
        mentions: Accounts that the text names: (start, length, account) in code points.
        reply_to: What a reply is about.
        edited_at: When its author changed it last, ms since 1970 by their clock.
        deleted: Its author deleted it for everyone.
        reactions: Who reacted how: account -> emoji.
        expires_at: When it disappears, ms since 1970; None for never, or while it is not accepted yet.
        sent_at: When it was written, ms since 1970, by the sender's clock.
        status: How far it came; for incoming ones `delivered` or `read`.
        error: Code of the final refusal, if it failed.
    """

    logical_id: LogicalId
    id: MessageId | None
    conversation: ConversationId
    peer: AccountId
    sender: Address
    outgoing: bool
    kind: str
    text: str
    mentions: tuple[Mention, ...]
    reply_to: Quote | None
    edited_at: int | None
    deleted: bool
    reactions: Mapping[AccountId, str] = field(hash=False)
    expires_at: int | None
    sent_at: int
    status: Status
    error: str | None
    position: str = field(repr=False)
    seq: int = field(repr=False)
    _actions: Actions = field(repr=False, compare=False)

    async def reached(self, status: Status, timeout: float | None = None) -> Message:  # noqa: ASYNC109 - the SDK's promise
        """Wait until it got at least this far and give its newest state.

        Raises:
            SendFailed: It was refused for good.
            TimeoutError: Not within `timeout` seconds; it is still on its way.
        """
        return await self._actions.wait_status(self, status, timeout)

    async def mark_read(self) -> None:
        """Say that it was shown as it is: its sender gets `read`, for edits and reactions too.

        On an own message: for what others did to it. Again: nothing happens.
        """
        await self._actions.mark_read(self)

    async def reply(
        self, text: str, *, expires: Expiry | None = None, mentions: Sequence[Mention] = ()
    ) -> Message:
        """Answer it: a text that quotes it; else as `Conversation.send`.

        Raises:
            BadContent: It cannot be quoted, or a mention does not fit the text.
            TooLarge: The text does not fit into one message.
        """
        return await self._actions.send_text(self.peer, text, expires=expires, mentions=mentions, to=self)

    async def edit(self, text: str, *, mentions: Sequence[Mention] = ()) -> Message:
        """Change the text of an own message, for everyone. Of several edits the newest counts.

        Like `send`: durable when it returned, and works offline. Gives the edit itself, to wait for.

        Raises:
            BadContent: It is not an own message, or it is deleted or has disappeared.
            TooLarge: The text does not fit into one message.
        """
        return await self._actions.edit(self, text, mentions)

    async def react(self, emoji: str) -> Message:
        """Put one emoji under it, in place of the one before; an empty one takes it back.

        Like `send`. Gives the reaction itself, to wait for.

        Raises:
            BadContent: It is no emoji, or the message is deleted or has disappeared.
        """
        return await self._actions.react(self, emoji)

    async def delete_for_everyone(self) -> Message:
        """Delete an own message: what it said is overwritten here at once, there when they hear of it.

        Like `send`. Gives the deletion itself, to wait for. Who has read it has read it, and another program
        may keep what it was sent.

        Raises:
            BadContent: It is not an own message, or it has disappeared.
        """
        return await self._actions.delete(self)

    async def retry(self) -> None:
        """Queue it again after it failed; any other state: nothing happens."""
        await self._actions.retry(self)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A 1:1 conversation.

    Attributes:
        id: The same on both sides.
        peer: The other account.
        handle: Its handle, as far as it is known here.
        verified: The safety number was compared (`Client.verify`), and nothing changed since.
        changed: The server shows another identity of it: nothing is sent until `Client.trust`.
    """

    id: ConversationId
    peer: AccountId
    handle: str
    verified: bool
    changed: bool
    _actions: Actions = field(repr=False, compare=False)

    async def send(
        self, text: str, *, expires: Expiry | None = None, mentions: Sequence[Mention] = ()
    ) -> Message:
        """Put a text into the durable outbox and return; works offline, never raises for the network.

        After it returned the message survives a crash. Messages of a conversation leave in order.

        Args:
            text: What it says.
            expires: It disappears on both sides after that time; by default as `set_timer` said.
            mentions: Accounts that the text names: (start, length, account) in code points, in order.

        Raises:
            BadContent: A mention does not fit the text.
            TooLarge: The text does not fit into one message (8 KiB).
        """
        return await self._actions.send_text(self.peer, text, expires=expires, mentions=mentions)

    async def set_timer(self, expires: Expiry | None) -> Message:
        """Let later messages of both sides disappear after that time; None: they stay.

        What is there already stays as it is. Like `send`. Gives the change itself, to wait for.
        """
        return await self._actions.set_timer(self.peer, expires)

    async def timer(self) -> Expiry | None:
        """Tell after what time messages that are sent now disappear; None: they stay."""
        return await self._actions.timer(self.peer)

    async def mark_read(self) -> None:
        """Say that all of it was shown, what shows nothing itself included, such as a new timer."""
        await self._actions.mark_all_read(self.peer)

    def history(self, *, before: Message | None = None, limit: int | None = None) -> AsyncIterator[Message]:
        """Walk back from the newest message (or from `before`), newest first, out of the local store."""
        return self._actions.history(self.peer, before, limit)


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way to a phone.

    Attributes:
        expires_at: Until when it is good, ms since 1970 by the server's clock.
        again_at: From when on another one may be asked for.
    """

    expires_at: int
    again_at: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the own account.

    Attributes:
        device: Its number.
        name: What its owner calls it.
        added_at: ms since 1970.
        this: It is the one that asks.
        linked_by: Device that took it in; None for the first.
        seen_at: When it connected last, ms since 1970; None if it never did.
    """

    device: int
    name: str
    added_at: int
    this: bool
    linked_by: int | None
    seen_at: int | None
