"""What an application sees: messages, conversations and devices as plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from heliograph.ids import AccountId, Address, ConversationId, LogicalId, MessageId

Status = Literal["pending", "failed", "sent", "delivered", "read"]
RANKS: dict[str, int] = {"pending": 0, "failed": 0, "sent": 1, "delivered": 2, "read": 3}
"""Status only moves up: pending < sent < delivered < read; failed is left by a retry or a receipt."""

Expiry = Literal["1h", "1d", "7d", "30d"]


class Actions(Protocol):
    """What a message or a conversation asks its client to do."""

    async def send_text(self, peer: AccountId, text: str, expires: Expiry) -> Message:
        """Queue a text."""

    async def wait_status(self, message: Message, status: Status, seconds: float | None) -> Message:
        """Wait until a message of this account got that far."""

    async def mark_read(self, message: Message) -> None:
        """Remember and tell that a message was shown."""

    async def retry(self, message: Message) -> None:
        """Queue a failed message again."""

    def history(self, peer: AccountId, before: Message | None, limit: int | None) -> AsyncIterator[Message]:
        """Walk back through a conversation."""


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
        text: The text.
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
    text: str
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
        """Say that it was shown: its sender gets `read`. Again, or on an own message: nothing happens."""
        await self._actions.mark_read(self)

    async def reply(self, text: str, *, expires: Expiry = "30d") -> Message:
        """Send a text to its conversation."""
        return await self._actions.send_text(self.peer, text, expires)

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
    """

    id: ConversationId
    peer: AccountId
    handle: str
    _actions: Actions = field(repr=False, compare=False)

    async def send(self, text: str, *, expires: Expiry = "30d") -> Message:
        """Put a text into the durable outbox and return; works offline, never raises for the network.

        After it returned the message survives a crash. Messages of a conversation leave in order.

        Raises:
            TooLarge: The text does not fit into one message (8 KiB).
        """
        return await self._actions.send_text(self.peer, text, expires)

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
