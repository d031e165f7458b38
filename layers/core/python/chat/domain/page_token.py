"""Paging tokens of a drain: opaque to clients, bound to account and device.

A token says where the last page ended and when the first one began. It is no capability: everything it
holds is checked again, and it only positions a read inside the inbox of whoever presents it. So its digest
needs no
secret: it catches mistakes (a token of another device, a cut one, an old format), which get BAD_TOKEN.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from uuid import UUID

from chat.domain import base64url
from chat.domain.ids import Address, MessageId, MessageName, milliseconds_of, week_of
from chat.errors import ChatError, Code

_VERSION = 1
_HEAD = struct.Struct(">BQ16s")
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class PageToken:
    """``started_at``: server time of the drain's first page (ms). ``last``: the last row that was served."""

    started_at: int
    last: MessageName

    @property
    def week(self) -> int:
        """The partition in which the next page begins."""
        return week_of(milliseconds_of(self.last.id))

    def encode(self, owner: Address) -> str:
        """The token for that device."""
        body = _HEAD.pack(_VERSION, self.started_at, UUID(self.last.id).bytes) + self.last.sender.encode()
        return base64url.encode(_digest(body, owner) + body)


def decode(token: str, owner: Address) -> PageToken:
    """Read a token that ``owner`` presents. Raises ChatError(BAD_TOKEN) for one that is not its own."""
    try:
        raw = base64url.decode(token)
        digest, body = raw[:_DIGEST], raw[_DIGEST:]
        if digest != _digest(body, owner):
            raise ValueError("digest")
        version, started_at, message_id = _HEAD.unpack_from(body)
        if version != _VERSION:
            raise ValueError("version")
        last = MessageName(MessageId(str(UUID(bytes=message_id))), body[_HEAD.size :].decode("ascii"))
    except (ValueError, struct.error) as error:
        raise ChatError(Code.BAD_TOKEN) from error
    return PageToken(started_at, last)


def _digest(body: bytes, owner: Address) -> bytes:
    return hashlib.sha256(b"heliograph-page-v1\n" + str(owner).encode() + b"\n" + body).digest()[:_DIGEST]
