"""Disappearing messages: the timer of a conversation, and what happens when the time of a message is over."""

from __future__ import annotations

import sqlite3

from heliograph.content import LIFETIMES, VISIBLE, Target
from heliograph.ids import AccountId
from heliograph.store import event_log, messages, shown
from heliograph.store.messages import StoredMessage

LONGEST = "30d"
"""How long the server keeps what does not disappear."""


def current(connection: sqlite3.Connection, peer: AccountId) -> str:
    """Give the class that a conversation was set to last, by (id, sender); empty where messages stay."""
    row = connection.execute(
        "SELECT lifetime FROM messages WHERE peer = ? AND kind = 'timer' AND status != 'failed' "
        "ORDER BY position DESC, sender DESC LIMIT 1",
        (peer,),
    ).fetchone()
    return str(row[0]) if row else ""


def longer(one: str, other: str) -> str:
    """Give the longer of two classes; the empty one is the longest."""
    return max(one or LONGEST, other or LONGEST, key=lambda name: LIFETIMES[name])


def start(connection: sqlite3.Connection, seq: int, since: int) -> None:
    """Let the time of a message run from `since` (ms), if it disappears and its time does not run yet."""
    row = connection.execute("SELECT lifetime, kind FROM messages WHERE seq = ?", (seq,)).fetchone()
    if row is not None and row[0] and row[1] not in ("timer", "expired"):
        connection.execute(
            "UPDATE messages SET expires_at = ? WHERE seq = ? AND expires_at IS NULL",
            (since + LIFETIMES[row[0]], seq),
        )


def expire(connection: sqlite3.Connection, now: int) -> bool:
    """Overwrite what is over at `now` (ms); tell whether that was anything.

    The names of a message stay a while, so that it is not taken for a new one when it comes again. A crash
    leaves all of it for the next time.
    """
    over = [
        StoredMessage(*row)
        for row in connection.execute(
            f"SELECT {messages.COLUMNS} FROM messages m WHERE expires_at <= ?",  # noqa: S608
            (now,),
        ).fetchall()
    ]
    for row in over:
        if row.kind in VISIBLE:
            shown.wipe(connection, row.peer, Target(row.account, row.logical_id))
            connection.execute(
                "UPDATE messages SET kind = 'expired', target_account = NULL, target_id = NULL, "
                "expires_at = NULL WHERE seq = ?",
                (row.seq,),
            )
            event_log.append(connection, "expired", row.seq)
        else:
            # It goes with the message that it is about; alone, it has no other end than its own.
            alone = row.target is None or shown.find(connection, row.peer, row.target) is None
            forgotten = "text = seal('', 'messages.text'), body = NULL, " if alone else ""
            connection.execute(
                f"UPDATE messages SET {forgotten}expires_at = NULL WHERE seq = ?",  # noqa: S608 - constants
                (row.seq,),
            )
    return bool(over)


def next_end(connection: sqlite3.Connection) -> int | None:
    """Give when the next message is over, ms; None while none disappears."""
    row = connection.execute("SELECT min(expires_at) FROM messages WHERE expires_at IS NOT NULL").fetchone()
    return None if row is None or row[0] is None else int(row[0])
