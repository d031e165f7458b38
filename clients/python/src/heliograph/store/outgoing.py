"""What leaves: attempts whose id and bytes a retry repeats, and what became of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from heliograph.content import LIFETIMES, VISIBLE, Content
from heliograph.encryption import Encryption, SessionsMissing
from heliograph.ids import (
    AccountId,
    MessageId,
    base64url,
    device_of,
    id_milliseconds,
    mint,
    next_milliseconds,
)
from heliograph.signing import Identity
from heliograph.store import effects, messages, peers, status, timers
from heliograph.store.messages import StoredMessage
from heliograph.store.peers import Peer

REPEAT_MS = 100_000
"""Age up to which a retry repeats an id: the server takes ids for 2 minutes, and the frame has to travel."""
LEAD_MS = 5_000
"""How far ids may run ahead of the server's time before sending waits; the server takes 10 s."""
NEVER_TAKEN_MS = 30_000
"""A refused id that far ahead was taken by no part of the server, however its clocks differ."""
FRAME_BYTES = 110_000
"""Messages of a frame together: 131,072 less the acks that ride along."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message as it goes on the wire."""

    seq: int
    id: MessageId
    body: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A part of a conversation's queue, ready for one frame.

    Attributes:
        attempts: In order.
        settled: Messages at the head of the queue that need no sending any more.
        wait_ms: The ids run too far ahead: wait that long.
    """

    attempts: list[Attempt]
    settled: list[int]
    wait_ms: int


def add(
    connection: sqlite3.Connection, me: Identity, peer: AccountId, content: Content
) -> tuple[StoredMessage, bool]:
    """Put a message into the outbox; tell whether it is the first to its recipient.

    From now on the recipient gets receipts, as the server will see it too. A deletion overwrites at once what
    it deletes.
    """
    seq = messages.add(
        connection,
        content,
        sender=me.address,
        peer=peer,
        outgoing=True,
        message_id=None,
        expires=_server_class(connection, peer, content),
        status="pending",
    )
    row = messages.get(connection, seq)
    effects.wipe_if_gone(connection, row)
    return row, peers.accept(connection, peer)


def _server_class(connection: sqlite3.Connection, peer: AccountId, content: Content) -> str:
    """Tell how long the server keeps a message undelivered.

    That is the conversation's class for all kinds, so that it tells nothing about them. A new timer goes with
    the longer of both classes: like the texts before it, or those after it.
    """
    timer = timers.current(connection, peer)
    if content.kind == "timer":
        return timers.longer(timer, content.expires)
    return (content.expires if content.kind in VISIBLE else timer) or timers.LONGEST


def waiting(connection: sqlite3.Connection) -> list[tuple[AccountId, int]]:
    """List what an earlier run left in the outbox, in order."""
    return list(
        connection.execute(
            "SELECT peer, seq FROM messages WHERE status = 'pending' OR seq IN (SELECT message FROM again) "
            "ORDER BY seq"
        )
    )


def prepare(
    connection: sqlite3.Connection,
    me: Identity,
    peer: Peer,
    own: Peer,
    queue: Sequence[int],
    now: int,
    encryption: Encryption,
) -> Prepared:
    """Make the attempts of one frame and store them before anybody sees them.

    An attempt that may have arrived keeps its id and bytes. Once one message needs a new id, so do all
    after it: the ids of a conversation rise in the order of its queue.

    Where keys are missing for a later message the frame ends before it: to undo what the ones before it used
    up would go on for ever with a device that has no keys, as it is asked about for each message.

    Raises:
        SessionsMissing: Keys are missing for the first message; nothing was made.
    """
    attempts: list[Attempt] = []
    settled: list[int] = []
    newest = peers.newest_seen(connection, peer.account)
    renew = False
    size = wait_ms = 0
    for seq in dict.fromkeys(queue):  # one that was asked for twice goes out once
        row = connection.execute(
            "SELECT m.status = 'pending' OR m.seq IN (SELECT message FROM again), a.id, a.body "
            "FROM messages m LEFT JOIN attempts a ON a.message = m.seq WHERE m.seq = ?",
            (seq,),
        ).fetchone()
        if row is None or not row[0]:
            settled.append(seq)
            continue
        if peer.account == me.account and not own.addresses(but=me.device):
            status.fail(connection, seq, "BAD_RECIPIENT")  # this device is the only one
            settled.append(seq)
            continue
        _, message_id, body = row
        if message_id is None or renew or now - id_milliseconds(message_id) > REPEAT_MS:
            milliseconds = next_milliseconds(now, newest)
            if milliseconds - now > LEAD_MS:
                wait_ms = milliseconds - now - LEAD_MS // 2
                break
            message_id, body, is_new = mint(milliseconds), None, True
        else:
            milliseconds, is_new = newest, False
        if body is None:
            try:
                body = _encrypt(connection, me, peer, own, seq, message_id, encryption)
            except SessionsMissing:
                if attempts:
                    break
                raise
            connection.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", (seq, message_id, body))
        if is_new:
            newest, renew = milliseconds, True
            messages.came_under(connection, seq, message_id, me.address)
        size += len(body)
        if attempts and size > FRAME_BYTES:
            break
        attempts.append(Attempt(seq, message_id, body))
    if renew:
        peers.saw(connection, peer.account, newest)
    return Prepared(attempts, settled, wait_ms)


def _encrypt(
    connection: sqlite3.Connection,
    me: Identity,
    peer: Peer,
    own: Peer,
    seq: int,
    message_id: MessageId,
    encryption: Encryption,
) -> str:
    message = messages.get(connection, seq)
    content = message.content(me.account)
    theirs, mine = peer.addresses(), own.addresses(but=me.device)
    if peer.account == me.account:
        theirs, mine = mine, {}
    sealed = encryption.encrypt(
        connection, content.encode(), message_id=message_id, sender=me.address, recipients=theirs | mine
    )
    body: dict[str, object] = {
        "id": message_id,
        "to": peer.account,
        "devices": {str(device_of(to)): base64url(sealed[to]) for to in theirs},
    }
    if mine:
        body["own"] = {str(device_of(to)): base64url(sealed[to]) for to in mine}
    if message.expires != "30d":
        body["expires"] = message.expires
    return json.dumps(body, separators=(",", ":"))


def accepted(connection: sqlite3.Connection, seq: int, message_id: MessageId) -> bool:
    """Take in that the server has a message under this id; its bytes are not needed any more.

    If it was asked for while that try was under way, it still goes out again.
    """
    tried = connection.execute("DELETE FROM attempts WHERE message = ? AND id = ?", (seq, message_id))
    if tried.rowcount:
        connection.execute("DELETE FROM again WHERE message = ?", (seq,))
    return status.raise_status(connection, seq, "sent")


def encrypt_again(connection: sqlite3.Connection, queue: Sequence[int]) -> None:
    """Drop the bytes of attempts that nobody took: their devices changed. The ids stay."""
    connection.executemany("UPDATE attempts SET body = NULL WHERE message = ?", [(seq,) for seq in queue])


def name_again(connection: sqlite3.Connection, peer: AccountId, queue: Sequence[int], now: int) -> None:
    """Drop attempts whose ids the server does not take.

    The names stay, as a receipt may still use one. But an id far ahead (the clock was wrong) was never taken:
    it must neither order its message nor hold the conversation back until that time comes.
    """
    connection.executemany("DELETE FROM attempts WHERE message = ?", [(seq,) for seq in queue])
    bound = mint(now + NEVER_TAKEN_MS, 0)
    forgotten = [messages.forget_names_above(connection, seq, bound) for seq in queue]
    if any(forgotten):
        newest = messages.newest_id(connection, peer)
        peers.set_back(connection, peer, id_milliseconds(newest) if newest else 0)


def retry(connection: sqlite3.Connection, seq: int) -> bool:
    """Put a failed message back into the outbox."""
    done = connection.execute(
        "UPDATE messages SET status = 'pending', error = NULL WHERE seq = ? AND status = 'failed'", (seq,)
    )
    return bool(done.rowcount)


RECEIPT_EXPECTED_MS = 120_000


def unreceipted(connection: sqlite3.Connection, me: Identity, now: int) -> dict[str, list[list[str]]]:
    """Pick accepted messages of this account without `delivered`: 20 an account, 10 accounts, at random.

    Those of its other devices too: their receipts reach this one only while it is online.
    At random because the recipients of the oldest may be away for weeks.
    """
    found: dict[str, list[list[str]]] = {}
    rows = connection.execute(
        "SELECT peer, id, sender, expires FROM messages "
        "WHERE status = 'sent' AND account = ?1 AND peer != ?1 ORDER BY random()",
        (me.account,),
    )
    for peer, message_id, sender, expires in rows:
        age = now - id_milliseconds(message_id)
        if not RECEIPT_EXPECTED_MS < age < LIFETIMES[expires]:
            continue
        if peer not in found and len(found) == 10:
            continue
        names = found.setdefault(peer, [])
        if len(names) < 20:
            names.append([message_id, sender])
    return found
