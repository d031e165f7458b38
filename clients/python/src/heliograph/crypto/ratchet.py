"""A session of two devices: the Double Ratchet with our AEAD. docs/encryption.md, "Sessions".

Source: The Double Ratchet Algorithm, Signal; the package DoubleRatchet.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from doubleratchet import (
    AEAD,
    AuthenticationFailedException,
    DecryptionFailedException,
    DoSProtectionException,
    DoubleRatchet,
    DuplicateMessageException,
    EncryptedMessage,
    Header,
)
from doubleratchet.recommended import (
    HashFunction,
    diffie_hellman_ratchet_curve25519,
    kdf_hkdf,
    kdf_separate_hmacs,
)

from heliograph.crypto import envelope, pqxdh, primitives
from heliograph.crypto.envelope import Envelope, Initial
from heliograph.crypto.padding import pad, unpad
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.ids import base64url, from_base64url
from heliograph.signing import lines

T = TypeVar("T")

# The package warns where keys of an ended chain are given up; an application can do nothing with that.
warnings.filterwarnings("ignore", module="doubleratchet")

MAX_SKIPPED = 1000
"""Message keys that are kept for messages which did not come yet, and that one message may skip."""

_ROOT_INFO = b"heliograph-root-v1"
_MESSAGE_INFO = b"heliograph-message-keys-v1"
_CHAIN_THEN_MESSAGE = b"\x02\x01"
_BLOCK_BITS = 128
_TAG = 32


class Undecryptable(ValueError):
    """The message is not for this session: changed, repeated, or too far ahead."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a message is bound to: its name, and who writes to whom with which identity keys (base64url)."""

    message_id: str
    sender: str
    sender_key: str
    recipient: str
    recipient_key: str

    def associated(self, prefix: bytes) -> bytes:
        """Give the associated data, without the ratchet's header."""
        names = lines(
            "heliograph-message-v1",
            self.message_id,
            self.sender,
            self.sender_key,
            self.recipient,
            self.recipient_key,
        )
        return names + b"\n" + prefix


