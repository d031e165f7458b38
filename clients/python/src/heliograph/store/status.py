"""How far messages of this account came: up only, and each step of what is shown is logged with it."""

from __future__ import annotations

import sqlite3

from heliograph.content import AIMED, VISIBLE
from heliograph.ids import id_milliseconds
from heliograph.model import RANKS, Status
from heliograph.store import event_log, timers


def raise_status(connection: sqlite3.Connection, seq: int, status: Status) -> bool:
    """Move a message up, and log it if a conversation shows it; a status that is not higher changes nothing.

    The time of one that disappears runs from when it was accepted: about when its id was made.
    """
    row = connection.execute("SELECT status, kind, id FROM messages WHERE seq = ?", (seq,)).fetchone()
    if row is None or RANKS[row[0]] >= RANKS[status]:
        return False
    connection.execute("UPDATE messages SET status = ?, error = NULL WHERE seq = ?", (status, seq))
    if row[1] in VISIBLE:
        event_log.append(connection, "status", seq, status=status)
    if row[2] is not None:
        timers.start(connection, seq, id_milliseconds(row[2]))
    return True


def fail(connection: sqlite3.Connection, seq: int, error: str) -> bool:
    """End a message that was never accepted, and log it unless it was nothing that a person did.

    One that was accepted before, and was to go out once more, stays as it was.
    """
    connection.execute("DELETE FROM again WHERE message = ?", (seq,))
    done = connection.execute(
        "UPDATE messages SET status = 'failed', error = ? WHERE seq = ? AND status = 'pending'", (error, seq)
    )
    if not done.rowcount:
        return False
    connection.execute("DELETE FROM attempts WHERE message = ?", (seq,))
    kind = connection.execute("SELECT kind FROM messages WHERE seq = ?", (seq,)).fetchone()[0]
    if kind in VISIBLE | AIMED | {"timer"}:
        event_log.append(connection, "status", seq, status="failed", error=error)
    return True
