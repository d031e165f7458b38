"""The device's key and the exact bytes that it signs.

Signed bytes are UTF-8 lines joined by a line feed. The project's golden vectors hold for these functions.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heliograph.errors import InsecureServer
from heliograph.ids import AccountId, Address, base64url

DEFAULT_PORTS = {"http": 80, "https": 443}


def audience(base_url: str) -> str:
    """Give `host:port` of the base URL that the user configured, the port always written.

    Raises:
        ValueError: It is not an http or https URL.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an http or https URL: {base_url}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine and nowhere else."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_secure(url: str) -> None:
    """Refuse an address whose connection would not be encrypted, unless it stays on this machine.

    Raises:
        InsecureServer: It is one.
    """
    if urlsplit(url).scheme not in ("https", "wss") and not is_loopback(url):
        raise InsecureServer(f"{url} is neither encrypted nor on this machine: use https")


def lines(*fields: str | int) -> bytes:
    """Join the fields of a statement.

    Raises:
        ValueError: A field holds a line feed, so two statements could have the same bytes.
    """
    texts = [str(field) for field in fields]
    if any("\n" in text for text in texts):
        raise ValueError("a signed field holds a line feed")
    return "\n".join(texts).encode()


def connect_bytes(audience: str, account: str, device: int, number: int) -> bytes:
    """Give the bytes that prove a device at the WebSocket handshake."""
    return lines("heliograph-connect-v1", audience, account, device, number)


def http_bytes(
    audience: str, account: str, device: int, method: str, path: str, body: bytes, time: int, nonce: str
) -> bytes:
    """Give the bytes that sign an HTTPS request; the nonce of a GET is `-`."""
    digest = base64url(hashlib.sha256(body).digest())
    return lines("heliograph-http-v1", audience, account, device, method, path, digest, time, nonce)


def chain_bytes(
    account: str, number: int, previous: str, change: str, device: int, auth_key: str, signer: int, time: int
) -> bytes:
    """Give the signed bytes of one entry of an account's device chain.

    No audience is in it: others may know the server by another name.

    Args:
        account: Whose chain.
        number: Place in it, from 1.
        previous: `entry_hash` of the entry before; `-` for the first.
        change: `add` or `remove`.
        device: The device that comes or goes.
        auth_key: Its key, base64url; `-` where it goes.
        signer: The device that signs; 0 for the first entry, which nobody signs.
        time: Server-corrected ms.
    """
    return lines("heliograph-chain-v1", account, number, previous, change, device, auth_key, signer, time)


def entry_hash(statement: bytes, signature: str) -> str:
    """Give the hash of a chain entry, base64url: `previous` of the next one, or the head of the chain.

    Args:
        statement: Its `chain_bytes`.
        signature: As in the entry: base64url, `-` for the first.
    """
    return base64url(hashlib.sha256(statement + b"\n" + signature.encode()).digest())


def register_bytes(audience: str, handle: str, auth_key: str, time: int) -> bytes:
    """Give the bytes by which a new key asks for an account."""
    return lines("heliograph-register-v1", audience, "-", 0, handle, auth_key, time)


class AuthKey:
    """The Ed25519 key of this device; it never leaves the store."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = base64url(self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"AuthKey(public={self.public!r})"

    @classmethod
    def generate(cls) -> AuthKey:
        """Make a new key."""
        return cls(secrets.token_bytes(32))

    def sign(self, statement: bytes) -> str:
        """Sign, base64url."""
        return base64url(self._key.sign(statement))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is towards a server."""

    account: AccountId
    device: int
    handle: str
    key: AuthKey

    @property
    def address(self) -> Address:
        """Name this device."""
        return Address(f"{self.account}:{self.device}")

    def proof(self, audience: str, number: int) -> str:
        """Give the `proof` parameter of a handshake with this connect number."""
        signature = self.key.sign(connect_bytes(audience, self.account, self.device, number))
        return f"v1.{self.account}.{self.device}.{number}.{signature}"

    def authorization(self, audience: str, method: str, path: str, body: bytes, time: int) -> str:
        """Give the Authorization header of a request; each call makes a new nonce."""
        nonce = "-" if method == "GET" else base64url(secrets.token_bytes(16))
        statement = http_bytes(audience, self.account, self.device, method, path, body, time, nonce)
        return f"Heliograph-v1 {self.account}:{self.device}:{time}:{nonce}:{self.key.sign(statement)}"
