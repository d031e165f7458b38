"""Names of things: accounts, devices, messages, conversations, and the clock that orders message ids."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from typing import NewType

AccountId = NewType("AccountId", str)
"""UUIDv7 that the server gave an account."""
Address = NewType("Address", str)
"""A device: `<account>:<device>`."""
MessageId = NewType("MessageId", str)
"""UUIDv7 under which a message went over the wire; a message may get several."""
LogicalId = NewType("LogicalId", str)
"""32 hex digits inside the ciphertext: one a message, whatever ids it went under."""
ConversationId = NewType("ConversationId", str)
"""22 characters that both sides compute."""
Cursor = NewType("Cursor", int)
"""Place in the durable event log of one store."""

MessageName = tuple[MessageId, Address]
"""What names a message everywhere: two devices may mint one id."""


def address(account: AccountId, device: int) -> Address:
    """Name a device of an account."""
    return Address(f"{account}:{device}")


def account_of(device: str) -> AccountId:
    """Give the account of an address (or of an account itself)."""
    return AccountId(device.partition(":")[0])


def device_of(device: Address) -> int:
    """Give the device number of an address."""
    return int(device.partition(":")[2])


@lru_cache(maxsize=4096)
def conversation_id(one: AccountId, other: AccountId) -> ConversationId:
    """Compute the id of the 1:1 conversation of two accounts; their order does not matter."""
    low, high = sorted((one, other))
    digest = hashlib.sha256(f"heliograph-conversation-v1\n{low}\n{high}".encode()).digest()
    return ConversationId(base64url(digest[:16]))


def new_logical_id() -> LogicalId:
    """Make a random 128-bit id."""
    return LogicalId(secrets.token_hex(16))


def mint(milliseconds: int, entropy: int | None = None) -> MessageId:
    """Make a UUIDv7 of these milliseconds with 74 fresh random bits (given ones are for tests)."""
    bits = secrets.randbits(74) if entropy is None else entropy
    value = milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    digits = f"{value:032x}"
    return MessageId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


def id_milliseconds(message_id: str) -> int:
    """Read the milliseconds out of a UUIDv7."""
    return int(message_id[:8] + message_id[9:13], 16)


def base64url(data: bytes) -> str:
    """Encode without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Decode what `base64url` wrote.

    Raises:
        ValueError: The text is not base64url.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _system_milliseconds() -> int:
    return time.time_ns() // 1_000_000


class ServerClock:
    """The server's time, as far as it is known here.

    Each answer that carries a time bounds the difference between the clocks: the server read its clock
    after the request left and before the answer came. The difference moves only when it is out of bounds.
    """

    def __init__(self, local: Callable[[], int] = _system_milliseconds) -> None:
        self._local = local
        self.offset = 0

    def now(self) -> int:
        """Give the server's time in ms."""
        return self._local() + self.offset

    def local(self) -> int:
        """Give this machine's time in ms, as `learn` wants it."""
        return self._local()

    def learn(self, server_time: int, asked_at: int) -> None:
        """Take in a time of the server from an answer to what was asked at `asked_at` (local ms)."""
        least, most = server_time - self._local(), server_time - asked_at
        self.offset = min(max(self.offset, least), most)


def next_milliseconds(now: int, newest_seen: int) -> int:
    """Advance the hybrid logical clock of a conversation."""
    return max(now, newest_seen + 1)
