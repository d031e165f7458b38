"""Two devices that hand each other envelopes, with sessions as they lie in a store."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from heliograph.crypto import envelope, primitives
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.crypto.ratchet import Named, Session
from heliograph.ids import base64url


@dataclass(slots=True)
class Device:
    """A device with one prekey of each kind; ``state`` is its session as it is stored."""

    address: str
    identity: IdentityKey = field(default_factory=lambda: IdentityKey(secrets.token_bytes(32)))
    prekeys: Prekeys = field(
        default_factory=lambda: Prekeys(
            primitives.new_private(), primitives.new_private(), primitives.new_kem_seed()
        )
    )
    state: bytes = b""

    def bundle(self) -> Bundle:
        """What the server would give of it, one-time keys included."""
        one_time = self.prekeys.one_time
        if one_time is None:
            raise RuntimeError("it was made with one")
        return Bundle(
            self.identity.public,
            1,
            primitives.public_of(self.prekeys.signed),
            1,
            primitives.public_of(one_time),
            "one_time_kem",
            1,
            primitives.kem_public_of(self.prekeys.kem_seed),
        )


@dataclass(slots=True)
class Talk:
    """Each call loads the session that it needs and stores it again, as the SDK does for each message."""

    alice: Device = field(default_factory=lambda: Device("alice:1"))
    bob: Device = field(default_factory=lambda: Device("bob:1"))
    content: bytes = b'{"v":1,"kind":"text","text":"a message of an ordinary length"}'

    def named(self, sender: Device) -> Named:
        """The name of a message to the other one."""
        recipient = self.bob if sender is self.alice else self.alice
        mine, theirs = base64url(sender.identity.public), base64url(recipient.identity.public)
        message_id = "019ab697-e800-7abc-9def-0123456789ab"
        return Named(message_id, sender.address, mine, recipient.address, theirs)

    def begin(self, bundle: Bundle) -> bytes:
        """Alice's first message."""
        named = self.named(self.alice)
        session, sealed = Session.begin(self.alice.identity, bundle, self.content, named)
        self.alice.state = session.state()
        return sealed

    def answer(self, sealed: bytes) -> None:
        """Bob opens it and has a session."""
        found = envelope.decode(sealed)
        if found.initial is None:
            raise RuntimeError("that is no first message")
        session, content = Session.answer(
            self.bob.identity, found, found.initial, self.bob.prekeys, self.named(self.alice)
        )
        self._is_it(content)
        self.bob.state = session.state()

    def encrypt(self, sender: Device) -> bytes:
        """A further message."""
        session = Session.load(sender.state)
        sealed = session.encrypt(self.content, self.named(sender))
        sender.state = session.state()
        return sealed

    def decrypt(self, recipient: Device, sealed: bytes) -> None:
        """The other side opens it."""
        sender = self.bob if recipient is self.alice else self.alice
        session = Session.load(recipient.state)
        self._is_it(session.decrypt(envelope.decode(sealed), self.named(sender)))
        recipient.state = session.state()

    def settled(self) -> Talk:
        """Let both have answered: no message carries a prefix any more."""
        self.answer(self.begin(self.bob.bundle()))
        for sender, recipient in ((self.bob, self.alice), (self.alice, self.bob)):
            self.decrypt(recipient, self.encrypt(sender))
        return self

    def _is_it(self, content: bytes) -> None:
        if content != self.content:
            raise RuntimeError("another content came out")
