"""Identity keys and PQXDH: docs/encryption.md, "Keys" and "Key agreement"."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from schemas.vectors.second import ml_kem

P = 2**255 - 19
ONE_TIME_KEM, LAST_RESORT = 1, 2


def hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256, RFC 5869."""
    key = hmac.digest(salt, secret, "sha256")
    block, found = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        found += block
    return found[:length]


def x25519(private: bytes, public: bytes) -> bytes:
    """RFC 7748; raises ``ValueError`` for a point of small order."""
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def x25519_public(private: bytes) -> bytes:
    """The public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Identity:
    """A device's Ed25519 seed."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """The Ed25519 key."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def x25519_private(self) -> bytes:
        """The scalar of RFC 8032, section 5.1.5, which is that of RFC 7748, too."""
        scalar = bytearray(hashlib.sha512(self.seed).digest()[:32])
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        return bytes(scalar)


def montgomery(edwards: bytes) -> bytes:
    """The X25519 form of an Ed25519 key: u = (1 + y) / (1 - y), RFC 7748 section 4.1."""
    y = int.from_bytes(edwards, "little") & (1 << 255) - 1
    return ((1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")


@dataclass(frozen=True, slots=True)
class Prekeys:
    """The recipient's private keys that one agreement uses; a one-time key may be missing (id 0)."""

    signed_id: int
    signed: bytes
    one_time_id: int
    one_time: bytes | None
    kem_kind: int
    kem_id: int
    kem_seed: bytes

    @property
    def kem_public(self) -> bytes:
        """The ML-KEM-1024 encapsulation key."""
        return ml_kem.keypair(self.kem_seed[:32], self.kem_seed[32:])[0]


def begin(me: Identity, ephemeral: bytes, m: bytes, peer: bytes, keys: Prekeys) -> tuple[bytes, bytes, bytes]:
    """The initiator's side (with public halves of ``keys`` only): secret, prefix, and what went into HKDF.

    ``ephemeral`` is the private key EK, ``m`` the randomness of the encapsulation, ``peer`` the recipient's
    Ed25519 key.
    """
    kem_secret, kem_ciphertext = ml_kem.encapsulate(keys.kem_public, m)
    signed = x25519_public(keys.signed)
    agreed = x25519(me.x25519_private, signed) + x25519(ephemeral, montgomery(peer))
    agreed += x25519(ephemeral, signed)
    if keys.one_time is not None:
        agreed += x25519(ephemeral, x25519_public(keys.one_time))
    prefix = bytes([1, 1]) + me.public + x25519_public(ephemeral)
    prefix += (
        struct.pack(">IIBI", keys.signed_id, keys.one_time_id, keys.kem_kind, keys.kem_id) + kem_ciphertext
    )
    secret, given = _secret(agreed, kem_secret)
    return secret, prefix, given


def answer(me: Identity, prefix: bytes, keys: Prekeys) -> bytes:
    """The recipient's side: the same secret."""
    peer, ephemeral, kem_ciphertext = prefix[2:34], prefix[34:66], prefix[79:]
    agreed = x25519(keys.signed, montgomery(peer)) + x25519(me.x25519_private, ephemeral)
    agreed += x25519(keys.signed, ephemeral)
    if keys.one_time is not None:
        agreed += x25519(keys.one_time, ephemeral)
    kem_secret = MLKEM1024PrivateKey.from_seed_bytes(keys.kem_seed).decapsulate(kem_ciphertext)
    return _secret(agreed, kem_secret)[0]


def _secret(agreed: bytes, kem_secret: bytes) -> tuple[bytes, bytes]:
    given = b"\xff" * 32 + agreed + kem_secret
    return hkdf(bytes(32), given, b"heliograph-pqxdh-v1", 32), given
