"""Diffie-Hellman, key encapsulation and signatures on plain bytes."""

from __future__ import annotations

import secrets

import xeddsa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Size of X25519 and Ed25519 keys, of KEM secrets and of session secrets."""
KEM_PUBLIC_BYTES = 1568
KEM_CIPHERTEXT_BYTES = 1568
"""FIPS 203, ML-KEM-1024."""
ZERO_SALT = bytes(32)


class BadKey(ValueError):
    """A key has another size, lies in a small subgroup, or its signature does not fit."""


class IdentityKey:
    """A device's long-term key: it signs as Ed25519 and agrees on secrets as X25519 (XEdDSA's map)."""

    def __init__(self, seed: bytes) -> None:
        self._signer = Ed25519PrivateKey.from_private_bytes(seed)
        self._agreement = xeddsa.seed_to_priv(seed)
        self.public = self._signer.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """Sign, RFC 8032."""
        return self._signer.sign(statement)

    def agree(self, public: bytes) -> bytes:
        """Agree with an X25519 key.

        Raises:
            BadKey: The result would be all zero.
        """
        return agree(self._agreement, public)


def agreement_key(identity: bytes) -> bytes:
    """Give the X25519 form of an Ed25519 public key.

    Raises:
        BadKey: It is no point of the curve.
    """
    try:
        return xeddsa.ed25519_pub_to_curve25519_pub(identity)
    except Exception as problem:
        raise BadKey("that is not an identity key") from problem


def verify(identity: bytes, signature: bytes, statement: bytes) -> None:
    """Check an Ed25519 signature.

    Raises:
        BadKey: It does not fit.
    """
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, statement)
    except (InvalidSignature, ValueError) as problem:
        raise BadKey("the signature does not fit") from problem


def new_private() -> bytes:
    """Make an X25519 private key."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """Give the public key of an X25519 private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def agree(private: bytes, public: bytes) -> bytes:
    """X25519, RFC 7748.

    Raises:
        BadKey: The result is all zero: a point of small order, RFC 7748 section 6.1.
    """
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public)
        )
    except ValueError as problem:
        raise BadKey("that is not an X25519 key to agree with") from problem


def new_kem_seed() -> bytes:
    """Make an ML-KEM-1024 private key, as its 64-byte seed (FIPS 203: d and z)."""
    return secrets.token_bytes(64)


def kem_public_of(seed: bytes) -> bytes:
    """Give the encapsulation key of a seed."""
    return MLKEM1024PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """Make a secret for the holder of an ML-KEM-1024 key: (secret, ciphertext).

    Raises:
        BadKey: The key is malformed.
    """
    try:
        secret, ciphertext = MLKEM1024PublicKey.from_public_bytes(public).encapsulate()
    except ValueError as problem:
        raise BadKey("that is not an ML-KEM-1024 key") from problem
    return secret, ciphertext


def decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    """Give the secret in a ciphertext; one that was tampered with gives another secret (implicit rejection).

    Raises:
        BadKey: The ciphertext has another size.
    """
    try:
        return MLKEM1024PrivateKey.from_seed_bytes(seed).decapsulate(ciphertext)
    except ValueError as problem:
        raise BadKey("that is not an ML-KEM-1024 ciphertext") from problem


def derive(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 with a salt of 32 zero bytes, RFC 5869."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=ZERO_SALT, info=info).derive(secret)
