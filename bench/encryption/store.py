"""How large a store is after so many messages: real outboxes and inboxes, envelopes carried by hand."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from heliograph import Passphrase, Plain
from heliograph.content import Content
from heliograph.crypto.pqxdh import Bundle
from heliograph.device_chain import ChainTip
from heliograph.ids import AccountId, conversation_id, from_base64url, mint, new_logical_id
from heliograph.signal_encryption import SignalEncryption
from heliograph.signing import Identity
from heliograph.store import incoming, outgoing, peers, pins, prekeys, profile, sessions
from heliograph.store.database import Database
from heliograph.store.peers import Peer
from heliograph.store.pins import Pin

NOW = 1_764_000_000_000
STEP_MS = 1_000
BURST = 50
"""Messages that one side sends before the other answers."""
TEXT = "A message of an ordinary length, as people write them all day."


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes of one side's store, and of one text in it."""

    messages: int
    sealed: int
    plain: int
    text: int


def measure(folder: Path, messages: int) -> StoreSize:
    """Have so many messages sent, half in each direction, and received; ``folder`` is filled."""
    sealed = _stored(folder / "sealed", Passphrase("correct horse battery staple"), messages)
    return StoreSize(messages, sealed, _stored(folder / "plain", Plain(), messages), len(TEXT))


def _stored(folder: Path, seal: Passphrase | Plain, messages: int) -> int:
    folder.mkdir()
    asyncio.run(_talk(folder, seal, messages))
    return (folder / "alice.db").stat().st_size


async def _talk(folder: Path, seal: Passphrase | Plain, messages: int) -> None:
    stores = [await Database.open(folder / f"{name}.db", "normal", seal) for name in ("alice", "bob")]
    try:
        ends = [await store.run(_End.make) for store in stores]
        for store, me, peer in zip(stores, ends, reversed(ends), strict=True):
            await store.run(partial(me.meet, peer=peer))
        for turn in range(messages // BURST):
            by, now = turn % 2, NOW + turn * BURST * STEP_MS
            events = await stores[by].run(partial(ends[by].send, peer=ends[1 - by], now=now))
            taken = await stores[1 - by].run(partial(ends[1 - by].take, events=events, now=now))
            if taken != BURST:
                raise RuntimeError(f"{taken} of {BURST} messages came")
    finally:
        for store in stores:
            await store.close()


@dataclass(frozen=True, slots=True)
class _End:
    """One device: who it is, its bundle, and its encryption."""

    me: Identity
    bundle: Bundle
    encryption: SignalEncryption

    @classmethod
    def make(cls, connection: sqlite3.Connection) -> _End:
        me = profile.become(connection, mint(NOW), 1, "somebody", "http://127.0.0.1:1")
        for kind, count in (("signed", 1), ("last_resort", 1), ("one_time", 100), ("one_time_kem", 20)):
            prekeys.make(connection, kind, count, NOW)
        keys = [prekeys.current(connection, kind) for kind in ("signed", "last_resort")]
        signed, kem = (key[0] for key in keys if key is not None)
        public = from_base64url(me.key.public)
        bundle = Bundle(public, signed.id, signed.key, 0, None, "last_resort", kem.id, kem.key)
        return cls(me, bundle, SignalEncryption())

    def meet(self, connection: sqlite3.Connection, peer: _End) -> None:
        """Know the other one, as after its chain was read."""
        them, key = peer.me, peer.me.key.public
        peers.save(connection, self._peer(them))
        peers.save(connection, self._peer(self.me))
        tip = ChainTip(1, "h", "h", key, {1: key}, {1: key})
        pins.put(connection, Pin(them.account, tip, {}, None))
        sessions.offer(connection, them.address, peer.bundle)

    def send(self, connection: sqlite3.Connection, peer: _End, now: int) -> list[dict[str, Any]]:
        """Put a burst into the outbox, make its frames, and have it accepted."""
        them = peer.me.account
        conversation = conversation_id(self.me.account, them)
        queue = []
        for number in range(BURST):
            content = Content(new_logical_id(), TEXT, conversation, now + number)
            queue.append(outgoing.add(connection, self.me, them, content)[0].seq)
        events = []
        while queue:
            prepared = outgoing.prepare(
                connection, self.me, self._peer(peer.me), self._peer(self.me), queue, now, self.encryption
            )
            for attempt in prepared.attempts:
                body = json.loads(attempt.body)
                events.append(
                    {
                        "type": "message",
                        "id": attempt.id,
                        "sender": self.me.address,
                        "to": them,
                        "ciphertext": body["devices"]["1"],
                    }
                )
                outgoing.accepted(connection, attempt.seq, attempt.id)
                queue.remove(attempt.seq)
        return events

    def take(self, connection: sqlite3.Connection, events: list[dict[str, Any]], now: int) -> int:
        """Take messages in, as after a drain whose acks were sent; tells how many were new."""
        before = self._count(connection)
        incoming.ingest(connection, events, self.me, self.encryption, now)
        connection.execute("DELETE FROM acks")
        return self._count(connection) - before

    @staticmethod
    def _count(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    @staticmethod
    def _peer(who: Identity) -> Peer:
        return Peer(AccountId(who.account), who.handle, 1, {who.device: who.key.public})
