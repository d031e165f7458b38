"""What anybody sees of an envelope: docs/encryption.md, "Envelope"."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass

VERSION = 1
INITIAL, RATCHET, UNKEYED = 1, 2, 3

_PREFIX = struct.Struct(">BB32s32sIIBI1568s")
_HEADER = struct.Struct(">32sII")
_ONE_TIME_KEM = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """The clear parts.

    Attributes:
        type: INITIAL, RATCHET or UNKEYED; 0 for bytes that are no envelope.
        chain: The ratchet key; no two chains have the same.
        number: Of the message in its chain.
        session: The ephemeral key of an initial one.
        one_time: The one-time keys that it names: kind -> id.
    """

    type: int
    chain: bytes = b""
    number: int = 0
    session: bytes = b""
    one_time: tuple[tuple[str, int], ...] = ()


def raw(text: str) -> bytes:
    """The bytes of a ciphertext; empty where it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""


def look(text: str) -> Seen:
    """Read the clear parts of a ciphertext (base64url)."""
    data = raw(text)
    if data == bytes((VERSION, UNKEYED)):
        return Seen(UNKEYED)
    if len(data) >= _PREFIX.size + _HEADER.size and data[:2] == bytes((VERSION, INITIAL)):
        _, _, _, session, _, one_time_id, kem_kind, kem_id, _ = _PREFIX.unpack_from(data)
        chain, _, number = _HEADER.unpack_from(data, _PREFIX.size)
        one_time = [("one_time", one_time_id)] if one_time_id else []
        one_time += [("one_time_kem", kem_id)] if kem_kind == _ONE_TIME_KEM else []
        return Seen(INITIAL, chain, number, session, tuple(one_time))
    if len(data) >= 2 + _HEADER.size and data[:2] == bytes((VERSION, RATCHET)):
        chain, _, number = _HEADER.unpack_from(data, 2)
        return Seen(RATCHET, chain, number)
    return Seen(0)
