"""How far messages of this account came: up only, and each step is logged with it."""

from __future__ import annotations

import sqlite3

from heliograph.model import RANKS, Status
from heliograph.store import event_log


def raise_status(connection: sqlite3.Connection, seq: int, status: Status) -> bool:
    """Move a message up and log it; a status that is not higher changes nothing."""
    row = connection.execute("SELECT status FROM messages WHERE seq = ?", (seq,)).fetchone()
    if row is None or RANKS[row[0]] >= RANKS[status]:
        return False
    connection.execute("UPDATE messages SET status = ?, error = NULL WHERE seq = ?", (status, seq))
    event_log.append(connection, "status", seq, status=status)
    return True


def fail(connection: sqlite3.Connection, seq: int, error: str) -> bool:
    """End a message that was never accepted."""
    done = connection.execute(
        "UPDATE messages SET status = 'failed', error = ? WHERE seq = ? AND status = 'pending'", (error, seq)
    )
    if not done.rowcount:
        return False
    connection.execute("DELETE FROM attempts WHERE message = ?", (seq,))
    event_log.append(connection, "status", seq, status="failed", error=error)
    return True