class _RootKdf(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return _ROOT_INFO


class _ChainKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class _MessageAead(AEAD):
    """AES-256-CBC and HMAC-SHA-256, their keys bound to the associated data.

    The id of the message is in there, fresh with every try: so one message key never gives two messages the
    same keys, though a store that was rolled back unnoticed uses it twice.
    """

    @staticmethod
    async def encrypt(plaintext: bytes, key: bytes, associated_data: bytes) -> bytes:
        cipher, tag = _keys(key, associated_data)
        padder, encryptor = PKCS7(_BLOCK_BITS).padder(), cipher.encryptor()
        ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
        tag.update(associated_data + ciphertext)
        return ciphertext + tag.finalize()

    @staticmethod
    async def decrypt(ciphertext: bytes, key: bytes, associated_data: bytes) -> bytes:
        cipher, tag = _keys(key, associated_data)
        body = ciphertext[:-_TAG]
        tag.update(associated_data + body)
        try:
            tag.verify(ciphertext[-_TAG:])
        except InvalidSignature:
            raise AuthenticationFailedException from None
        decryptor, unpadder = cipher.decryptor(), PKCS7(_BLOCK_BITS).unpadder()
        try:
            return unpadder.update(decryptor.update(body) + decryptor.finalize()) + unpadder.finalize()
        except ValueError as problem:
            raise DecryptionFailedException from problem


def _keys(message_key: bytes, associated_data: bytes) -> tuple[Cipher[modes.CBC], HMAC]:
    derived = primitives.derive(message_key, _MESSAGE_INFO + sha256(associated_data).digest(), 80)
    cipher = Cipher(algorithms.AES256(derived[:32]), modes.CBC(derived[64:]))
    return cipher, HMAC(derived[32:64], hashes.SHA256())


class _Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        return associated_data + envelope.encode_header(header)


_SETTINGS: dict[str, Any] = {
    "diffie_hellman_ratchet_class": diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": _RootKdf,
    "message_chain_kdf": _ChainKdf,
    "message_chain_constant": _CHAIN_THEN_MESSAGE,
    "dos_protection_threshold": MAX_SKIPPED,
    "max_num_skipped_message_keys": MAX_SKIPPED,
    "aead": _MessageAead,
}


class Session:
    """One side of a session. `state` changes with every message; store it before anything else is done.

    Attributes:
        ephemeral: The key that names the session on both sides.
        prefix: What goes before messages until the peer has answered; empty then, and on the peer's side.
    """

    def __init__(self, ratchet: DoubleRatchet, ephemeral: bytes, prefix: bytes) -> None:
        self._ratchet = ratchet
        self.ephemeral = ephemeral
        self.prefix = prefix

    @classmethod
    def begin(cls, me: IdentityKey, bundle: Bundle, content: bytes, named: Named) -> tuple[Session, bytes]:
        """Begin a session with its first message: (session, envelope).

        Raises:
            BadKey: A key of the bundle is malformed or of small order, or it is another device's bundle.
        """
        if base64url(bundle.identity) != named.recipient_key:
            raise primitives.BadKey("the keys are of another device")
        secret, initial = pqxdh.begin(me, bundle)
        prefix = initial.encode()
        ratchet, message = _run(
            _Ratchet.encrypt_initial_message(
                **_SETTINGS,
                shared_secret=secret,
                recipient_ratchet_pub=bundle.signed,
                message=pad(content),
                associated_data=named.associated(prefix),
            )
        )
        return cls(ratchet, initial.ephemeral, prefix), envelope.encode(prefix, message)

    @classmethod
    def answer(
        cls, me: IdentityKey, found: Envelope, initial: Initial, prekeys: Prekeys, named: Named
    ) -> tuple[Session, bytes]:
        """Make the other side of a session out of its first message that came: (session, content).

        Raises:
            Undecryptable: It is not for these keys, was changed, or was made by another device than it names.
        """
        if base64url(initial.identity) != named.sender_key:
            raise Undecryptable("the session was begun by another device")
        try:
            secret = pqxdh.answer(me, initial, prekeys)
            ratchet, padded = _run(
                _Ratchet.decrypt_initial_message(
                    **_SETTINGS,
                    shared_secret=secret,
                    own_ratchet_priv=prekeys.signed,
                    message=_message(found),
                    associated_data=named.associated(found.prefix),
                )
            )
            return cls(ratchet, initial.ephemeral, b""), unpad(padded)
        except _REFUSALS as problem:
            raise Undecryptable("the first message of a session does not open") from problem

    def encrypt(self, content: bytes, named: Named) -> bytes:
        """Give the envelope of a further message."""
        message = _run(self._ratchet.encrypt_message(pad(content), named.associated(self.prefix)))
        return envelope.encode(self.prefix, message)

    def decrypt(self, found: Envelope, named: Named) -> bytes:
        """Give the content of a message; the first one that opens ends the prefix.

        Raises:
            Undecryptable: It is of another session, was changed or came before. The session is as it was.
        """
        try:
            padded = _run(self._ratchet.decrypt_message(_message(found), named.associated(found.prefix)))
        except _REFUSALS as problem:
            raise Undecryptable("the message does not open in this session") from problem
        self.prefix = b""
        try:
            return unpad(padded)
        except ValueError as problem:
            raise Undecryptable("the padding is wrong") from problem

    def state(self) -> bytes:
        """Give what `load` takes; secret."""
        body = {
            "ratchet": self._ratchet.json,
            "ephemeral": base64url(self.ephemeral),
            "prefix": base64url(self.prefix),
        }
        return json.dumps(body, separators=(",", ":")).encode()

    @classmethod
    def load(cls, state: bytes) -> Session:
        """Go on with a stored session."""
        body = json.loads(state)
        ratchet = _Ratchet.from_json(body["ratchet"], **_SETTINGS)
        return cls(ratchet, from_base64url(body["ephemeral"]), from_base64url(body["prefix"]))


_REFUSALS = (
    AuthenticationFailedException,
    DecryptionFailedException,
    DoSProtectionException,
    DuplicateMessageException,
    ValueError,
)


def _message(found: Envelope) -> EncryptedMessage:
    if found.message is None:
        raise Undecryptable("the sender had no keys of this device")
    return found.message


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the ratchet: it waits for nothing, so it ends at the first step."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("the ratchet waits for something")
