"""Sessions with other devices, and bundles to begin them with.

Of a device's sessions that one is used for sending in which a message was received last, or the one that was
begun last: so both sides come to use the same (The Sesame Algorithm, section 3).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from heliograph.crypto.pqxdh import Bundle
from heliograph.crypto.ratchet import Session
from heliograph.ids import AccountId, Address, account_of, base64url, from_base64url

UNANSWERED = 3
"""First messages of a session after which its other side is told that they came: each carries 1.6 KB more."""

KEPT = 5
"""Sessions with one device that are kept: two devices that begin at once have two."""


def for_sending(connection: sqlite3.Connection, device: Address, key: str) -> Session | None:
    """Give the session to send in, if there is one with this identity key."""
    row = connection.execute(
        "SELECT unseal(state, 'sessions.state') FROM sessions WHERE device = ? AND key = ? AND ended = 0 "
        "ORDER BY used DESC LIMIT 1",
        (device, key),
    ).fetchone()
    return Session.load(row[0]) if row else None


def of_device(connection: sqlite3.Connection, device: Address, key: str) -> Iterator[Session]:
    """Give all sessions with a device, the likeliest first."""
    rows = connection.execute(
        "SELECT unseal(state, 'sessions.state') FROM sessions WHERE device = ? AND key = ? "
        "ORDER BY used DESC",
        (device, key),
    ).fetchall()
    return (Session.load(state) for (state,) in rows)


def named(connection: sqlite3.Connection, device: Address, key: str, ephemeral: bytes) -> Session | None:
    """Give the session that a first message belongs to, if it was made before."""
    row = connection.execute(
        "SELECT unseal(state, 'sessions.state') FROM sessions WHERE device = ? AND key = ? AND ephemeral = ?",
        (device, key, ephemeral),
    ).fetchone()
    return Session.load(row[0]) if row else None


def save(
    connection: sqlite3.Connection, device: Address, key: str, session: Session, *, promote: bool
) -> None:
    """Store a session as it is now; `promote` makes it the one for sending.

    One that was ended stays so: messages that were on their way are still read in it.
    """
    newest = connection.execute("SELECT coalesce(max(used), 0) + 1 FROM sessions").fetchone()[0]
    connection.execute(
        "INSERT INTO sessions (device, ephemeral, key, state, used) "
        "VALUES (?1, ?2, ?3, seal(?4, 'sessions.state'), ?5) "
        "ON CONFLICT (device, ephemeral) DO UPDATE SET state = excluded.state, "
        "used = CASE WHEN ?6 THEN excluded.used ELSE used END",
        (device, session.ephemeral, key, session.state(), newest, promote),
    )
    connection.execute(
        "DELETE FROM sessions WHERE device = ?1 AND ephemeral NOT IN "
        "(SELECT ephemeral FROM sessions WHERE device = ?1 ORDER BY used DESC LIMIT ?2)",
        (device, KEPT),
    )


def note_unanswered(connection: sqlite3.Connection, device: Address, session: Session) -> None:
    """Count one more message of a device that does not know yet that its session was taken up."""
    connection.execute(
        "UPDATE sessions SET unanswered = unanswered + 1 WHERE device = ? AND ephemeral = ?",
        (device, session.ephemeral),
    )


def note_answered(connection: sqlite3.Connection, device: Address, session: Session) -> None:
    """Remember that a message was sealed in a session."""
    connection.execute(
        "UPDATE sessions SET unanswered = 0 WHERE device = ? AND ephemeral = ? AND unanswered > 0",
        (device, session.ephemeral),
    )


def greet(connection: sqlite3.Connection, account: AccountId) -> None:
    """Count anew for all devices of an account: a message that says hello goes to those that are left."""
    connection.execute(
        "UPDATE sessions SET unanswered = 0 WHERE unanswered > 0 AND device LIKE ? || ':%'", (account,)
    )


def unanswered(connection: sqlite3.Connection) -> list[AccountId]:
    """List accounts with devices that go on sending first messages."""
    rows = connection.execute(
        "SELECT DISTINCT device FROM sessions WHERE unanswered >= ? AND ended = 0", (UNANSWERED,)
    )
    return list(dict.fromkeys(account_of(device) for (device,) in rows))


def end(connection: sqlite3.Connection, device: Address) -> None:
    """Have the next message to a device begin a new session."""
    connection.execute("UPDATE sessions SET ended = 1 WHERE device = ?", (device,))


def end_all(connection: sqlite3.Connection) -> None:
    """Have every next message begin a new session: the states and bundles here may have been used since."""
    connection.execute("UPDATE sessions SET ended = 1")
    connection.execute("DELETE FROM bundles")


def offer(connection: sqlite3.Connection, device: Address, bundle: Bundle | None) -> None:
    """Store what a session with a device is to be begun with; None where the device has no keys yet."""
    body: dict[str, Any] | None = None
    if bundle is not None:
        body = {
            "identity": base64url(bundle.identity),
            "signed": [bundle.signed_id, base64url(bundle.signed)],
            "one_time": [bundle.one_time_id, None if bundle.one_time is None else base64url(bundle.one_time)],
            "kem": [bundle.kem_kind, bundle.kem_id, base64url(bundle.kem)],
        }
    connection.execute("INSERT OR REPLACE INTO bundles VALUES (?, ?)", (device, json.dumps(body)))


def offered(connection: sqlite3.Connection, device: Address) -> tuple[bool, Bundle | None]:
    """Tell whether the server was asked for a bundle, and give it."""
    row = connection.execute("SELECT body FROM bundles WHERE device = ?", (device,)).fetchone()
    if row is None:
        return False, None
    body = json.loads(row[0])
    if body is None:
        return True, None
    one_time = body["one_time"]
    return True, Bundle(
        from_base64url(body["identity"]),
        body["signed"][0],
        from_base64url(body["signed"][1]),
        one_time[0],
        None if one_time[1] is None else from_base64url(one_time[1]),
        body["kem"][0],
        body["kem"][1],
        from_base64url(body["kem"][2]),
    )


def take_offer(connection: sqlite3.Connection, device: Address) -> None:
    """Forget a bundle that is used now."""
    connection.execute("DELETE FROM bundles WHERE device = ?", (device,))
