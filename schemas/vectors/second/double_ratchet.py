"""The Double Ratchet and its AEAD: docs/encryption.md, "Ratchet" and "Message keys".

Written from the specification (revision 4, section 3), whose names its fields have. Where a message names
more than :data:`MAX_SKIP` keys of the chain before, they are given up; of its own chain, it is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from schemas.vectors.second.agreement import hkdf, x25519, x25519_public

MAX_SKIP = 1000
HEADER_BYTES, BLOCK, TAG = 40, 16, 32

NewKey = Callable[[], bytes]
"""Gives the next private ratchet key."""


class Refused(Exception):
    """A message that does not open; the state is as it was."""


def associated(names: Sequence[str], prefix: bytes) -> bytes:
    """The associated data without the header; ``names``: message id, then address and key of both sides."""
    return "\n".join(["heliograph-message-v1", *names]).encode() + b"\n" + prefix


def pad(content: bytes) -> bytes:
    """0x80 and zeros, up to 320 bytes or the next multiple of 160."""
    padded = content + b"\x80"
    while len(padded) < 320 or len(padded) % 160:
        padded += b"\x00"
    return padded


def unpad(padded: bytes) -> bytes:
    """The content; raises ``Refused`` for what :func:`pad` would not have made."""
    content = padded.rstrip(b"\x00")[:-1]
    if pad(content) != padded:
        raise Refused("padding")
    return content


def message_keys(message_key: bytes, associated_data: bytes) -> bytes:
    """80 bytes: of AES, of HMAC, and the IV."""
    info = b"heliograph-message-keys-v1" + hashlib.sha256(associated_data).digest()
    return hkdf(bytes(32), message_key, info, 80)


def seal(message_key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    """ENCRYPT(mk, plaintext, AD)."""
    keys = message_keys(message_key, associated_data)
    fill = BLOCK - len(plaintext) % BLOCK
    aes = Cipher(algorithms.AES256(keys[:32]), modes.CBC(keys[64:])).encryptor()
    body = aes.update(plaintext + bytes([fill]) * fill) + aes.finalize()
    return body + hmac.digest(keys[32:64], associated_data + body, "sha256")


def open_sealed(message_key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    """DECRYPT(mk, ciphertext, AD)."""
    keys = message_keys(message_key, associated_data)
    body, tag = sealed[:-TAG], sealed[-TAG:]
    if hmac.digest(keys[32:64], associated_data + body, "sha256") != tag:
        raise Refused("tag")
    aes = Cipher(algorithms.AES256(keys[:32]), modes.CBC(keys[64:])).decryptor()
    plaintext = aes.update(body) + aes.finalize()
    fill = plaintext[-1]
    if not 1 <= fill <= BLOCK or plaintext[-fill:] != bytes([fill]) * fill:
        raise Refused("PKCS7")
    return plaintext[:-fill]


def kdf_rk(rk: bytes, dh_out: bytes) -> tuple[bytes, bytes]:
    """The next root key and a chain key."""
    both = hkdf(rk, dh_out, b"heliograph-root-v1", 64)
    return both[:32], both[32:]


def kdf_ck(ck: bytes) -> tuple[bytes, bytes]:
    """The next chain key and a message key."""
    return hmac.digest(ck, b"\x02", "sha256"), hmac.digest(ck, b"\x01", "sha256")


@dataclass(slots=True)
class State:
    """Section 3.2. ``mkskipped`` is in the order in which its keys were made."""

    dhs: bytes
    dhr: bytes
    rk: bytes
    new_key: NewKey
    cks: bytes = b""
    ckr: bytes = b""
    ns: int = 0
    nr: int = 0
    pn: int = 0
    mkskipped: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    @classmethod
    def alice(cls, secret: bytes, bob_public: bytes, new_key: NewKey) -> State:
        """RatchetInitAlice."""
        state = cls(new_key(), bob_public, secret, new_key)
        state.rk, state.cks = kdf_rk(secret, x25519(state.dhs, bob_public))
        return state

    @classmethod
    def bob(cls, secret: bytes, bob_private: bytes, new_key: NewKey) -> State:
        """RatchetInitBob."""
        return cls(bob_private, b"", secret, new_key)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """RatchetEncrypt: header, ciphertext and tag."""
        self.cks, mk = kdf_ck(self.cks)
        header = x25519_public(self.dhs) + struct.pack(">II", self.pn, self.ns)
        self.ns += 1
        return header + seal(mk, plaintext, associated_data + header)

    def decrypt(self, message: bytes, associated_data: bytes) -> bytes:
        """RatchetDecrypt; raises ``Refused`` and leaves the state alone."""
        trial = replace(self, mkskipped=dict(self.mkskipped))
        header, sealed = message[:HEADER_BYTES], message[HEADER_BYTES:]
        try:
            mk = trial._message_key(header)
        except ValueError as problem:
            raise Refused("a ratchet key of small order") from problem
        plaintext = open_sealed(mk, sealed, associated_data + header)
        trial.mkskipped = dict(list(trial.mkskipped.items())[-MAX_SKIP:])
        for name in State.__slots__:
            setattr(self, name, getattr(trial, name))
        return plaintext

    def _message_key(self, header: bytes) -> bytes:
        dh, (pn, n) = header[:32], struct.unpack(">II", header[32:])
        if (dh, n) in self.mkskipped:
            return self.mkskipped.pop((dh, n))
        if dh != self.dhr:
            if self.ckr and pn - self.nr <= MAX_SKIP:
                self._skip(pn)
            self._dh_ratchet(dh)
        if n - self.nr > MAX_SKIP:
            raise Refused("too far ahead")
        if n < self.nr:
            raise Refused("came before")
        self._skip(n)
        self.ckr, mk = kdf_ck(self.ckr)
        self.nr += 1
        return mk

    def _skip(self, until: int) -> None:
        while self.nr < until:
            self.ckr, self.mkskipped[self.dhr, self.nr] = kdf_ck(self.ckr)
            self.nr += 1

    def _dh_ratchet(self, dh: bytes) -> None:
        self.pn, self.ns, self.nr, self.dhr = self.ns, 0, 0, dh
        self.rk, self.ckr = kdf_rk(self.rk, x25519(self.dhs, dh))
        self.dhs = self.new_key()
        self.rk, self.cks = kdf_rk(self.rk, x25519(self.dhs, dh))
