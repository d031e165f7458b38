"""Our sessions beside a second implementation, which was written from the specification alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import pytest
from heliograph.crypto import envelope, primitives
from heliograph.crypto.pqxdh import Bundle
from heliograph.crypto.pqxdh import Prekeys as OurPrekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.crypto.ratchet import Named, Session, Undecryptable
from heliograph.ids import base64url

from schemas.vectors.second import agreement, double_ratchet
from schemas.vectors.second.agreement import Identity, Prekeys
from schemas.vectors.second.double_ratchet import Refused, State

MESSAGES = 1000
MOST_IN_FLIGHT = 200
PREFIX = 1647


class Side(Protocol):
    """One end, whoever wrote it."""

    def send(self, content: bytes, names: list[str]) -> bytes: ...

    def receive(self, sealed: bytes, names: list[str]) -> bytes: ...


@dataclass(slots=True)
class Ours:
    """The SDK's session; it is stored and loaded again now and then."""

    seed: bytes
    keys: Prekeys
    peer: bytes
    session: Session | None = None
    count: int = 0

    def send(self, content: bytes, names: list[str]) -> bytes:
        named = Named(*names)
        if self.session is None:
            bundle = Bundle(
                self.peer,
                self.keys.signed_id,
                primitives.public_of(self.keys.signed),
                self.keys.one_time_id,
                None if self.keys.one_time is None else primitives.public_of(self.keys.one_time),
                "one_time_kem",
                self.keys.kem_id,
                self.keys.kem_public,
            )
            self.session, sealed = Session.begin(IdentityKey(self.seed), bundle, content, named)
            return sealed
        self._restart()
        return self.session.encrypt(content, named)

    def receive(self, sealed: bytes, names: list[str]) -> bytes:
        found, named = envelope.decode(sealed), Named(*names)
        if self.session is None:
            assert found.initial is not None
            prekeys = OurPrekeys(self.keys.signed, self.keys.one_time, self.keys.kem_seed)
            me = IdentityKey(self.seed)
            self.session, content = Session.answer(me, found, found.initial, prekeys, named)
            return content
        self._restart()
        return self.session.decrypt(found, named)

    def _restart(self) -> None:
        self.count += 1
        if self.session is not None and self.count % 7 == 0:
            self.session = Session.load(self.session.state())


@dataclass(slots=True)
class Second:
    """The second implementation."""

    identity: Identity
    keys: Prekeys
    peer: bytes
    state: State | None = None
    prefix: bytes = b""

    def send(self, content: bytes, names: list[str]) -> bytes:
        if self.state is None:
            ephemeral, m = primitives.new_private(), secrets.token_bytes(32)
            secret, self.prefix, _ = agreement.begin(self.identity, ephemeral, m, self.peer, self.keys)
            signed = agreement.x25519_public(self.keys.signed)
            self.state = State.alice(secret, signed, primitives.new_private)
        sealed = self.state.encrypt(
            double_ratchet.pad(content), double_ratchet.associated(names, self.prefix)
        )
        return (self.prefix or b"\x01\x02") + sealed

    def receive(self, sealed: bytes, names: list[str]) -> bytes:
        prefix = sealed[:PREFIX] if sealed[1] == 1 else b""
        state = self.state
        if state is None:
            secret = agreement.answer(self.identity, prefix, self.keys)
            state = State.bob(secret, self.keys.signed, primitives.new_private)
        padded = state.decrypt(sealed[len(prefix) or 2 :], double_ratchet.associated(names, prefix))
        self.state, self.prefix = state, b""
        return double_ratchet.unpad(padded)


@dataclass(slots=True)
class Pair:
    """Both ends and what is on its way: (to the second side?, envelope, names, content)."""

    ends: tuple[Side, Side]
    names: tuple[list[str], list[str]]
    random: Random
    flying: list[tuple[int, bytes, list[str], bytes]] = field(default_factory=list)
    arrived: list[tuple[int, bytes, list[str], bytes]] = field(default_factory=list)
    sent: int = 0

    def send(self, by: int) -> None:
        content = self.random.randbytes(self.random.randrange(700))
        names = [f"m{self.sent}", *self.names[by]]
        self.sent += 1
        self.flying.append((1 - by, self.ends[by].send(content, names), names, content))

    def deliver(self) -> None:
        message = self.flying.pop(self.random.randrange(len(self.flying)))
        to, sealed, names, content = message
        assert self.ends[to].receive(sealed, names) == content
        self.arrived.append(message)

    def repeat(self) -> None:
        to, sealed, names, _ = self.random.choice(self.arrived)
        with pytest.raises((Undecryptable, Refused)):
            self.ends[to].receive(sealed, names)


@pytest.mark.parametrize("one_time", [True, False], ids=["with one-time key", "without"])
@pytest.mark.parametrize("ours_begins", [True, False], ids=["ours begins", "the second begins"])
def test_a_thousand_shuffled_messages(ours_begins: bool, one_time: bool) -> None:
    """Every message opens at the other side once, in any order, over many turns of the ratchet."""
    random = Random(f"{ours_begins} {one_time}")
    keys = Prekeys(7, primitives.new_private(), 8, primitives.new_private(), 1, 9, primitives.new_kem_seed())
    if not one_time:
        keys = Prekeys(7, keys.signed, 0, None, 1, 9, keys.kem_seed)
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    publics = Identity(first).public, Identity(second).public
    if ours_begins:
        ends: tuple[Side, Side] = (
            Ours(first, keys, publics[1]),
            Second(Identity(second), keys, publics[0]),
        )
    else:
        ends = (Second(Identity(first), keys, publics[1]), Ours(second, keys, publics[0]))
    one, two = ["a:1", base64url(publics[0])], ["b:1", base64url(publics[1])]
    pair = Pair(ends, (one + two, two + one), random)
    for _ in range(3):
        pair.send(0)
    pair.deliver()
    while pair.sent < MESSAGES:
        chance = random.random()
        if chance < 0.05:
            pair.repeat()
        elif pair.flying and (chance < 0.5 or len(pair.flying) > MOST_IN_FLIGHT):
            pair.deliver()
        else:
            by = random.randrange(2)
            for _ in range(random.choice((1, 1, 1, 4, 15))):
                pair.send(by)
    while pair.flying:
        pair.deliver()
    pair.repeat()
