"""Prekeys in memory, and some to put there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any

from chat.domain import base64url, signed_bytes
from chat.domain.ids import Address
from chat.domain.prekeys import CURRENT, KEM_BYTES, X25519_BYTES, Ids, Kind, Prekey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class FakePrekeys:
    """Rows in a dict, keyed as the table is."""

    def __init__(self) -> None:
        self.rows: dict[Address, dict[tuple[Kind, int], Prekey]] = {}

    def ids(self, devices: Collection[Address]) -> Mapping[Address, Ids]:
        return {device: self._ids(device) for device in devices}

    def _ids(self, device: Address) -> Ids:
        mine = sorted(self.rows.get(device, {}))
        return Ids({kind: tuple(number for of, number in mine if of is kind) for kind in Kind})

    def read(self, device: Address, names: Collection[tuple[Kind, int]]) -> Mapping[tuple[Kind, int], Prekey]:
        mine = self.rows.get(device, {})
        return {name: mine[name] for name in names if name in mine}

    def add(self, device: Address, kind: Kind, key: Prekey) -> bool:
        return self.rows.setdefault(device, {}).setdefault((kind, key.id), key) == key

    def remove(self, device: Address, kind: Kind, number: int) -> bool:
        return self.rows.get(device, {}).pop((kind, number), None) is not None


def made(signer: Ed25519PrivateKey, device: Address, kind: Kind, number: int, salt: str = "") -> Prekey:
    """A key with a good signature; always the same one for the same ``kind``, ``number`` and ``salt``."""
    is_curve = kind in (Kind.SIGNED, Kind.ONE_TIME)
    key = (sha256(f"{kind}{number}{salt}".encode()).digest() * 49)[: X25519_BYTES if is_curve else KEM_BYTES]
    if kind is Kind.ONE_TIME:
        return Prekey(number, key)
    return Prekey(number, key, signer.sign(signed_bytes.prekey(kind.value, device, number, key)))


def some(
    signer: Ed25519PrivateKey,
    device: Address,
    *,
    one_time: Iterable[int] = (),
    one_time_kem: Iterable[int] = (),
    signed: int = 1,
    last_resort: int = 1,
) -> dict[Kind, tuple[Prekey, ...]]:
    """What a device uploads, by the ids; 0 leaves one of the keys that stay out."""
    ids = {
        Kind.SIGNED: [signed] * bool(signed),
        Kind.LAST_RESORT: [last_resort] * bool(last_resort),
        Kind.ONE_TIME: one_time,
        Kind.ONE_TIME_KEM: one_time_kem,
    }
    return {
        kind: tuple(made(signer, device, kind, number) for number in numbers) for kind, numbers in ids.items()
    }


def body(keys: Mapping[Kind, Collection[Prekey]]) -> dict[str, Any]:
    """The body of an upload."""
    shown = {kind.value: [_shown(key) for key in some] for kind, some in keys.items() if some}
    return {
        kind: said[0] if kind in {str(each) for each in CURRENT} else said for kind, said in shown.items()
    }


def _shown(key: Prekey) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": key.id, "key": base64url.encode(key.key)}
    return {**shown, "signature": base64url.encode(key.signature)} if key.signature else shown
