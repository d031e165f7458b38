"""PQXDH: two devices agree on a secret though one of them is away. docs/encryption.md, "Key agreement".

Source: The PQXDH Key Agreement Protocol, revision 3, with X25519, SHA-256 and ML-KEM-1024.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from heliograph.crypto import primitives
from heliograph.crypto.envelope import Initial, KemKind
from heliograph.crypto.primitives import IdentityKey, agreement_key
from heliograph.signing import lines

INFO = b"heliograph-pqxdh-v1"
_DISTINCT = b"\xff" * 32
"""Before the secrets, so that no X3DH input can be an XEdDSA one (section 2.2, "F")."""


def prekey_bytes(kind: str, account: str, device: int, key_id: int, key: str) -> bytes:
    """Give the bytes by which a device signs a prekey (its kind, id and base64url key)."""
    return lines("heliograph-prekey-v1", kind, account, device, key_id, key)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The public keys of a device that a session is begun with; its signatures were checked."""

    identity: bytes
    signed_id: int
    signed: bytes
    one_time_id: int
    one_time: bytes | None
    kem_kind: KemKind
    kem_id: int
    kem: bytes


@dataclass(frozen=True, slots=True)
class Prekeys:
    """The private keys that an initial message names."""

    signed: bytes = field(repr=False)
    one_time: bytes | None = field(repr=False)
    kem_seed: bytes = field(repr=False)


def begin(me: IdentityKey, bundle: Bundle) -> tuple[bytes, Initial]:
    """Agree with the holder of a bundle: (secret of 32 bytes, what it needs to find the same one).

    Raises:
        BadKey: A key of the bundle is malformed or of small order.
    """
    ephemeral = primitives.new_private()
    kem_secret, kem_ciphertext = primitives.encapsulate(bundle.kem)
    agreed = [
        me.agree(bundle.signed),
        primitives.agree(ephemeral, agreement_key(bundle.identity)),
        primitives.agree(ephemeral, bundle.signed),
    ]
    if bundle.one_time is not None:
        agreed.append(primitives.agree(ephemeral, bundle.one_time))
    initial = Initial(
        me.public,
        primitives.public_of(ephemeral),
        bundle.signed_id,
        bundle.one_time_id if bundle.one_time is not None else 0,
        bundle.kem_kind,
        bundle.kem_id,
        kem_ciphertext,
    )
    return _secret(agreed, kem_secret), initial


def answer(me: IdentityKey, initial: Initial, prekeys: Prekeys) -> bytes:
    """Find the secret that the sender of an initial message agreed on.

    Raises:
        BadKey: A key in it is malformed or of small order.
    """
    agreed = [
        primitives.agree(prekeys.signed, agreement_key(initial.identity)),
        me.agree(initial.ephemeral),
        primitives.agree(prekeys.signed, initial.ephemeral),
    ]
    if prekeys.one_time is not None:
        agreed.append(primitives.agree(prekeys.one_time, initial.ephemeral))
    return _secret(agreed, primitives.decapsulate(prekeys.kem_seed, initial.kem_ciphertext))


def _secret(agreed: list[bytes], kem_secret: bytes) -> bytes:
    return primitives.derive(_DISTINCT + b"".join(agreed) + kem_secret, INFO, primitives.KEY_BYTES)
