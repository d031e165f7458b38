"""What a device must never give away: read out of its store by the SDK's own functions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator

import xeddsa
from heliograph.ids import Address, base64url, from_base64url
from heliograph.store import account_secrets, prekeys, profile, sessions

Secret = tuple[str, bytes]
"""What it is, and its bytes."""


def _identity(connection: sqlite3.Connection) -> Iterator[Secret]:
    seed = profile.key(connection).seed
    yield "auth seed", seed
    yield "auth seed as X25519", xeddsa.seed_to_priv(seed)


def _account_secret(connection: sqlite3.Connection) -> Iterator[Secret]:
    secret = account_secrets.get(connection)
    if secret is not None:
        yield "account secret", from_base64url(secret)


def _prekeys(connection: sqlite3.Connection) -> Iterator[Secret]:
    for kind, key_id in connection.execute("SELECT kind, id FROM prekeys").fetchall():
        secret = prekeys._secret(connection, kind, key_id)
        if secret is not None:
            yield f"prekey ({kind})", secret


def _sessions(connection: sqlite3.Connection) -> Iterator[Secret]:
    """Root, chain and message keys as they are now, and the private ratchet key."""
    for device, key in connection.execute("SELECT DISTINCT device, key FROM sessions").fetchall():
        for session in sessions.of_device(connection, Address(device), key):
            yield from _keys_in(json.loads(session.state())["ratchet"], "session")


def _keys_in(found: object, place: str) -> Iterator[Secret]:
    """Every text of 32 characters in the state of a ratchet: bytes that it writes as Latin-1. Public keys
    of the other side are none.
    """
    if isinstance(found, dict):
        for name, inner in found.items():
            if not name.endswith("_pub"):
                yield from _keys_in(inner, f"{place} {name}")
    elif isinstance(found, list):
        for inner in found:
            yield from _keys_in(inner, place)
    elif isinstance(found, str) and len(found) == 32:
        yield place, found.encode("latin-1")


def _logical_ids(connection: sqlite3.Connection) -> Iterator[Secret]:
    """Every content has a random id that stands in the ciphertext alone: the canary of contents that have no
    text, such as a deletion.
    """
    for (logical_id,) in connection.execute("SELECT logical_id FROM messages").fetchall():
        yield "logical id", bytes.fromhex(logical_id)


HOLDINGS: tuple[Callable[[sqlite3.Connection], Iterator[Secret]], ...] = (
    _identity,
    _account_secret,
    _prekeys,
    _sessions,
    _logical_ids,
)
"""One for each kind of secret that a store holds. A new kind of secret needs one here."""


def secrets_of(connection: sqlite3.Connection, *, encrypts: bool) -> list[tuple[str, str | bytes]]:
    """Every secret in a store, as bytes and as the text that the SDK would write. A device that does not
    encrypt gives its contents away, and nothing else.
    """
    found: list[tuple[str, str | bytes]] = []
    for holding in HOLDINGS:
        if holding is _logical_ids and not encrypts:
            continue
        for what, value in holding(connection):
            found += [(what, value), (f"{what} as text", base64url(value))]
    return found
