"""Real stores, outboxes, inboxes and repair of the SDK, and between them what a bad server can do."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from heliograph.content import Content
from heliograph.crypto.pqxdh import Bundle
from heliograph.device_chain import ChainTip
from heliograph.encryption import SessionsMissing
from heliograph.ids import AccountId, base64url, conversation_id, from_base64url, mint, new_logical_id
from heliograph.signal_encryption import SignalEncryption
from heliograph.store import incoming, outgoing, peers, pins, prekeys, profile, repairs, sessions
from heliograph.store.peers import Peer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.client.world import plain_store

T = TypeVar("T")
HOUR_MS = 3_600_000
ROUNDS = 12
"""Hours in which devices ask each other for what they could not read."""


class Device:
    """One account with one device; ``pool`` is what the server has of its one-time keys."""

    def __init__(self, now: int) -> None:
        self.connection = plain_store(Path(":memory:"))
        self.encryption = SignalEncryption()
        self.me = profile.become(self.connection, mint(now), 1, "somebody", "http://127.0.0.1:1")
        for kind, count in (("signed", 1), ("last_resort", 1), ("one_time", 2), ("one_time_kem", 2)):
            prekeys.make(self.connection, kind, count, now)
        self.pool = {
            kind: [key for key in prekeys.waiting(self.connection) if key.kind == kind]
            for kind in ("signed", "last_resort", "one_time", "one_time_kem")
        }

    @property
    def peer(self) -> Peer:
        """The account as others read it."""
        return Peer(AccountId(self.me.account), "somebody", 1, {1: self.me.key.public})

    def bundle(self) -> Bundle:
        """What a claim gives."""
        signed = self.pool["signed"][0]
        one_time = self.pool["one_time"].pop() if self.pool["one_time"] else None
        kem = self.pool["one_time_kem"].pop() if self.pool["one_time_kem"] else self.pool["last_resort"][0]
        public = from_base64url(self.me.key.public)
        number, key = (one_time.id, one_time.key) if one_time else (0, None)
        return Bundle(public, signed.id, signed.key, number, key, kem.kind, kem.id, kem.key)  # type: ignore[arg-type]

    def work(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """In a transaction: what raises changes nothing."""
        self.connection.execute("SAVEPOINT work")
        try:
            result = what(self.connection)
        except BaseException:
            self.connection.execute("ROLLBACK TO work")
            self.connection.execute("RELEASE work")
            raise
        self.connection.execute("RELEASE work")
        return result

    def copy(self) -> sqlite3.Connection:
        """The store as it is now."""
        self.connection.commit()
        copied = plain_store(Path(":memory:"))
        self.connection.backup(copied)
        return copied

    def texts(self) -> list[str]:
        """What its user can see of others."""
        rows = self.connection.execute(
            "SELECT unseal(text, 'messages.text') FROM messages WHERE kind = 'text' AND outgoing = 0"
        )
        return [text for (text,) in rows]


@dataclass(slots=True)
class Flying:
    """A frame's message on its way."""

    to: int
    event: dict[str, Any]


@dataclass(slots=True)
class Net:
    """Devices, the time, and what is on its way."""

    now: int = 1_764_000_000_000
    devices: list[Device] = field(default_factory=list)
    flying: list[Flying] = field(default_factory=list)
    keyless: set[int] = field(default_factory=set)

    def join(self) -> None:
        self.devices.append(Device(self.now))
        for one, other in itertools.permutations(self.devices, 2):
            key = other.me.key.public
            pins.put(
                one.connection,
                pins.Pin(other.me.account, ChainTip(1, "h", "h", key, {1: key}, {1: key}), {}, None),
            )
            peers.save(one.connection, other.peer)
            peers.accept(one.connection, other.me.account)

    def send(self, sender: int, to: int, content: Content) -> None:
        device = self.devices[sender]
        seq = device.work(
            lambda connection: outgoing.add(connection, device.me, self.devices[to].me.account, content)
        )[0].seq
        self.frame(sender, to, seq)

    def frame(self, sender: int, to: int, seq: int) -> None:
        """Make a frame of a message, with claims where sessions are missing; the server accepts it."""
        device, peer = self.devices[sender], self.devices[to]
        self.now += 1_000

        def prepare(connection: sqlite3.Connection) -> outgoing.Prepared:
            return outgoing.prepare(
                connection, device.me, peer.peer, device.peer, [seq], self.now, device.encryption
            )

        try:
            prepared = device.work(prepare)
        except SessionsMissing:
            bundle = None if to in self.keyless else peer.bundle()
            device.work(lambda connection: sessions.offer(connection, peer.me.address, bundle))
            prepared = device.work(prepare)
        for attempt in prepared.attempts:
            event = {"type": "message", "id": attempt.id, "sender": device.me.address, "to": peer.me.account}
            event["ciphertext"] = json.loads(attempt.body)["devices"]["1"]
            self.flying.append(Flying(to, event))
            device.work(lambda connection, one=attempt: outgoing.accepted(connection, one.seq, one.id))

    def deliver(self, message: Flying) -> None:
        device = self.devices[message.to]
        done = device.work(
            lambda connection: incoming.ingest(
                connection, [message.event], device.me, device.encryption, self.now
            )
        )
        for account, seq in done.again:
            self.frame(message.to, self.number(account), seq)

    def number(self, account: str) -> int:
        return next(i for i, device in enumerate(self.devices) if device.me.account == account)

    def repair(self) -> None:
        """An hour later everybody asks for what could not be read."""
        self.now += HOUR_MS + 1
        for number, device in enumerate(self.devices):
            for asking in device.work(lambda connection, me=device.me: repairs.due(connection, me, self.now)):
                self.send(number, self.number(asking.account), asking.content(device.me, self.now))
        while self.flying:
            self.deliver(self.flying.pop(0))


