"""Private prekeys of this device: what others begin sessions with."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from heliograph.crypto import primitives
from heliograph.crypto.envelope import Initial
from heliograph.crypto.pqxdh import Prekeys
from heliograph.store import profile

ROTATED = ("signed", "last_resort")
"""Kinds of which a device has one at a time, renewed weekly."""
ONE_TIME = ("one_time", "one_time_kem")
DAY_MS = 86_400_000
ROTATE_MS = 7 * DAY_MS
"""Age at which the signed prekey and the last-resort KEM key are replaced."""
KEPT_MS = 30 * DAY_MS
"""How long a replaced one still opens first messages: as long as an inbox keeps them."""
ONE_TIME_KEPT_MS = 90 * DAY_MS
"""Age at which one-time keys that nobody used are dropped here."""


@dataclass(frozen=True, slots=True)
class PublicPrekey:
    """A key as it is uploaded."""

    kind: str
    id: int
    key: bytes


def _x25519() -> tuple[bytes, bytes]:
    private = primitives.new_private()
    return private, primitives.public_of(private)


def _kem() -> tuple[bytes, bytes]:
    seed = primitives.new_kem_seed()
    return seed, primitives.kem_public_of(seed)


MAKERS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "signed": _x25519,
    "one_time": _x25519,
    "last_resort": _kem,
    "one_time_kem": _kem,
}
"""How a key of each kind is made: (secret, public)."""


def make(connection: sqlite3.Connection, kind: str, count: int, now: int, above: int = 0) -> None:
    """Make keys, stored before anybody hears of them.

    Args:
        connection: The store.
        kind: Which.
        count: How many.
        now: Local time, ms.
        above: Their ids are larger than this one, and than all that were made before.
    """
    # A first id at random: a store made anew or rolled back does not meet ids that were given out before. The
    # largest one is remembered, as a key that was used is gone and its id must not come again.
    newest = int(profile.get(connection, f"newest_{kind}") or secrets.randbelow(2**24))
    first = max(newest, above) + 1
    profile.put(connection, f"newest_{kind}", first + count - 1)
    for key_id in range(first, first + count):
        secret, public = MAKERS[kind]()
        connection.execute(
            "INSERT INTO prekeys (kind, id, secret, public, made_at) "
            "VALUES (?, ?, seal(?, 'prekeys.secret'), ?, ?)",
            (kind, key_id, secret, public, now),
        )


def waiting(connection: sqlite3.Connection) -> list[PublicPrekey]:
    """List what the server does not have yet, as far as it is known here."""
    rows = connection.execute("SELECT kind, id, public FROM prekeys WHERE uploaded = 0 ORDER BY kind, id")
    return [PublicPrekey(*row) for row in rows]


def try_upload(connection: sqlite3.Connection, keys: list[PublicPrekey]) -> None:
    """Remember before it is tried that one-time keys may have got to the server.

    They are not sent again: one of them may be given to somebody, and a repeat would offer it a second time.
    """
    connection.executemany(
        "UPDATE prekeys SET uploaded = 1 WHERE kind = ? AND id = ?",
        [(key.kind, key.id) for key in keys if key.kind in ONE_TIME],
    )
    profile.put(connection, "one_time_keys", "tried")


def uploaded(connection: sqlite3.Connection, keys: list[PublicPrekey]) -> None:
    """Remember that the server has them."""
    connection.executemany(
        "UPDATE prekeys SET uploaded = 1 WHERE kind = ? AND id = ?", [(key.kind, key.id) for key in keys]
    )
    profile.put(connection, "one_time_keys", "taken")


def one_time_are_waiting(connection: sqlite3.Connection) -> bool:
    """Tell whether there are one-time keys that were never sent to the server."""
    row = connection.execute(
        "SELECT 1 FROM prekeys WHERE uploaded = 0 AND kind IN ('one_time', 'one_time_kem') LIMIT 1"
    ).fetchone()
    return row is not None


def one_time_are_uncertain(connection: sqlite3.Connection) -> bool:
    """Tell whether the server must be asked how many it has: none were ever taken, or an upload broke off."""
    return profile.get(connection, "one_time_keys") != "taken"


def doubt(connection: sqlite3.Connection) -> None:
    """Remember that the server may have other keys than this store, until they were compared."""
    profile.put(connection, "keys_doubted", "yes")


def settle_doubt(connection: sqlite3.Connection) -> None:
    """Remember that they were compared."""
    profile.put(connection, "keys_doubted", "no")


def are_doubted(connection: sqlite3.Connection) -> bool:
    """Tell whether they are to be compared: a comparison that broke off is made again."""
    return profile.get(connection, "keys_doubted") == "yes"


def current(connection: sqlite3.Connection, kind: str) -> tuple[PublicPrekey, int] | None:
    """Give the newest key of a kind and when it was made."""
    row = connection.execute(
        "SELECT kind, id, public, made_at FROM prekeys WHERE kind = ? ORDER BY id DESC", (kind,)
    ).fetchone()
    return (PublicPrekey(*row[:3]), row[3]) if row else None


def find(connection: sqlite3.Connection, initial: Initial) -> Prekeys | None:
    """Give the private keys that a first message names; None where one of them is gone."""
    signed = _secret(connection, "signed", initial.signed_id)
    one_time = _secret(connection, "one_time", initial.one_time_id) if initial.one_time_id else None
    kem = _secret(connection, initial.kem_kind, initial.kem_id)
    if signed is None or kem is None or (initial.one_time_id and one_time is None):
        return None
    return Prekeys(signed, one_time, kem)


def used(connection: sqlite3.Connection, initial: Initial) -> None:
    """Delete the one-time keys of a session that was made: nobody can open its first message again."""
    for kind, key_id in (("one_time", initial.one_time_id), (initial.kem_kind, initial.kem_id)):
        if kind != "last_resort":
            connection.execute("DELETE FROM prekeys WHERE kind = ? AND id = ?", (kind, key_id))


def prune(connection: sqlite3.Connection, now: int) -> None:
    """Delete what is too old to be named by a message that can still come."""
    for kind in ROTATED:
        # Each is kept until its successor has served for as long as inboxes keep messages.
        connection.execute(
            "DELETE FROM prekeys WHERE kind = ?1 AND id < "
            "(SELECT max(id) FROM prekeys WHERE kind = ?1 AND made_at < ?2)",
            (kind, now - KEPT_MS),
        )
    connection.execute(
        "DELETE FROM prekeys WHERE kind IN ('one_time', 'one_time_kem') AND made_at < ?",
        (now - ONE_TIME_KEPT_MS,),
    )


def _secret(connection: sqlite3.Connection, kind: str, key_id: int) -> bytes | None:
    row = connection.execute(
        "SELECT unseal(secret, 'prekeys.secret') FROM prekeys WHERE kind = ? AND id = ?", (kind, key_id)
    ).fetchone()
    return None if row is None else bytes(row[0])
