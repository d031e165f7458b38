"""Keys and texts of a store are sealed: values under a store key, the store key under the owner's secret.

A value is sealed by ChaCha20-Poly1305 (RFC 8439) with a random nonce; its label (`table.column`) is
associated data, so a value of one column opens in no other. 2^32 values a store keep the chance of a repeated
nonce below 2^-32. The store key is 32 random bytes that never change. It lies in the setting `seal`, wrapped
in the same way by a key that `Passphrase` derives or `Keyring` looks up: a change rewraps one value.

This keeps what was sealed from whoever reads the file (a stolen disk, a backup). It does not stop somebody
who can write to it, nor somebody who runs as its owner while it is open.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import sqlite3
import unicodedata
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from heliograph.errors import SealRequired, StoreUnreadable, WrongPassphrase, WrongSeal
from heliograph.ids import base64url, from_base64url
from heliograph.store import os_keyring

logger = logging.getLogger("heliograph")

Kind = Literal["passphrase", "keyring", "plain"]

NONCE_BYTES = 12
SALT_BYTES = 16
KEY_BYTES = 32
FORMAT = b"\x01"
"""First byte of a sealed value."""

_TEXT, _BYTES = b"t", b"b"
"""First byte inside a sealed value: what it has to be again."""


@dataclass(frozen=True, slots=True)
class Argon2:
    """Cost of a guess: passes over the memory, lanes, and the memory in KiB."""

    iterations: int
    lanes: int
    memory: int


NEW_PASSPHRASES = Argon2(iterations=3, lanes=4, memory=65_536)
"""RFC 9106, section 4, second recommended option. A store keeps what it was made with, so this may grow."""


@dataclass(frozen=True, slots=True)
class Passphrase:
    """The store opens with a passphrase; without it nobody reads what is sealed, its owner included.

    Opening takes about half a second and 64 MiB: that is what each guess costs, too.

    Raises:
        ValueError: The text is empty.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("a passphrase is not empty")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The store opens with a key in the keyring of the operating system: for whoever is logged in there.

    A copy of the file on another machine stays closed. Needs the package `keyring` and a backend of it.
    """


@dataclass(frozen=True, slots=True)
class Plain:
    """Nothing is sealed: whoever reads the file has the device's keys and texts. For trying things out."""


Seal = Passphrase | Keyring | Plain
"""How a store is sealed."""


class SealedStore(Protocol):
    """What seals and opens single values of an open store; None stays None."""

    @property
    def kind(self) -> Kind:
        """How the store is sealed."""

    def seal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Seal a value for the place that `label` names (`table.column`)."""

    def unseal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Open a value that was sealed for that place.

        Raises:
            StoreUnreadable: It was changed, or sealed for another place or store.
        """


class Unsealed:
    """Leaves values as they are."""

    kind: Kind = "plain"

    def seal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Give the value."""
        return value

    def unseal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Give the value."""
        return value