class Stores(RuleBasedStateMachine):
    """Two or three people write; ``sent`` are the texts by recipient."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.sent: list[tuple[int, str]] = []
        self.kept: list[Flying] = []
        self.copies: dict[int, sqlite3.Connection] = {}
        self.rolled_back = False

    @initialize(count=st.integers(2, 3), keyless=st.booleans())
    def begin(self, count: int, keyless: bool) -> None:
        """One of them may not have uploaded keys yet."""
        for _ in range(count):
            self.net.join()
        if keyless:
            self.net.keyless.add(0)

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """Anybody to anybody."""
        numbers = range(len(self.net.devices))
        sender = data.draw(st.sampled_from(numbers))
        self._write(sender, data.draw(st.sampled_from([i for i in numbers if i != sender])))

    @precondition(lambda self: self.net.flying)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        """In any order; some come twice."""
        message = self.net.flying.pop(data.draw(st.integers(0, len(self.net.flying) - 1)))
        self.net.deliver(message)
        if again:
            self.kept.append(message)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """What was delivered is delivered again."""
        self.net.deliver(data.draw(st.sampled_from(self.kept)))

    @precondition(lambda self: self.net.flying)
    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """A bit is changed on the way: it is reported, asked for again and comes."""
        message = data.draw(st.sampled_from(self.net.flying))
        sealed = bytearray(from_base64url(message.event["ciphertext"]))
        sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        message.event["ciphertext"] = base64url(bytes(sealed))

    @rule()
    def upload(self) -> None:
        """Whoever had no keys has them now."""
        self.net.keyless.clear()

    @rule(data=st.data())
    def snapshot(self, data: st.DataObject) -> None:
        """A backup of a store."""
        number = data.draw(st.sampled_from(range(len(self.net.devices))))
        self.copies[number] = self.net.devices[number].copy()

    @precondition(lambda self: self.copies)
    @rule(data=st.data(), noticed=st.booleans())
    def roll_back(self, data: st.DataObject, noticed: bool) -> None:
        """It is put back; where the connect numbers tell, all sessions are ended."""
        number = data.draw(st.sampled_from(sorted(self.copies)))
        device = self.net.devices[number]
        device.connection = self.copies.pop(number)
        self.rolled_back = True
        if noticed:
            device.work(sessions.end_all)

    def teardown(self) -> None:
        """All that flies arrives, devices ask for a few hours, and what was written is there, once."""
        self.net.keyless.clear()
        for _ in range(ROUNDS):
            self.net.repair()
        if self.rolled_back:
            for one, other in itertools.permutations(range(len(self.net.devices)), 2):
                self._write(one, other)
            for _ in range(ROUNDS):
                self.net.repair()
        newest = self.sent[-len(self.net.devices) * (len(self.net.devices) - 1) :]
        for number, device in enumerate(self.net.devices):
            written = [text for to, text in self.sent if to == number]
            seen = device.texts()
            assert len(seen) == len(set(seen)), "shown twice"
            assert set(seen) <= set(written), "altered"
            due = newest if self.rolled_back else self.sent
            assert {text for to, text in due if to == number} <= set(seen), "never came"

    def _write(self, sender: int, to: int) -> None:
        text = f"text {len(self.sent)}"
        self.sent.append((to, text))
        mine, theirs = (self.net.devices[i].me.account for i in (sender, to))
        content = Content(new_logical_id(), text, conversation_id(mine, theirs), self.net.now)
        self.net.send(sender, to, content)


Stores.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestStores = Stores.TestCase
TestStores.__doc__ = (
    "What is written is shown once, unaltered, after repair; a rolled back store goes on, too."
)
