"""Messages as they are now: what was written, and what edits, reactions and deletions made of it.

What changes a message is a row of its own that names it, and the state is computed from those rows whenever
it is read: so it is the same on all devices whatever came first, also where the message came last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heliograph.content import VISIBLE, Mention, Target
from heliograph.ids import AccountId
from heliograph.store import messages
from heliograph.store.messages import StoredMessage


@dataclass(frozen=True, slots=True)
class Shown:
    """A message and its state.

    Attributes:
        row: As it was written.
        text: As it is now; empty where it was deleted.
        mentions: Of that text.
        edited_at: When its newest edit was written.
        deleted: Its author deleted it.
        reactions: Account -> emoji.
        quoted: What a reply is about, where that is here and was not deleted.
    """

    row: StoredMessage
    text: str
    mentions: tuple[Mention, ...] = ()
    edited_at: int | None = None
    deleted: bool = False
    reactions: Mapping[AccountId, str] = field(default_factory=dict)
    quoted: str | None = None


def of(connection: sqlite3.Connection, row: StoredMessage) -> Shown:
    """Compute the state of a message.

    The newest edit of its author counts, and of each account the newest reaction; newest by (id, sender).
    What failed for good does not count: nobody else has it. A deletion beats everything.
    """
    shown = _state(connection, row)
    if row.kind != "reply" or shown.deleted or row.target is None:
        return shown
    about = find(connection, row.peer, row.target)
    if about is None:
        return shown
    quoted = _state(connection, about)
    return shown if quoted.deleted else replace(shown, quoted=quoted.text)


def find(connection: sqlite3.Connection, peer: AccountId, target: Target) -> StoredMessage | None:
    """Find a message that a conversation shows; a name out of another conversation is nobody's."""
    row = messages.by_logical_id(connection, target.account, target.logical_id)
    return row if row is not None and row.peer == peer and row.kind in VISIBLE else None


def changes(connection: sqlite3.Connection, row: StoredMessage) -> list[StoredMessage]:
    """List what was done to a message, oldest first."""
    found = connection.execute(
        f"SELECT {messages.COLUMNS} FROM messages m "  # noqa: S608
        "WHERE target_account = ? AND target_id = ? AND peer = ? AND status != 'failed' "
        "AND kind IN ('edit', 'reaction', 'delete') ORDER BY position, sender",
        (row.account, row.logical_id, row.peer),
    )
    return [StoredMessage(*each) for each in found]


def is_gone(connection: sqlite3.Connection, peer: AccountId, target: Target) -> bool:
    """Tell whether a message was deleted by its author or has disappeared; it need not be here."""
    row = connection.execute(
        "SELECT 1 FROM messages WHERE target_account = ?1 AND target_id = ?2 AND peer = ?3 "
        "AND kind = 'delete' AND account = ?1 AND status != 'failed' UNION ALL "
        "SELECT 1 FROM messages WHERE account = ?1 AND logical_id = ?2 AND peer = ?3 AND kind = 'expired'",
        (*target, peer),
    ).fetchone()
    return row is not None


def wipe(connection: sqlite3.Connection, peer: AccountId, target: Target) -> None:
    """Overwrite what a message says, and what edits and reactions to it say; their names stay."""
    connection.execute(
        "UPDATE messages SET text = seal('', 'messages.text'), body = NULL WHERE peer = ?3 "
        "AND ((account = ?1 AND logical_id = ?2) "
        "OR (target_account = ?1 AND target_id = ?2 AND kind IN ('edit', 'reaction')))",
        (*target, peer),
    )


def _state(connection: sqlite3.Connection, row: StoredMessage) -> Shown:
    if row.kind not in VISIBLE:
        return Shown(row, row.text)
    text, mentions, edited_at = row.text, _mentions(row), None
    reactions: dict[AccountId, str] = {}
    for change in changes(connection, row):
        if change.kind == "reaction":
            reactions[change.account] = change.text
        elif change.account != row.account:
            continue
        elif change.kind == "delete":
            return Shown(row, "", deleted=True)
        else:
            text, mentions, edited_at = change.text, _mentions(change), change.sent_at
    given = {account: emoji for account, emoji in reactions.items() if emoji}
    return Shown(row, text, mentions, edited_at, reactions=given)


def _mentions(row: StoredMessage) -> tuple[Mention, ...]:
    return row.content(row.account).mentions if row.body else ()
