"""The durable log of what happened, and how far the application is through it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from heliograph.ids import Cursor
from heliograph.store import messages, profile, shown
from heliograph.store.messages import StoredMessage
from heliograph.store.shown import Shown

KEPT_BEHIND_CURSOR = 10_000
"""Events that stay readable by `events(after=...)` after the application is through with them."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry of the log with the message it is about, as that is now."""

    cursor: Cursor
    kind: str
    body: dict[str, Any]
    message: Shown | None


def append(connection: sqlite3.Connection, kind: str, message: int | None, **body: Any) -> None:
    """Write an event into the transaction of what it tells about."""
    connection.execute(
        "INSERT INTO events (kind, message, body) VALUES (?, ?, ?)",
        (kind, message, json.dumps(body) if body else "{}"),
    )


_SELECT = (
    f"SELECT e.seq, e.kind, e.body, {messages.COLUMNS} "  # noqa: S608 - constants
    "FROM events e LEFT JOIN messages m ON m.seq = e.message "
    "WHERE e.seq > ? ORDER BY e.seq LIMIT ?"
)


def read(connection: sqlite3.Connection, after: Cursor, limit: int) -> list[Logged]:
    """Read the next entries."""
    return [
        Logged(
            Cursor(row[0]),
            row[1],
            json.loads(row[2]),
            None if row[3] is None else shown.of(connection, StoredMessage(*row[3:])),
        )
        for row in connection.execute(_SELECT, (after, limit)).fetchall()
    ]


def last(connection: sqlite3.Connection) -> Cursor:
    """Give the place of the newest entry."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return Cursor(row[0] if row else 0)


def cursor(connection: sqlite3.Connection) -> Cursor:
    """Give the place up to which the application is through."""
    return Cursor(int(profile.get(connection, "cursor") or 0))


def move_cursor(connection: sqlite3.Connection, to: Cursor) -> None:
    """Remember how far the application is."""
    profile.put(connection, "cursor", to)


def prune(connection: sqlite3.Connection) -> None:
    """Drop entries far behind the cursor."""
    connection.execute("DELETE FROM events WHERE seq <= ?", (cursor(connection) - KEPT_BEHIND_CURSOR,))
