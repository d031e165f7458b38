"""Messages of both directions: their state, their order, and how they are found."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from heliograph.ids import AccountId, Address, LogicalId, MessageId, mint
from heliograph.model import Status

REMEMBERED_MS = 36 * 86_400_000
"""How long the name of a received message is kept for dedupe: longer than an inbox keeps its row."""

COLUMNS = (
    "m.seq, m.account, m.logical_id, m.sender, m.peer, m.outgoing, m.id, m.position, "
    "unseal(m.text, 'messages.text'), m.sent_at, m.expires, m.status, m.error"
)


class StoredMessage(NamedTuple):
    """A row of `messages`."""

    seq: int
    account: AccountId
    logical_id: LogicalId
    sender: Address
    peer: AccountId
    outgoing: int
    id: MessageId | None
    position: str
    text: str
    sent_at: int
    expires: str
    status: Status
    error: str | None


def add(
    connection: sqlite3.Connection,
    *,
    account: AccountId,
    logical_id: LogicalId,
    sender: Address,
    peer: AccountId,
    outgoing: bool,
    message_id: MessageId | None,
    text: str,
    sent_at: int,
    expires: str,
    status: Status,
) -> int:
    """Insert a message and give its row number."""
    position = message_id or f"~{sent_at:013d}"
    done = connection.execute(
        "INSERT INTO messages "
        "(account, logical_id, sender, peer, outgoing, id, position, text, sent_at, expires, status) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, seal(?, 'messages.text'), ?, ?, ?)",
        (
            account,
            logical_id,
            sender,
            peer,
            int(outgoing),
            message_id,
            position,
            text,
            sent_at,
            expires,
            status,
        ),
    )
    return done.lastrowid or 0


def by_seq(connection: sqlite3.Connection, seq: int) -> StoredMessage | None:
    """Find a message by its row number."""
    row = connection.execute(f"SELECT {COLUMNS} FROM messages m WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
    return StoredMessage(*row) if row else None


def get(connection: sqlite3.Connection, seq: int) -> StoredMessage:
    """Read a message that is there.

    Raises:
        LookupError: It is not.
    """
    message = by_seq(connection, seq)
    if message is None:
        raise LookupError(f"no message {seq}")
    return message


def by_logical_id(
    connection: sqlite3.Connection, account: AccountId, logical_id: LogicalId
) -> StoredMessage | None:
    """Find a message by who wrote it and the id inside its ciphertext."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM messages m WHERE account = ? AND logical_id = ?",  # noqa: S608
        (account, logical_id),
    ).fetchone()
    return StoredMessage(*row) if row else None


def history(
    connection: sqlite3.Connection, peer: AccountId, before: tuple[str, str] | None, limit: int
) -> list[StoredMessage]:
    """Read a conversation backwards, from its end or from a (position, sender)."""
    position, sender = before or ("~~", "")
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM messages m WHERE peer = ? AND (position, sender) < (?, ?) "  # noqa: S608
        "ORDER BY position DESC, sender DESC LIMIT ?",
        (peer, position, sender, limit),
    )
    return [StoredMessage(*row) for row in rows]


def conversations(connection: sqlite3.Connection) -> list[tuple[AccountId, str | None]]:
    """List (account, handle) of all conversations, the one with the newest message first."""
    rows = connection.execute(
        "SELECT m.peer, p.handle FROM messages m LEFT JOIN peers p ON p.account = m.peer "
        "GROUP BY m.peer ORDER BY max(m.position) DESC"
    )
    return [(account, handle) for account, handle in rows]


def came_under(connection: sqlite3.Connection, seq: int, message_id: MessageId, sender: Address) -> None:
    """Remember one more name of a message and order it by the largest."""
    connection.execute("INSERT OR IGNORE INTO names VALUES (?, ?, ?)", (message_id, sender, seq))
    connection.execute(
        "UPDATE messages SET id = ?1, position = ?1 WHERE seq = ?2 AND (id IS NULL OR id < ?1)",
        (message_id, seq),
    )


def forget_names_above(connection: sqlite3.Connection, seq: int, bound: MessageId) -> bool:
    """Forget the names of a message above an id and order it by the largest one left; tell if it had any."""
    if not connection.execute("DELETE FROM names WHERE message = ? AND id > ?", (seq, bound)).rowcount:
        return False
    connection.execute(
        "UPDATE messages SET id = (SELECT max(id) FROM names WHERE message = ?1) WHERE seq = ?1", (seq,)
    )
    connection.execute(
        "UPDATE messages SET position = coalesce(id, printf('~%013d', sent_at)) WHERE seq = ?", (seq,)
    )
    return True


def newest_id(connection: sqlite3.Connection, peer: AccountId) -> MessageId | None:
    """Give the largest id of a conversation."""
    row = connection.execute("SELECT max(id) FROM messages WHERE peer = ?", (peer,)).fetchone()
    return None if row[0] is None else MessageId(row[0])


def find_name(connection: sqlite3.Connection, message_id: str, sender: str) -> tuple[int | None] | None:
    """Find a name: (row number or None for an undecryptable message), or None where it is new."""
    row: tuple[int | None] | None = connection.execute(
        "SELECT message FROM names WHERE id = ? AND sender = ?", (message_id, sender)
    ).fetchone()
    return row


def forget_old_names(connection: sqlite3.Connection, own: AccountId, now: int) -> None:
    """Drop names of received messages that can not come again; `now` is the server's, ours may be wrong."""
    oldest = mint(max(now - REMEMBERED_MS, 0))
    connection.execute("DELETE FROM names WHERE id < ? AND sender NOT LIKE ? || ':%'", (oldest, own))
