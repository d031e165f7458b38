"""Two devices, one session, no store."""

from __future__ import annotations

import secrets

import pytest
from heliograph.crypto import envelope, primitives
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.crypto.ratchet import Named, Session, Undecryptable
from heliograph.ids import base64url


class Device:
    """A device with its prekeys."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.identity = IdentityKey(secrets.token_bytes(32))
        self.prekeys = Prekeys(primitives.new_private(), primitives.new_private(), primitives.new_kem_seed())

    def bundle(self, *, one_time: bool = True) -> Bundle:
        """Give the public part."""
        private = self.prekeys.one_time
        assert private is not None
        return Bundle(
            self.identity.public,
            3,
            primitives.public_of(self.prekeys.signed),
            7 if one_time else 0,
            primitives.public_of(private) if one_time else None,
            "one_time_kem",
            9,
            primitives.kem_public_of(self.prekeys.kem_seed),
        )


def named(sender: Device, recipient: Device, message_id: str = "m") -> Named:
    """Name a message."""
    return Named(
        message_id,
        sender.address,
        base64url(sender.identity.public),
        recipient.address,
        base64url(recipient.identity.public),
    )


def opened(recipient: Device, sealed: bytes, name: Named, prekeys: Prekeys) -> tuple[Session, bytes]:
    """Open a first message."""
    found = envelope.decode(sealed)
    assert found.initial is not None
    return Session.answer(recipient.identity, found, found.initial, prekeys, name)


@pytest.mark.parametrize("one_time", [True, False])
def test_a_first_message_opens_and_an_answer_ends_its_prefix(one_time: bool) -> None:
    """A session begins with a bundle alone, one-time key or not; an answer makes the next ones short."""
    alice, bob = Device("a:1"), Device("b:1")
    session, sealed = Session.begin(
        alice.identity, bob.bundle(one_time=one_time), b"hello", named(alice, bob)
    )
    keys = bob.prekeys if one_time else Prekeys(bob.prekeys.signed, None, bob.prekeys.kem_seed)
    theirs, content = opened(bob, sealed, named(alice, bob), keys)
    answer = theirs.encrypt(b"hi", named(bob, alice))
    assert (content, session.decrypt(envelope.decode(answer), named(bob, alice))) == (b"hello", b"hi")
    assert len(sealed) == len(session.encrypt(b"and now", named(alice, bob))) + 1645


def test_a_message_is_bound_to_its_name_and_its_devices() -> None:
    """Under another id, sender or recipient a message does not open, and the session stays as it was."""
    alice, bob = Device("a:1"), Device("b:1")
    session, sealed = Session.begin(alice.identity, bob.bundle(), b"hello", named(alice, bob))
    theirs, _ = opened(bob, sealed, named(alice, bob), bob.prekeys)
    second, name = session.encrypt(b"second", named(alice, bob, "n")), named(alice, bob, "n")
    for wrong in (
        named(alice, bob, "o"),
        Named("n", "a:2", name.sender_key, name.recipient, name.recipient_key),
        Named("n", name.sender, name.sender_key, "b:2", name.recipient_key),
        Named("n", name.sender, name.recipient_key, name.recipient, name.recipient_key),
    ):
        with pytest.raises(Undecryptable):
            theirs.decrypt(envelope.decode(second), wrong)
    assert theirs.decrypt(envelope.decode(second), name) == b"second"


def test_one_message_key_never_encrypts_two_messages_alike() -> None:
    """A session that was rolled back uses a message key again, yet under another id nothing repeats."""
    alice, bob = Device("a:1"), Device("b:1")
    session, _ = Session.begin(alice.identity, bob.bundle(), b"hello", named(alice, bob))
    state = session.state()
    one = Session.load(state).encrypt(b"same", named(alice, bob, "n"))
    other = Session.load(state).encrypt(b"same", named(alice, bob, "o"))
    header = -(16 + 32 + 320)
    assert one[:header] == other[:header]
    blocks = [{part[i : i + 16] for i in range(len(part) - 368, len(part), 16)} for part in (one, other)]
    assert not blocks[0] & blocks[1]
