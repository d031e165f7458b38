"""Ed25519 by ``cryptography`` (RFC 8032)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check_signature(auth_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the private half of ``auth_key``."""
    try:
        Ed25519PublicKey.from_public_bytes(auth_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
