"""Devices that talk through the pure core, each with its sessions and prekeys in memory."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field

from heliograph.crypto import envelope, primitives
from heliograph.crypto.envelope import Envelope, Initial
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.crypto.ratchet import Named, Session, Undecryptable
from heliograph.ids import base64url

KEPT = 5
"""Sessions with one device, as in the SDK's store."""


@dataclass(slots=True)
class Kept:
    """What a device stores; all of it comes back when the store is an older one."""

    sessions: dict[str, list[bytes]] = field(default_factory=dict)
    """By peer: states, the one for sending first."""
    ended: dict[str, set[bytes]] = field(default_factory=dict)
    """By peer: names of the sessions in which nothing is sent any more."""
    one_time: dict[int, bytes] = field(default_factory=dict)
    kem: dict[int, bytes] = field(default_factory=dict)
    delivered: set[tuple[str, str]] = field(default_factory=set)


class Device:
    """A device; its public keys wait in ``offered``, the one-time ones until somebody took them."""

    def __init__(self, address: str, one_time: int = 0) -> None:
        self.address = address
        self.identity = IdentityKey(secrets.token_bytes(32))
        self.key = base64url(self.identity.public)
        self.signed, self.last_resort = primitives.new_private(), primitives.new_kem_seed()
        self.kept = Kept(
            one_time={i: primitives.new_private() for i in range(1, one_time + 1)},
            kem={i: primitives.new_kem_seed() for i in range(1, one_time + 1)},
        )
        self.offered = list(self.kept.one_time)

    def bundle(self) -> Bundle:
        """What the server gives whoever claims keys: each one-time key once."""
        number = self.offered.pop() if self.offered else 0
        public = primitives.public_of(self.signed)
        if not number:
            kem = primitives.kem_public_of(self.last_resort)
            return Bundle(self.identity.public, 1, public, 0, None, "last_resort", 1, kem)
        one_time = primitives.public_of(self.kept.one_time[number])
        kem = primitives.kem_public_of(self.kept.kem[number])
        return Bundle(self.identity.public, 1, public, number, one_time, "one_time_kem", number, kem)

    def encrypt(self, to: Device, message_id: str, content: bytes) -> bytes:
        """In the session for sending, or in a new one."""
        named = Named(message_id, self.address, self.key, to.address, to.key)
        for session in self._sessions(to):
            if session.ephemeral not in self.kept.ended.get(to.address, ()):
                sealed = session.encrypt(content, named)
                self._save(to, session, promote=False)
                return sealed
        session, sealed = Session.begin(self.identity, to.bundle(), content, named)
        self._save(to, session, promote=True)
        return sealed

    def decrypt(self, sender: Device, message_id: str, sealed: bytes) -> bytes:
        """In the session that it belongs to, or in a new one.

        Raises:
            BadEnvelope, Undecryptable: It is reported; nothing here has changed.
        """
        found = envelope.decode(sealed)
        named = Named(message_id, sender.address, sender.key, self.address, self.key)
        sessions = self._sessions(sender)
        if found.initial is not None:
            known = [one for one in sessions if one.ephemeral == found.initial.ephemeral]
            if not known:
                return self._answer(sender, found, found.initial, named)
            sessions = known
        for session in sessions:
            try:
                content = session.decrypt(found, named)
            except Undecryptable:
                continue
            self._save(sender, session, promote=True)
            return content
        raise Undecryptable("no session opens it")

    def end_sessions(self) -> None:
        """The next message to anybody begins a new session."""
        for peer, states in self.kept.sessions.items():
            self.kept.ended[peer] = {Session.load(state).ephemeral for state in states}

    def snapshot(self) -> Kept:
        """A copy of the store."""
        return copy.deepcopy(self.kept)

    def _answer(self, sender: Device, found: Envelope, initial: Initial, named: Named) -> bytes:
        one_time = self.kept.one_time.get(initial.one_time_id)
        kems = self.kept.kem if initial.kem_kind == "one_time_kem" else {1: self.last_resort}
        if (initial.one_time_id and one_time is None) or initial.kem_id not in kems:
            raise Undecryptable("a prekey that is not here")
        prekeys = Prekeys(self.signed, one_time, kems[initial.kem_id])
        session, content = Session.answer(self.identity, found, initial, prekeys, named)
        if initial.kem_kind == "one_time_kem":
            del self.kept.one_time[initial.one_time_id], self.kept.kem[initial.kem_id]
        self._save(sender, session, promote=True)
        return content

    def _sessions(self, peer: Device) -> list[Session]:
        return [Session.load(state) for state in self.kept.sessions.get(peer.address, [])]

    def _save(self, peer: Device, session: Session, *, promote: bool) -> None:
        states = self.kept.sessions.setdefault(peer.address, [])
        places = [i for i, state in enumerate(states) if Session.load(state).ephemeral == session.ephemeral]
        for at in places:
            del states[at]
        states.insert(0 if promote or not places else places[0], session.state())
        del states[KEPT:]
