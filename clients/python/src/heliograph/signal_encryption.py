"""Messages sealed by the Signal protocol: sessions, prekeys and identities of one store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from heliograph.crypto import envelope
from heliograph.crypto.envelope import NOT_KEYED, BadEnvelope, Envelope, Initial
from heliograph.crypto.padding import STEP
from heliograph.crypto.primitives import BadKey, IdentityKey
from heliograph.crypto.ratchet import Named, Session, Undecryptable
from heliograph.encryption import SendersUnknown, SessionsMissing
from heliograph.errors import DecryptionFailed
from heliograph.ids import Address, MessageId, account_of, base64url
from heliograph.store import pins, prekeys, profile, sessions


class SignalEncryption:
    """The encryption of the SDK; everything it needs to know is in the store."""

    max_plaintext_bytes = (envelope.MAX_BYTES - envelope.OVERHEAD_BYTES) // STEP * STEP - 1
    needs_keys = True

    def __init__(self) -> None:
        self._me: IdentityKey | None = None

    def encrypt(
        self,
        connection: sqlite3.Connection,
        plaintext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipients: Mapping[Address, str],
    ) -> dict[Address, bytes]:
        """See the port. A device that has no keys yet gets an envelope that says so."""
        open_sessions = {
            device: sessions.for_sending(connection, device, key) for device, key in recipients.items()
        }
        missing = [
            device
            for device, session in open_sessions.items()
            if session is None and not sessions.offered(connection, device)[0]
        ]
        if missing:
            raise SessionsMissing(missing)
        me, own_key = self._identity(connection)
        sealed: dict[Address, bytes] = {}
        for device, key in recipients.items():
            named = Named(message_id, sender, own_key, device, key)
            session = open_sessions[device]
            if session is not None:
                sealed[device] = session.encrypt(plaintext, named)
                sessions.save(connection, device, key, session, promote=False)
                sessions.note_answered(connection, device, session)
                continue
            sealed[device] = _begin(connection, me, plaintext, named)
        return sealed

    def decrypt(
        self,
        connection: sqlite3.Connection,
        ciphertext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipient: Address,
    ) -> bytes:
        """See the port. A session that does not open the message is as it was."""
        try:
            found = envelope.decode(ciphertext)
        except BadEnvelope as problem:
            raise DecryptionFailed(str(problem)) from problem
        if found.message is None:
            raise DecryptionFailed("this device had no keys when the message was sent")
        key = pins.key_of(connection, sender)
        if key is None:
            raise SendersUnknown([account_of(sender)])
        named = Named(message_id, sender, key, recipient, self._identity(connection)[1])
        if found.initial is not None:
            return self._first(connection, found, found.initial, named)
        for session in sessions.of_device(connection, sender, key):
            content = _open(connection, session, found, named)
            if content is not None:
                return content
        raise DecryptionFailed("no session with this device opens the message")

    def _first(
        self, connection: sqlite3.Connection, found: Envelope, initial: Initial, named: Named
    ) -> bytes:
        sender = Address(named.sender)
        known = sessions.named(connection, sender, named.sender_key, initial.ephemeral)
        if known is not None:
            content = _open(connection, known, found, named)
            if content is None:
                raise DecryptionFailed("the session of the message does not open it")
            sessions.note_unanswered(connection, sender, known)
            return content
        keys = prekeys.find(connection, initial)
        if keys is None:
            raise DecryptionFailed("the message was sealed to a prekey that is not here")
        try:
            session, content = Session.answer(self._identity(connection)[0], found, initial, keys, named)
        except (Undecryptable, BadKey) as problem:
            raise DecryptionFailed(str(problem)) from problem
        prekeys.used(connection, initial)
        sessions.save(connection, sender, named.sender_key, session, promote=True)
        return content

    def _identity(self, connection: sqlite3.Connection) -> tuple[IdentityKey, str]:
        if self._me is None:
            self._me = IdentityKey(profile.key(connection).seed)
        return self._me, base64url(self._me.public)


def _begin(connection: sqlite3.Connection, me: IdentityKey, plaintext: bytes, named: Named) -> bytes:
    """Begin a session with the recipient; what it has no keys for, or keys of no use, says so."""
    device = Address(named.recipient)
    _, bundle = sessions.offered(connection, device)
    sessions.take_offer(connection, device)
    if bundle is None:
        return NOT_KEYED
    try:
        session, sealed = Session.begin(me, bundle, plaintext, named)
    except BadKey:
        return NOT_KEYED  # the device signed them itself: to ask for others would go on for ever
    sessions.save(connection, device, named.recipient_key, session, promote=True)
    return sealed


def _open(connection: sqlite3.Connection, session: Session, found: Envelope, named: Named) -> bytes | None:
    try:
        content = session.decrypt(found, named)
    except Undecryptable:
        return None
    sessions.save(connection, Address(named.sender), named.sender_key, session, promote=True)
    return content
