"""Ed25519 by ``cryptography`` (RFC 8032)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_P = 2**255 - 19
_ORDER_EIGHT = (
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
)
_SMALL_ORDER = frozenset(y.to_bytes(32, "little") for y in (0, 1, *_ORDER_EIGHT, _P - 1, _P, _P + 1))
"""Keys that a made-up signature fits, by their y coordinate (the sign bit left out)."""


def check_signature(auth_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the private half of ``auth_key``.

    Never for a key of small order, which ``cryptography`` takes: it has no private half, and anybody could
    sign for it.
    """
    if len(auth_key) != 32 or auth_key[:31] + bytes((auth_key[31] & 0x7F,)) in _SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(auth_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
