"""What can be refused, and under which stable code a client learns it.

``docs/errors.md`` explains every code; a contract test holds the page and :class:`Code` together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Stable error codes. A code is never renamed and never changes its meaning."""

    BAD_FRAME = "BAD_FRAME"
    UNKNOWN_ACTION = "UNKNOWN_ACTION"
    TOO_LARGE = "TOO_LARGE"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"
    ID_STALE = "ID_STALE"
    ID_AHEAD = "ID_AHEAD"
    ID_ORDER = "ID_ORDER"
    DEVICE_LIST_STALE = "DEVICE_LIST_STALE"
    BAD_RECIPIENT = "BAD_RECIPIENT"
    NOT_FOUND = "NOT_FOUND"
    RECIPIENT_BLOCKED = "RECIPIENT_BLOCKED"
    EARLIER_REFUSED = "EARLIER_REFUSED"
    DEVICE_REMOVED = "DEVICE_REMOVED"
    ACCOUNT_REPLACED = "ACCOUNT_REPLACED"
    BAD_TOKEN = "BAD_TOKEN"  # noqa: S105
    BAD_CONVERSATION = "BAD_CONVERSATION"
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CLOCK_SKEW = "CLOCK_SKEW"
    REPLAYED = "REPLAYED"
    HANDLE_TAKEN = "HANDLE_TAKEN"
    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    NUMBER_NOT_SERVED = "NUMBER_NOT_SERVED"
    CODES_EXHAUSTED = "CODES_EXHAUSTED"
    DEVICE_LIMIT = "DEVICE_LIMIT"
    DEVICE_LIST_CHANGED = "DEVICE_LIST_CHANGED"
    LINK_TAKEN = "LINK_TAKEN"
    LAST_DEVICE = "LAST_DEVICE"
    RELATION_LIMIT = "RELATION_LIMIT"
    BAD_KEY = "BAD_KEY"
    KEY_CONFLICT = "KEY_CONFLICT"
    KEY_LIMIT = "KEY_LIMIT"


_MESSAGES: Mapping[Code, str] = {
    Code.BAD_FRAME: "The frame does not have the shape its action asks for.",
    Code.UNKNOWN_ACTION: "There is no such action.",
    Code.TOO_LARGE: "It is larger than allowed.",
    Code.INTERNAL: "Something went wrong on the server.",
    Code.UNAVAILABLE: "The server cannot store or read right now. Try again.",
    Code.RATE_LIMITED: "Too much at once. Wait as long as retry_after says.",
    Code.ID_STALE: "The id is more than 2 minutes old. Mint a new one and encrypt again.",
    Code.ID_AHEAD: "The id is more than 10 seconds ahead. Correct the clock, mint a new one.",
    Code.ID_ORDER: "The ids of a conversation must rise within a frame.",
    Code.DEVICE_LIST_STALE: "The device lists changed. Encrypt for the devices in details.",
    Code.BAD_RECIPIENT: "There is no other own device to write to, or `own` is named besides.",
    Code.NOT_FOUND: "There is no such thing.",
    Code.RECIPIENT_BLOCKED: "You blocked this account. Unblock it to write to it.",
    Code.EARLIER_REFUSED: "An earlier message of this conversation in the same frame was refused.",
    Code.DEVICE_REMOVED: "This device was removed from its account.",
    Code.ACCOUNT_REPLACED: "The owner registered the handle again: this account is retired.",
    Code.BAD_TOKEN: "The paging token does not fit this device. Start again without one.",
    Code.BAD_CONVERSATION: "A message is named under a conversation it does not belong to.",
    Code.BAD_REQUEST: "The request does not have the shape the route asks for.",
    Code.UNAUTHENTICATED: "The request is not signed by a device of an account here.",
    Code.CLOCK_SKEW: "The signed time is more than 60 seconds off. Correct the clock by details.time.",
    Code.REPLAYED: "This signed request was seen before. Sign it again.",
    Code.HANDLE_TAKEN: "This handle belongs to somebody else or is reserved.",
    Code.VERIFICATION_FAILED: "The proof of identity was not accepted.",
    Code.NUMBER_NOT_SERVED: "This server sends no codes to numbers of that country.",
    Code.CODES_EXHAUSTED: "The server has sent as many codes as it may today.",
    Code.DEVICE_LIMIT: "The account has 5 devices. Remove one first.",
    Code.DEVICE_LIST_CHANGED: "Another change of the device list came first. Read it and sign again.",
    Code.LINK_TAKEN: "Another account took this new device in. Show a new code on it.",
    Code.LAST_DEVICE: "The last device of an account cannot be removed.",
    Code.RELATION_LIMIT: "The account is related to 5,000 others and can take no more.",
    Code.BAD_KEY: "A key is not signed by this device, or is one that hides nothing.",
    Code.KEY_CONFLICT: "Another key of this id is there. Make a new one with another id.",
    Code.KEY_LIMIT: "There would be more one-time keys than the server holds for a device.",
}


class ChatError(Exception):
    """A refusal with a stable code. Raised before anything was written, unless the code says otherwise."""

    def __init__(
        self, code: Code, *, details: Mapping[str, Any] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = _MESSAGES[code]
        self.details = details
        self.retry_after = retry_after

    def as_json(self) -> dict[str, Any]:
        """The ``error`` object of frames and HTTPS answers."""
        body: dict[str, Any] = {"code": self.code.value, "message": self.message}
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        if self.details:
            body["details"] = dict(self.details)
        return body


def unavailable() -> ChatError:
    """The refusal for a store that did not answer: some rows may be written, a retry repeats them all."""
    return ChatError(Code.UNAVAILABLE, retry_after=1)


def limited(wait: int) -> ChatError:
    """The refusal of somebody who has to wait so many ms."""
    return ChatError(Code.RATE_LIMITED, retry_after=seconds(wait))


def seconds(wait: int) -> float:
    """Milliseconds to wait, as clients are told: in tenths of a second, rounded up."""
    return -(-wait // 100) / 10
