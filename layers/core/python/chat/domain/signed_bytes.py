"""The exact texts that a device signs: docs/protocol.md, "Signed bytes".

Lines joined by a newline, none of which holds one; the purpose comes first, so a signature made for one
purpose fits no other. Golden vectors: ``schemas/vectors/signed_bytes.json``.
What is signed to change a device list is in :mod:`chat.domain.device_chain`.
"""

from __future__ import annotations

from hashlib import sha256

from chat.domain.base64url import encode
from chat.domain.ids import Address


def lines(*fields: str | int) -> bytes:
    """The fields as signed text. Raises ``ValueError`` where one holds a newline."""
    texts = [str(field) for field in fields]
    if any("\n" in text for text in texts):
        raise ValueError("a signed field holds a newline")
    return "\n".join(texts).encode()


def connect(audience: str, device: Address, number: int) -> bytes:
    """Signed for every socket: the connect number makes it good for one."""
    return lines("heliograph-connect-v1", audience, device.account, device.device, number)


def http(audience: str, device: Address, method: str, path: str, body: bytes, time: int, nonce: str) -> bytes:
    """Signed for every HTTPS request of a device. ``path`` is relative to the base and holds the query."""
    digest = encode(sha256(body).digest())
    return lines(
        "heliograph-http-v1", audience, device.account, device.device, method, path, digest, time, nonce
    )


def register(audience: str, handle: str, auth_key: bytes, time: int) -> bytes:
    """Signed by the key that registers: proof that the claimant holds it."""
    return lines("heliograph-register-v1", audience, "-", 0, handle, encode(auth_key), time)


def prekey(kind: str, device: Address, number: int, key: bytes) -> bytes:
    """Signed by a device over a prekey of its own. No audience: peers may know the server by another name."""
    return lines("heliograph-prekey-v1", kind, device.account, device.device, number, encode(key))


def keys(device: Address, signed: int, signed_key: str, last_resort: int, last_resort_key: str) -> bytes:
    """Hashed, not signed: the two prekeys of a device that stay, as ids and base64url."""
    return lines(
        "heliograph-keys-v1",
        device.account,
        device.device,
        signed,
        signed_key,
        last_resort,
        last_resort_key,
    )
