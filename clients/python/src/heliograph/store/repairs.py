"""Messages that could not be read: asked for again, and sent again. docs/encryption.md, "Repair".

And sessions that nobody answers: as long as its other side hears nothing, a device repeats the long prefix of
a first message. A device whose owner only reads says hello.

Who cannot read a message ends the session and asks for the message in a new one, at most once an hour of each
account. Who is asked sends it under a new id; by its logical id it is shown once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from heliograph.content import VISIBLE, Content
from heliograph.ids import (
    AccountId,
    Address,
    MessageId,
    MessageName,
    account_of,
    conversation_id,
    new_logical_id,
)
from heliograph.signing import Identity
from heliograph.store import messages, peers, sessions, shown
from heliograph.store.messages import StoredMessage

HOUR_MS = 3_600_000
NAMES_ASKED = 20
"""Messages asked for at once."""
GIVEN_AN_HOUR = 40
"""Messages that are sent again to one account in an hour at most, so that asking costs the asker more."""
NOTED = 200
"""Unread messages of one account that are remembered; who sends more of them loses the oldest."""
KEPT_MS = 30 * 86_400_000
"""How long an unread message is worth asking for."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What to ask an account for; without names: to know that its messages come."""

    account: AccountId
    names: tuple[MessageName, ...]

    def content(self, me: Identity, now: int) -> Content:
        """Make the message that asks, or says hello."""
        conversation, kind = conversation_id(me.account, self.account), "repair" if self.names else "hello"
        return Content(new_logical_id(), "", conversation, now, kind=kind, names=self.names)


def note_unread(connection: sqlite3.Connection, message_id: MessageId, sender: Address, now: int) -> None:
    """Remember a message that could not be read."""
    connection.execute(
        "INSERT OR IGNORE INTO unread VALUES (?, ?, ?, ?)", (message_id, sender, account_of(sender), now)
    )
    connection.execute(
        "DELETE FROM unread WHERE account = ?1 AND (id, sender) NOT IN "
        "(SELECT id, sender FROM unread WHERE account = ?1 ORDER BY id DESC LIMIT ?2)",
        (account_of(sender), NOTED),
    )


def due(connection: sqlite3.Connection, me: Identity, now: int) -> list[Asking]:
    """Take what is to be asked for now, and end the sessions it came in.

    Only accounts that get receipts are asked: to others nothing is sent unless their user does.
    """
    connection.execute("DELETE FROM unread WHERE noted_at < ?", (now - KEPT_MS,))
    asking: list[Asking] = []
    for (account,) in connection.execute("SELECT DISTINCT account FROM unread").fetchall():
        if not _may_ask(connection, me, account, "asked", now):
            continue
        rows = connection.execute(
            "SELECT id, sender FROM unread WHERE account = ? ORDER BY id DESC LIMIT ?", (account, NAMES_ASKED)
        ).fetchall()
        for message_id, sender in rows:
            sessions.end(connection, Address(sender))
            connection.execute("DELETE FROM unread WHERE id = ? AND sender = ?", (message_id, sender))
        _note(connection, account, "asked", now)
        asking.append(Asking(AccountId(account), tuple((MessageId(i), Address(s)) for i, s in rows)))
    for account in sessions.unanswered(connection):
        if _may_ask(connection, me, account, "greeted", now):
            _note(connection, account, "greeted", now)
            sessions.greet(connection, account)
            asking.append(Asking(account, ()))
    return asking


def is_due(connection: sqlite3.Connection) -> bool:
    """Tell whether there may be something to ask for."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM unread) OR EXISTS (SELECT 1 FROM sessions WHERE unanswered >= ?)",
        (sessions.UNANSWERED,),
    ).fetchone()
    return bool(row[0])


def give(
    connection: sqlite3.Connection, me: Identity, by: AccountId, names: Iterable[MessageName], now: int
) -> list[tuple[AccountId, int]]:
    """Queue messages of this device again that a device of `by` could not read: (conversation, row number).

    What was not written to that account, is not known or is over is passed over.
    """
    again: list[tuple[AccountId, int]] = []
    for message_id, sender in names:
        name = messages.find_name(connection, message_id, sender) if sender == me.address else None
        message = messages.by_seq(connection, name[0]) if name and name[0] is not None else None
        if message is None or not message.outgoing or message.status == "failed":
            continue
        if by not in (message.peer, me.account) or message.kind in ("repair", "hello", "expired"):
            continue
        if _is_over(connection, message):
            continue
        if _count(connection, by, "given", now) >= GIVEN_AN_HOUR:
            break
        _note(connection, by, "given", now)
        # An attempt that is under way was sealed in the session that does not work: it gets another name.
        connection.execute("DELETE FROM attempts WHERE message = ?", (message.seq,))
        connection.execute("INSERT OR IGNORE INTO again VALUES (?)", (message.seq,))
        again.append((message.peer, message.seq))
    return again


def _is_over(connection: sqlite3.Connection, message: StoredMessage) -> bool:
    """Tell whether what a message says counts no more.

    It, or what it is about, was deleted or has disappeared, or a newer change took its place: under its new
    id an old change would be the newest.
    """
    if message.kind in VISIBLE:
        return not message.text  # it was deleted, and the deletion goes its own way
    if message.kind not in ("edit", "reaction", "timer"):
        return False
    if message.target is not None and shown.is_gone(connection, message.peer, message.target):
        return True
    newer = connection.execute(
        "SELECT 1 FROM messages WHERE peer = ? AND kind = ? AND target_account IS ? AND target_id IS ? "
        "AND (account = ? OR kind = 'timer') AND status != 'failed' AND (position, sender) > (?, ?)",
        (
            message.peer,
            message.kind,
            message.target_account,
            message.target_id,
            message.account,
            *message.order,
        ),
    )
    return newer.fetchone() is not None


def _may_ask(connection: sqlite3.Connection, me: Identity, account: str, what: str, now: int) -> bool:
    accepted = account == me.account or peers.is_accepted(connection, account)
    return accepted and not _count(connection, account, what, now)


def _count(connection: sqlite3.Connection, account: str, what: str, now: int) -> int:
    row = connection.execute(
        "SELECT times FROM repairs WHERE account = ? AND what = ? AND since > ? AND since <= ?",
        (account, what, now - HOUR_MS, now),
    ).fetchone()
    return row[0] if row else 0


def _note(connection: sqlite3.Connection, account: str, what: str, now: int) -> None:
    if _count(connection, account, what, now):
        connection.execute(
            "UPDATE repairs SET times = times + 1 WHERE account = ? AND what = ?", (account, what)
        )
    else:
        connection.execute("INSERT OR REPLACE INTO repairs VALUES (?, ?, ?, 1)", (account, what, now))
