"""Messages of both directions: their state, their order, and how they are found."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from heliograph.content import Content, Target
from heliograph.ids import AccountId, Address, LogicalId, MessageId, account_of, conversation_id, mint
from heliograph.model import Status

REMEMBERED_MS = 40 * 86_400_000
"""How long the name of a received message is kept for dedupe: longer than an inbox keeps its row."""

COLUMNS = (
    "m.seq, m.account, m.logical_id, m.sender, m.peer, m.outgoing, m.id, m.position, "
    "unseal(m.text, 'messages.text'), m.sent_at, m.expires, m.status, m.error, m.kind, "
    "unseal(m.body, 'messages.body'), m.target_account, m.target_id, m.lifetime, m.expires_at"
)

SHOWN = "('text', 'reply', 'unsupported')"
"""What a conversation shows: `content.VISIBLE` as SQL."""


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
    kind: str
    body: str | None
    target_account: AccountId | None
    target_id: LogicalId | None
    lifetime: str
    expires_at: int | None

    @property
    def target(self) -> Target | None:
        """The message that it is about."""
        if self.target_account is None or self.target_id is None:
            return None
        return Target(self.target_account, self.target_id)

    def content(self, own: AccountId) -> Content:
        """Give what was or will be sent: a repeat under another id says the same."""
        reaction = self.kind == "reaction"
        return Content(
            logical_id=self.logical_id,
            text="" if reaction else self.text,
            conversation=conversation_id(own, self.peer),
            sent_at=self.sent_at,
            kind=self.kind,
            target=self.target,
            emoji=self.text if reaction else "",
            expires=self.lifetime,
        ).with_extras(self.body)

    @property
    def order(self) -> tuple[str, Address]:
        """Its place in the conversation; the same on all devices once it has an id."""
        return self.position, self.sender


def add(
    connection: sqlite3.Connection,
    content: Content,
    *,
    sender: Address,
    peer: AccountId,
    outgoing: bool,
    message_id: MessageId | None,
    expires: str,
    status: Status,
) -> int:
    """Insert a message and give its row number.

    Args:
        connection: The store.
        content: What it says.
        sender: The device that wrote it.
        peer: The other account of the conversation.
        outgoing: This account wrote it.
        message_id: None while it never left.
        expires: How long the server keeps it.
        status: How far it came.
    """
    position = message_id or f"~{content.sent_at:013d}"
    account, logical_id = content.target or (None, None)
    done = connection.execute(
        "INSERT INTO messages (kind, account, logical_id, sender, peer, outgoing, id, position, text, body, "
        "target_account, target_id, sent_at, expires, lifetime, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
        "seal(?, 'messages.text'), seal(?, 'messages.body'), ?, ?, ?, ?, ?, ?)",
        (
            content.kind,
            account_of(sender),
            content.logical_id,
            sender,
            peer,
            int(outgoing),
            message_id,
            position,
            content.emoji if content.kind == "reaction" else content.text,
            content.extras(),
            account,
            logical_id,
            content.sent_at,
            expires,
            content.expires,
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
    """Read what a conversation shows backwards, from its end or from a (position, sender)."""
    position, sender = before or ("~~", "")
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM messages m WHERE peer = ? AND (position, sender) < (?, ?) "  # noqa: S608
        f"AND kind IN {SHOWN} ORDER BY position DESC, sender DESC LIMIT ?",
        (peer, position, sender, limit),
    )
    return [StoredMessage(*row) for row in rows]


def conversations(connection: sqlite3.Connection) -> list[tuple[AccountId, str | None]]:
    """List (account, handle) of all conversations, the one with the newest message first.

    One whose messages all disappeared is still there.
    """
    rows = connection.execute(
        "SELECT m.peer, p.handle FROM messages m LEFT JOIN peers p ON p.account = m.peer "  # noqa: S608
        f"WHERE m.kind IN {SHOWN} OR m.kind = 'expired' GROUP BY m.peer ORDER BY max(m.position) DESC"
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
    """Drop names of what can not come again; `now` is the server's, ours may be wrong.

    Those of received messages, what is left of disappeared ones, and changes of messages that never came.
    """
    oldest = mint(max(now - REMEMBERED_MS, 0), 0)
    connection.execute("DELETE FROM names WHERE id < ? AND sender NOT LIKE ? || ':%'", (oldest, own))
    connection.execute(
        "DELETE FROM messages WHERE id < ? AND (kind = 'expired' OR target_id IS NOT NULL "
        "AND kind IN ('edit', 'reaction', 'delete') AND status NOT IN ('pending', 'failed') AND NOT EXISTS ("
        "SELECT 1 FROM messages t WHERE t.account = messages.target_account "
        "AND t.logical_id = messages.target_id))",
        (oldest,),
    )
