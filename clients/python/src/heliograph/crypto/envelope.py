"""The bytes of one device's ciphertext: docs/encryption.md, "Envelope". Numbers are big-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from doubleratchet import EncryptedMessage, Header

from heliograph.crypto.primitives import KEM_CIPHERTEXT_BYTES, KEY_BYTES

VERSION = 1
MAX_BYTES = 8192
INITIAL, RATCHET, UNKEYED = 1, 2, 3
KEM_KINDS: dict[str, int] = {"one_time_kem": 1, "last_resort": 2}

KemKind = Literal["one_time_kem", "last_resort"]

_PREFIX = struct.Struct(f">BB{KEY_BYTES}s{KEY_BYTES}sIIBI{KEM_CIPHERTEXT_BYTES}s")
_HEADER = struct.Struct(f">{KEY_BYTES}sII")
_BLOCK, _TAG = 16, 32

NOT_KEYED = bytes((VERSION, UNKEYED))
"""What a device gets that has no keys: it learns that there is a message and asks for it again."""

OVERHEAD_BYTES = _PREFIX.size + _HEADER.size + _BLOCK + _TAG
"""Most that is added to a padded plaintext."""


class BadEnvelope(ValueError):
    """The bytes are no envelope of this version."""


@dataclass(frozen=True, slots=True)
class Initial:
    """What the first messages of a session carry for the recipient to make its side of it.

    Attributes:
        identity: The sender's Ed25519 key.
        ephemeral: X25519 key made for this session; it names the session.
        signed_id: The recipient's signed prekey that was used.
        one_time_id: Its one-time prekey; 0 for none.
        kem_kind: Which kind of KEM key.
        kem_id: Its id.
        kem_ciphertext: The encapsulated secret.
    """

    identity: bytes
    ephemeral: bytes
    signed_id: int
    one_time_id: int
    kem_kind: KemKind
    kem_id: int
    kem_ciphertext: bytes

    def encode(self) -> bytes:
        """Give the prefix, version and type included."""
        return _PREFIX.pack(
            VERSION,
            INITIAL,
            self.identity,
            self.ephemeral,
            self.signed_id,
            self.one_time_id,
            KEM_KINDS[self.kem_kind],
            self.kem_id,
            self.kem_ciphertext,
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope taken apart.

    Attributes:
        prefix: The bytes before the ratchet's part that are authenticated; empty unless initial.
        initial: What the prefix says.
        message: The ratchet's part; None for an unkeyed one.
    """

    prefix: bytes
    initial: Initial | None
    message: EncryptedMessage | None


def encode_header(header: Header) -> bytes:
    """Give the 40 bytes of a ratchet header."""
    return _HEADER.pack(header.ratchet_pub, header.previous_sending_chain_length, header.sending_chain_length)


def encode(prefix: bytes, message: EncryptedMessage) -> bytes:
    """Put an envelope together."""
    start = prefix or bytes((VERSION, RATCHET))
    return start + encode_header(message.header) + message.ciphertext


def decode(data: bytes) -> Envelope:
    """Take an envelope apart.

    Raises:
        BadEnvelope: Another version or type, or too short, too long, or not whole blocks.
    """
    if len(data) < 2 or len(data) > MAX_BYTES or data[0] != VERSION:
        raise BadEnvelope("not an envelope of this version")
    if data == NOT_KEYED:
        return Envelope(b"", None, None)
    prefix, initial = b"", None
    if data[1] == INITIAL and len(data) >= _PREFIX.size:
        prefix = data[: _PREFIX.size]
        initial = _initial(prefix)
    elif data[1] != RATCHET:
        raise BadEnvelope("an envelope of an unknown type")
    rest = data[len(prefix) or 2 :]
    ciphertext = rest[_HEADER.size :]
    if len(ciphertext) < _BLOCK + _TAG or (len(ciphertext) - _TAG) % _BLOCK:
        raise BadEnvelope("the ciphertext has no such size")
    return Envelope(prefix, initial, EncryptedMessage(Header(*_HEADER.unpack_from(rest)), ciphertext))


def _initial(prefix: bytes) -> Initial:
    _, _, identity, ephemeral, signed_id, one_time_id, kind, kem_id, ciphertext = _PREFIX.unpack(prefix)
    for name, number in KEM_KINDS.items():
        if number == kind:
            kem_kind: KemKind = name  # type: ignore[assignment]
            return Initial(identity, ephemeral, signed_id, one_time_id, kem_kind, kem_id, ciphertext)
    raise BadEnvelope("an unknown kind of KEM key")
