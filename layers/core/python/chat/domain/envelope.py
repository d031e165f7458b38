"""What an inbox row holds: one blob, a kind byte and a body.

==== =======================================================
kind body
==== =======================================================
1    message: 16 bytes of the ``to`` account, then ciphertext
2    receipt: the message names it covers, one ``id sender`` a line
==== =======================================================

Key columns are billed too, so what the key already says (id, sender, status) is not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from chat.domain.ids import AccountId, MessageId, MessageName

_MESSAGE = 1
_RECEIPT = 2


class Status(StrEnum):
    """What an acknowledgement says of a message. READ implies DELIVERED."""

    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """An undelivered message: whom its sender wrote to, and the ciphertext for this device."""

    to: AccountId
    ciphertext: bytes

    def encode(self) -> bytes:
        """The blob of the row."""
        return bytes((_MESSAGE,)) + UUID(self.to).bytes + self.ciphertext


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt that waits for a sending device without a socket."""

    names: tuple[MessageName, ...]

    def encode(self) -> bytes:
        """The blob of the row."""
        return bytes((_RECEIPT,)) + "\n".join(f"{n.id} {n.sender}" for n in self.names).encode()


def decode(blob: bytes) -> StoredMessage | StoredReceipt:
    """What :meth:`StoredMessage.encode` or :meth:`StoredReceipt.encode` made.

    Raises ``ValueError`` for a kind that this version does not know.
    """
    if blob[0] == _MESSAGE:
        return StoredMessage(AccountId(str(UUID(bytes=blob[1:17]))), blob[17:])
    if blob[0] == _RECEIPT:
        pairs = (line.split(" ", 1) for line in blob[1:].decode().split("\n"))
        return StoredReceipt(tuple(MessageName(MessageId(i), s) for i, s in pairs))
    raise ValueError(f"unknown envelope kind {blob[0]}")