class StoreKey:
    """Seals values under a key of 32 bytes, which it shows to nobody."""

    __slots__ = ("_aead", "_key", "kind")

    def __init__(self, key: bytes, kind: Kind) -> None:
        self.kind: Kind = kind
        self._key = key
        self._aead = ChaCha20Poly1305(key)

    def __repr__(self) -> str:
        return f"StoreKey(kind={self.kind!r})"

    def seal(self, value: str | bytes | None, label: str) -> bytes | None:
        """Seal a value for the place that `label` names."""
        if value is None:
            return None
        inside = _TEXT + value.encode() if isinstance(value, str) else _BYTES + value
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORMAT + nonce + self._aead.encrypt(nonce, inside, label.encode())

    def unseal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Open a value that was sealed for that place."""
        if value is None:
            return None
        try:
            if isinstance(value, str) or value[:1] != FORMAT:
                raise ValueError
            end = len(FORMAT) + NONCE_BYTES
            inside = self._aead.decrypt(value[len(FORMAT) : end], value[end:], label.encode())
        except (InvalidTag, ValueError):
            raise StoreUnreadable(f"a value of {label} was not sealed for it by this store") from None
        return inside[1:].decode() if inside[:1] == _TEXT else inside[1:]

    def wrapped_by(self, other: StoreKey, label: str) -> bytes:
        """Give this key, sealed under another one."""
        return other.seal(self._key, label) or b""


def register(connection: sqlite3.Connection, store: SealedStore) -> None:
    """Give a connection the SQL functions `seal(value, label)` and `unseal(value, label)`."""
    connection.create_function("seal", 2, store.seal)
    connection.create_function("unseal", 2, store.unseal)


def open_sealed(connection: sqlite3.Connection, seal: Seal | None) -> SealedStore:
    """Open what a store has sealed, or seal a new one; nothing is written unless it is new.

    A crash before the commit leaves a new store, to be sealed in any way. Deriving a key takes its time: not
    for an event loop's thread.

    Args:
        connection: Within a transaction.
        seal: How; an existing store that needs no passphrase knows.

    Raises:
        SealRequired: None was given, and the store is new or opens with a passphrase.
        WrongPassphrase: It opens with another one.
        WrongSeal: It is sealed in another way.
        KeyringUnavailable: There is no keyring, it is locked, or has no key for this store.
        StoreUnreadable: What is stored about the seal makes no sense.
    """
    record = _record(connection)
    if record is None:
        if seal is None:
            raise SealRequired(None)
        return _write(connection, seal, None)
    kind: Kind = record["kind"]
    if seal is None and kind == "passphrase":
        raise SealRequired(kind)
    if seal is not None and _kind(seal) != kind:
        raise WrongSeal(f"the store is {DESCRIPTIONS[kind]}, not {DESCRIPTIONS[_kind(seal)]}")
    if kind == "plain":
        return _unsealed()
    try:
        lock = _lock(record, seal)
        key = lock.unseal(from_base64url(record["key"]), _label(record))
    except StoreUnreadable:
        if kind == "passphrase":
            raise WrongPassphrase("the passphrase is not the one of this store") from None
        raise StoreUnreadable("the key in the keyring is not the one of this store") from None
    except (KeyError, TypeError, ValueError) as problem:
        raise StoreUnreadable(f"the seal of the store is damaged: {type(problem).__name__}") from None
    return StoreKey(key, kind)  # type: ignore[arg-type]


def change(connection: sqlite3.Connection, store: SealedStore, new: Seal) -> SealedStore:
    """Wrap the store key anew; what it sealed stays as it is. Give the store as it is sealed now.

    A crash before the commit leaves the old seal, and at most a key in the keyring that nobody uses.

    Raises:
        WrongSeal: The store is plain or is to become plain: there is no key to wrap.
        KeyringUnavailable: There is no keyring, or it is locked.
    """
    if isinstance(store, StoreKey) and not isinstance(new, Plain):
        return _write(connection, new, store)
    raise WrongSeal(
        "a plain store cannot be sealed afterwards, nor a sealed one become plain: make a new one"
    )


def keyring_entry(connection: sqlite3.Connection) -> str | None:
    """Give the name of the store's entry in the keyring, where it has one."""
    record = _record(connection)
    return None if record is None else record.get("id")


DESCRIPTIONS: dict[Kind, str] = {
    "passphrase": "sealed by a passphrase",
    "keyring": "sealed by a key in the OS keyring",
    "plain": "NOT SEALED (plain)",
}
"""How a person is told."""


def _kind(seal: Seal) -> Kind:
    match seal:
        case Passphrase():
            return "passphrase"
        case Keyring():
            return "keyring"
        case Plain():
            return "plain"


_warned = False


def _unsealed() -> Unsealed:
    global _warned  # noqa: PLW0603 - once a process
    if not _warned:
        _warned = True
        logger.warning("the store is NOT sealed: whoever reads the file has its keys and messages")
    return Unsealed()


def _record(connection: sqlite3.Connection) -> dict[str, Any] | None:
    row = connection.execute("SELECT value FROM settings WHERE name = 'seal'").fetchone()
    if row is None:
        return None
    with contextlib.suppress(ValueError, TypeError):
        record = json.loads(row[0])
        if isinstance(record, dict) and record.get("kind") in DESCRIPTIONS:
            return record
    raise StoreUnreadable("the seal of the store is damaged, or a newer SDK made it")


def _write(connection: sqlite3.Connection, seal: Seal, key: StoreKey | None) -> SealedStore:
    kind = _kind(seal)
    record: dict[str, Any] = {"kind": kind}
    store: SealedStore
    if kind == "plain":
        store = _unsealed()
    else:
        store = StoreKey(secrets.token_bytes(KEY_BYTES) if key is None else key._key, kind)
        if kind == "passphrase":
            record |= {"salt": base64url(secrets.token_bytes(SALT_BYTES)), **asdict(NEW_PASSPHRASES)}
        else:
            record["id"] = os_keyring.add(secrets.token_bytes(KEY_BYTES))
        # A keyring that keeps nothing is found out here: the key is looked up as it will be.
        record["key"] = base64url(store.wrapped_by(_lock(record, seal), _label(record)))
    connection.execute("INSERT OR REPLACE INTO settings VALUES ('seal', ?)", (json.dumps(record),))
    return store


def _lock(record: dict[str, Any], seal: Seal | None) -> StoreKey:
    """Give the key that wraps the store key."""
    if not isinstance(seal, Passphrase):
        return StoreKey(os_keyring.find(record["id"]), "keyring")
    derived = Argon2id(
        salt=from_base64url(record["salt"]),
        length=KEY_BYTES,
        iterations=record["iterations"],
        lanes=record["lanes"],
        memory_cost=record["memory"],
    ).derive(unicodedata.normalize("NFC", seal.text).encode())
    return StoreKey(derived, "passphrase")


def _label(record: dict[str, Any]) -> str:
    """Bind how the store key is wrapped into the wrapping."""
    return "seal " + json.dumps({name: record[name] for name in sorted(record) if name != "key"})
