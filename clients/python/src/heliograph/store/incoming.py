"""What comes: dedupe, decrypt, store, log and owe an acknowledgement, all in one transaction."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from heliograph.content import VISIBLE, Content
from heliograph.encryption import Encryption, SendersUnknown
from heliograph.errors import DecryptionFailed
from heliograph.ids import (
    AccountId,
    Address,
    ConversationId,
    MessageId,
    account_of,
    conversation_id,
    from_base64url,
    id_milliseconds,
)
from heliograph.signing import Identity
from heliograph.store import account_secrets, effects, event_log, messages, peers, pins, repairs, timers
from heliograph.store.messages import StoredMessage
from heliograph.store.status import raise_status

logger = logging.getLogger("heliograph")

AckKind = Literal["delivered", "read", "read_receipt", "quiet"]
"""`read_receipt`: of a message whose row went with an earlier ack."""

CAUGHT_UP_RECEIPTS = 100
"""Newest messages of an account that get their receipts when it is accepted at last."""


class Ack(NamedTuple):
    """What the server is told of an inbox row: that it may go, and what its sender hears."""

    id: MessageId
    sender: str
    kind: AckKind
    conversation: ConversationId


@dataclass(slots=True)
class Ingested:
    """What a batch of events did.

    Attributes:
        acks: Owed now, stored.
        changed: Row numbers of messages whose status moved.
        lists: Newest version of each device list that was announced.
        keys: One-time keys of this device that the server has left, where it said so.
        asks: Somebody is to be asked for a message again, or told that messages come.
        again: (conversation, row number) of own messages that others could not read.
        wiped: Texts were overwritten; the log of the file still has them.
    """

    acks: list[Ack] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    lists: dict[AccountId, int] = field(default_factory=dict)
    keys: dict[str, int] | None = None
    wiped: bool = False
    asks: bool = False
    again: list[tuple[AccountId, int]] = field(default_factory=list)


def ingest(
    connection: sqlite3.Connection,
    events: Iterable[dict[str, Any]],
    me: Identity,
    encryption: Encryption,
    now: int,
    unknowable: Collection[AccountId] = (),
) -> Ingested:
    """Take in events of the server; what came before is only acknowledged again.

    An event of another shape or an unknown type is skipped: one bad row must not stop the others. What it
    changed until then is undone, so no session is ahead of what is stored.

    Args:
        connection: The store; nothing is changed where this raises.
        events: In the order in which they came.
        me: This device.
        encryption: What opens messages.
        now: The server's time: when messages came that disappear.
        unknowable: Accounts whose devices the server was asked for.

    Raises:
        SendersUnknown: The server must be asked for the devices of a sender first.
    """
    done = Ingested()
    for event in events:
        acks, again = len(done.acks), len(done.again)
        connection.execute("SAVEPOINT event")
        try:
            match event["type"]:
                case "message":
                    _message(connection, event, me, encryption, now, unknowable, done)
                case "receipt":
                    _receipt(connection, event, me, done)
                case "device_list_changed":
                    account, version = AccountId(str(event["account"])), int(event["version"])
                    done.lists[account] = max(done.lists.get(account, 0), version)
                case "keys_low":
                    done.keys = {kind: int(event[kind]) for kind in ("one_time", "one_time_kem")}
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            connection.execute("ROLLBACK TO event")
            del done.acks[acks:], done.again[again:]
            # Its class alone: what it says may quote a message.
            logger.warning("an event of another shape was skipped: %s", type(problem).__name__)
        connection.execute("RELEASE event")
    connection.executemany("INSERT OR REPLACE INTO acks VALUES (?, ?, ?, ?)", done.acks)
    done.asks = repairs.is_due(connection)
    return done


def _message(
    connection: sqlite3.Connection,
    event: dict[str, Any],
    me: Identity,
    encryption: Encryption,
    now: int,
    unknowable: Collection[AccountId],
    done: Ingested,
) -> None:
    message_id, sender, to = MessageId(event["id"]), Address(event["sender"]), AccountId(event["to"])
    milliseconds, account = id_milliseconds(message_id), account_of(sender)
    own_copy = account == me.account
    peer = to if own_copy else account
    conversation = conversation_id(account, to)

    def owe(kind: AckKind) -> None:
        done.acks.append(Ack(message_id, sender, kind, conversation))

    def owe_receipt(status: str) -> None:
        if own_copy or not peers.is_accepted(connection, account):
            owe("quiet")
        else:
            owe("read" if status == "read" else "delivered")

    name = messages.find_name(connection, message_id, sender)
    if name is not None:
        known = messages.by_seq(connection, name[0]) if name[0] is not None else None
        return owe("quiet") if known is None else owe_receipt(known.status)

    try:
        content = _open(connection, event, me, encryption, unknowable)
    except _Unreadable as problem:
        connection.execute("INSERT INTO names VALUES (?, ?, NULL)", (message_id, sender))
        event_log.append(
            connection, "undecryptable", None, id=message_id, sender=sender, reason=problem.reason
        )
        if problem.ask:
            repairs.note_unread(connection, message_id, sender, now)
        return owe("quiet")

    peers.saw(connection, peer, milliseconds)
    before = effects.look(connection, peer, content)
    earlier = messages.by_logical_id(connection, account, content.logical_id)
    if earlier is not None:
        messages.came_under(connection, earlier.seq, message_id, sender)
        row = messages.get(connection, earlier.seq)
        done.wiped |= effects.tell(connection, row, row.content(me.account), before)
        return owe_receipt(earlier.status)
    seq = messages.add(
        connection,
        content,
        sender=sender,
        peer=peer,
        outgoing=own_copy,
        message_id=message_id,
        expires=content.expires if content.kind in VISIBLE and content.expires else timers.LONGEST,
        status="sent" if own_copy else "delivered",
    )
    connection.execute("INSERT INTO names VALUES (?, ?, ?)", (message_id, sender, seq))
    timers.start(connection, seq, milliseconds if own_copy else now)
    if content.kind in VISIBLE:
        event_log.append(connection, "copied" if own_copy else "received", seq)
    done.wiped |= effects.tell(connection, messages.get(connection, seq), content, before)
    if content.kind == "repair":
        done.again.extend(repairs.give(connection, me, account, content.names, now))
    if content.kind == "secrets" and own_copy and pins.is_live(connection, sender):
        account_secrets.take(connection, content)
    if own_copy and peers.accept(connection, peer):  # another own device wrote to it
        done.acks.extend(owe_receipts(connection, me, peer))
    return owe_receipt("sent" if own_copy else "delivered")


class _Unreadable(Exception):
    """A message cannot be read; `ask`: its sender may seal it anew."""

    def __init__(self, reason: str, *, ask: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ask = ask


def _open(
    connection: sqlite3.Connection,
    event: dict[str, Any],
    me: Identity,
    encryption: Encryption,
    unknowable: Collection[AccountId],
) -> Content:
    message_id, sender, to = MessageId(event["id"]), Address(event["sender"]), AccountId(event["to"])
    try:
        plaintext = encryption.decrypt(
            connection,
            from_base64url(event["ciphertext"]),
            message_id=message_id,
            sender=sender,
            recipient=me.address,
        )
    except SendersUnknown:
        if account_of(sender) not in unknowable:
            raise
        raise _Unreadable("the sender is no device of its account", ask=False) from None
    except (DecryptionFailed, ValueError) as problem:
        raise _Unreadable(str(problem), ask=True) from problem
    except (sqlite3.Error, OSError, MemoryError):
        raise  # this machine's trouble, not the message's: it comes again
    except Exception as problem:
        # Its class alone: what it says may quote a message.
        reason = f"unexpected: {type(problem).__name__}"
        logger.error("the encryption failed, the message counts as undecryptable: %s", reason)  # noqa: TRY400
        raise _Unreadable(reason, ask=True) from problem
    try:
        return Content.decode(plaintext, sender, to)
    except DecryptionFailed as problem:
        raise _Unreadable(str(problem), ask=False) from problem


def _receipt(connection: sqlite3.Connection, event: dict[str, Any], me: Identity, done: Ingested) -> None:
    by, status = account_of(event["by"]), event["status"]
    if "row" in event:
        done.acks.append(Ack(MessageId(event["row"][0]), str(event["row"][1]), "quiet", ConversationId("")))
    if status not in ("delivered", "read"):
        return
    for message_id, sender in event["messages"]:
        name = (
            messages.find_name(connection, message_id, sender) if account_of(sender) == me.account else None
        )
        if name is None or name[0] is None:
            continue
        message = messages.by_seq(connection, name[0])
        if (
            message is not None
            and message.outgoing
            and message.peer == by
            and (raise_status(connection, message.seq, status))
        ):
            done.changed.append(message.seq)


def mark_read(connection: sqlite3.Connection, me: Identity, seq: int) -> list[Ack]:
    """Remember that a message was shown; give the acks owed for that, if anybody may hear of it.

    That is for a received message, and for what changed it or came before it without being shown itself.
    """
    message = messages.by_seq(connection, seq)
    if message is None:
        return []
    return _read(connection, me, message.peer, effects.unseen(connection, message))


def mark_all_read(connection: sqlite3.Connection, me: Identity, peer: AccountId) -> list[Ack]:
    """Remember that a whole conversation was shown; give the acks owed for that."""
    return _read(connection, me, peer, effects.all_unseen(connection, peer))


def _read(
    connection: sqlite3.Connection, me: Identity, peer: AccountId, rows: list[StoredMessage]
) -> list[Ack]:
    connection.executemany("UPDATE messages SET status = 'read' WHERE seq = ?", [(row.seq,) for row in rows])
    if not rows or not peers.is_accepted(connection, peer):
        return []
    conversation = conversation_id(peer, me.account)
    acks = [_read_ack(connection, row, conversation) for row in rows]
    connection.executemany("INSERT OR REPLACE INTO acks VALUES (?, ?, ?, ?)", acks)
    return acks


def _read_ack(connection: sqlite3.Connection, row: StoredMessage, conversation: ConversationId) -> Ack:
    row_waits = connection.execute(
        "SELECT 1 FROM acks WHERE id = ? AND sender = ?", (row.id, row.sender)
    ).fetchone()
    return Ack(MessageId(str(row.id)), row.sender, "read" if row_waits else "read_receipt", conversation)


def owe_receipts(connection: sqlite3.Connection, me: Identity, account: AccountId) -> list[Ack]:
    """Owe receipts for what an account sent before it was accepted; it got none for that then."""
    rows = connection.execute(
        "SELECT id, sender, status FROM messages WHERE peer = ? AND outgoing = 0 "
        "ORDER BY position DESC LIMIT ?",
        (account, CAUGHT_UP_RECEIPTS),
    )
    conversation = conversation_id(account, me.account)
    acks = [
        Ack(message_id, sender, "read" if status == "read" else "delivered", conversation)
        for message_id, sender, status in rows
    ]
    connection.executemany("INSERT OR REPLACE INTO acks VALUES (?, ?, ?, ?)", acks)
    return acks


def pending_acks(connection: sqlite3.Connection) -> list[Ack]:
    """List what an earlier run stored and did not acknowledge."""
    return [Ack(*row) for row in connection.execute("SELECT id, sender, kind, conversation FROM acks")]


def acknowledged(connection: sqlite3.Connection, acks: Iterable[Ack]) -> None:
    """Forget acks that left; a row that comes again is acknowledged again."""
    connection.executemany(
        "DELETE FROM acks WHERE id = ? AND sender = ? AND kind = ?",
        [(ack.id, ack.sender, ack.kind) for ack in acks],
    )
