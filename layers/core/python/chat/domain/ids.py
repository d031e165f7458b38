"""Identifiers: accounts, devices, messages, conversations, and the week that partitions by time.

Message ids are UUIDv7 (RFC 9562 section 5.7): their first 48 bits are milliseconds, so their canonical
text sorts by time in Python and, as ``ascii``, in Cassandra and Keyspaces alike.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple, NewType

from chat.domain import base64url

AccountId = NewType("AccountId", str)
DeviceId = NewType("DeviceId", int)
MessageId = NewType("MessageId", str)
ConnectionId = NewType("ConnectionId", str)
ConversationId = NewType("ConversationId", str)

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
WEEK = 7 * DAY

OLDEST_ID = 2 * MINUTE
"""How far back an id may lie when it is sent (ms)."""
NEWEST_ID = 10 * SECOND
"""How far ahead an id may lie when it is sent (ms)."""

NO_ACCOUNT = AccountId("00000000-0000-7000-8000-000000000000")
"""No account has it: reading it takes as long as reading one that is gone."""
NO_DEVICE = DeviceId(0)
"""No device has it: nobody reads its rows, and no socket is of it."""


class Address(NamedTuple):
    """A device: ``<account>:<device>`` in text."""

    account: AccountId
    device: DeviceId

    def __str__(self) -> str:
        return f"{self.account}:{self.device}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address in ``text``, whose shape the frame schema has checked."""
        account, _, device = text.partition(":")
        return cls(AccountId(account), DeviceId(int(device)))


class MessageName(NamedTuple):
    """What names one message, or one inbox row, everywhere: its id and its sender.

    For a stored receipt ``sender`` is the acknowledging device and the status: ``<address>/<status>``.
    """

    id: MessageId
    sender: str

    @property
    def account(self) -> AccountId:
        """The account that sent it."""
        return AccountId(self.sender.partition(":")[0])


def new_uuid7(milliseconds: int) -> str:
    """A UUIDv7 of that time with 74 fresh random bits."""
    random = secrets.randbits(74)
    value = (
        (milliseconds << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | (random & (2**62 - 1))
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def milliseconds_of(message_id: str) -> int:
    """The time inside a UUIDv7, in ms since 1970."""
    return int(message_id[:8] + message_id[9:13], 16)


def week_of(milliseconds: int) -> int:
    """Whole weeks since 1970: the one function that partitions by time."""
    return milliseconds // WEEK


def conversation_of(one: AccountId, other: AccountId) -> ConversationId:
    """The 1:1 conversation of two accounts: the same whichever of them asks."""
    lower, higher = sorted((one, other))
    digest = hashlib.sha256(f"heliograph-conversation-v1\n{lower}\n{higher}".encode()).digest()
    return ConversationId(base64url.encode(digest[:16]))
