"""Prekeys: public keys that a device leaves with the server, so that others begin sessions while it is away.

Signal's PQXDH (section 2.2, "Keys"): a signed X25519 key and a last-resort ML-KEM-1024 key, which stay, and
one-time keys of both sorts, each of which is given to one other device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from chat.domain import signed_bytes
from chat.domain.base64url import encode
from chat.domain.ids import Address, DeviceId


class Kind(StrEnum):
    """What a prekey is for; the value is what is signed, stored and said on the wire."""

    SIGNED = "signed"
    LAST_RESORT = "last_resort"
    ONE_TIME = "one_time"
    ONE_TIME_KEM = "one_time_kem"


CURRENT = (Kind.SIGNED, Kind.LAST_RESORT)
"""Of these the highest id counts, and it is given to everybody."""

POOLS: Mapping[Kind, int] = {Kind.ONE_TIME: 100, Kind.ONE_TIME_KEM: 20}
"""How many one-time keys of a kind the server holds for a device at most."""

LOW = 20
"""With fewer one-time keys of either kind the device is told."""

WINDOW = 32
"""A one-time key is drawn among so many of the lowest ids: claims at the same time seldom meet at one."""

X25519_BYTES = 32
KEM_BYTES = 1568

_P = 2**255 - 19
_ORDER_EIGHT = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
_SMALL_ORDER = frozenset(u.to_bytes(32, "little") for u in (0, 1, *_ORDER_EIGHT, _P - 1, _P, _P + 1))
"""The u coordinates of Curve25519 that every private key agrees on the same secret with (RFC 7748, 6.1)."""


@dataclass(frozen=True, slots=True)
class Prekey:
    """One public key with its id, and the device's signature; a one-time X25519 key has none."""

    id: int
    key: bytes
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Left:
    """How many one-time keys of a device are left."""

    one_time: int
    one_time_kem: int

    @property
    def is_low(self) -> bool:
        """Whether the device should bring more."""
        return min(self.one_time, self.one_time_kem) < LOW


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of all prekeys of one device, rising, by kind: keys that somebody took meanwhile included."""

    by_kind: Mapping[Kind, tuple[int, ...]]

    def of(self, kind: Kind) -> tuple[int, ...]:
        """Those of one kind."""
        return self.by_kind.get(kind, ())

    def current(self, kind: Kind) -> int | None:
        """The one that counts, of a kind that stays."""
        return max(self.of(kind), default=None)

    @property
    def left(self) -> Left:
        """How many one-time keys there are."""
        return Left(len(self.of(Kind.ONE_TIME)), len(self.of(Kind.ONE_TIME_KEM)))


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds of a device. ``digest`` is None while one of the two that stay is missing."""

    signed: int | None
    last_resort: int | None
    left: Left
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """What one device is begun a session with. ``kem_kind`` says which of the two sorts ``kem`` is."""

    device: DeviceId
    auth_key: bytes
    signed: Prekey
    one_time: Prekey | None
    kem_kind: Kind
    kem: Prekey


def is_small_order(key: bytes) -> bool:
    """Whether an X25519 key of 32 bytes makes secrets that everybody knows. Its highest bit says nothing."""
    return key[:31] + bytes((key[31] & 0x7F,)) in _SMALL_ORDER


def digest(device: Address, signed: Prekey, last_resort: Prekey) -> bytes:
    """SHA-256 by which a device finds out whether the server holds the keys that it made."""
    return sha256(
        signed_bytes.keys(device, signed.id, encode(signed.key), last_resort.id, encode(last_resort.key))
    ).digest()
