"""What a message that came did to others, as events; and what it says is wiped where that is over."""

from __future__ import annotations

import logging
import sqlite3

from heliograph.content import AIMED, VISIBLE, Content, Target
from heliograph.ids import AccountId
from heliograph.store import event_log, messages, shown, timers
from heliograph.store.messages import StoredMessage
from heliograph.store.shown import Shown

logger = logging.getLogger("heliograph")

_EVENTS = {"edit": "edited", "reaction": "reaction", "delete": "deleted"}


def look(connection: sqlite3.Connection, peer: AccountId, content: Content) -> Shown | str | None:
    """Look at what a content may change: the message it is about, or the timer; None: nothing here."""
    if content.kind == "timer":
        return timers.current(connection, peer)
    if content.kind not in AIMED or content.target is None:
        return None
    row = shown.find(connection, peer, content.target)
    return None if row is None else shown.of(connection, row)


def tell(
    connection: sqlite3.Connection, row: StoredMessage, content: Content, before: Shown | str | None
) -> bool:
    """Log what a row changed that came, or came under a larger id; tell whether something was wiped.

    What changes nothing is not logged: it is older than what is known, came twice, or is about a message that
    is not here (yet) or is not its sender's.

    Args:
        connection: The store.
        row: The row, stored.
        content: What it said when it came.
        before: What `look` gave before it was stored.
    """
    if row.kind in ("edit", "delete") and row.account != row.target_account:
        logger.warning("an account tried to change a message of another one: ignored")
        connection.execute(
            "UPDATE messages SET text = seal('', 'messages.text'), body = NULL WHERE seq = ?", (row.seq,)
        )
        return True
    after = look(connection, row.peer, content)
    if before != after:
        if isinstance(after, Shown):
            by = {"by": row.account} if row.kind == "reaction" else {}
            event_log.append(connection, _EVENTS[row.kind], after.row.seq, **by)
        elif row.kind == "timer":
            event_log.append(connection, "timer", None, peer=row.peer, by=row.account, expires=after)
    return wipe_if_gone(connection, row)


def wipe_if_gone(connection: sqlite3.Connection, row: StoredMessage) -> bool:
    """Overwrite what a row says where the message that it is, or is about, was deleted or has disappeared."""
    if row.kind in VISIBLE:
        about: Target | None = Target(row.account, row.logical_id)
    else:
        about = row.target
    if about is None or not shown.is_gone(connection, row.peer, about):
        return False
    shown.wipe(connection, row.peer, about)
    return True


def unseen(connection: sqlite3.Connection, row: StoredMessage) -> list[StoredMessage]:
    """List what counts as shown together with a message, and was not: itself, what changed it, and what came
    before it and shows nothing itself.

    So a server sees receipts of those like receipts of texts.
    """
    return _delivered(
        connection,
        f"(seq = ? OR kind NOT IN {messages.SHOWN} AND ((position, sender) < (?, ?) "
        "OR (target_account = ? AND target_id = ?)))",
        (row.peer, row.seq, *row.order, row.account, row.logical_id),
    )


def all_unseen(connection: sqlite3.Connection, peer: AccountId) -> list[StoredMessage]:
    """List what was received in a conversation and not shown."""
    return _delivered(connection, "TRUE", (peer,))


def _delivered(
    connection: sqlite3.Connection, condition: str, values: tuple[str | int, ...]
) -> list[StoredMessage]:
    found = connection.execute(
        f"SELECT {messages.COLUMNS} FROM messages m WHERE peer = ? AND outgoing = 0 "  # noqa: S608 - constants
        f"AND status = 'delivered' AND kind != 'expired' AND {condition}",
        values,
    )
    return [StoredMessage(*each) for each in found]
