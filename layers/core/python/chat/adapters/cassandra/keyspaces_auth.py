"""Signing in to Amazon Keyspaces with the function's own role: SigV4 over SASL, inside TLS.

The public plugin for it needs boto3 (120 ms of import) and rounds milliseconds up to ``.1000Z`` about once
in 2,000 connections. Protocol: "Using a Cassandra Python client driver ... SigV4", Keyspaces guide.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from cassandra.auth import Authenticator, AuthProvider

from chat.adapters import sigv4
from chat.adapters.tls import aws_context
from chat.settings import keyspaces_host

_SERVICE = "cassandra"
_NONCE = re.compile(rb"nonce=([^,]+)")


def security_options(region: str) -> dict[str, Any]:
    """What a driver cluster needs for Keyspaces.

    Peers are reached by IP address, so each certificate is checked against the region's public name: the
    driver hands ``server_hostname`` to every socket it opens.
    """
    return {
        "auth_provider": KeyspacesAuth(region),
        "ssl_context": aws_context(),
        "ssl_options": {"server_hostname": keyspaces_host(region)},
    }


class KeyspacesAuth(AuthProvider):  # type: ignore[misc]  # the driver has no types
    """Reads the credentials anew for each connection, because they rotate."""

    def __init__(
        self, region: str, credentials: Callable[[], sigv4.Credentials] = sigv4.Credentials.from_env
    ) -> None:
        self._region = region
        self._credentials = credentials

    def new_authenticator(self, host: object) -> KeyspacesAuthenticator:
        """One handshake."""
        return KeyspacesAuthenticator(self._region, self._credentials())


class KeyspacesAuthenticator(Authenticator):  # type: ignore[misc]
    """One SASL exchange: announce SigV4, sign the nonce."""

    def __init__(self, region: str, credentials: sigv4.Credentials) -> None:
        self._region = region
        self._credentials = credentials

    def initial_response(self) -> bytes:
        """The name of the mechanism."""
        return b"SigV4\0\0"

    def evaluate_challenge(self, challenge: bytes) -> bytes:
        """The signed answer to ``nonce=...``. Raises ``ValueError`` for a challenge without a nonce."""
        found = _NONCE.search(challenge)
        if found is None:
            raise ValueError("the challenge holds no nonce")
        return signed_response(self._region, self._credentials, found.group(1), datetime.now(UTC)).encode()


def signed_response(region: str, credentials: sigv4.Credentials, nonce: bytes, now: datetime) -> str:
    """The answer to a nonce at a UTC time; milliseconds are cut, never rounded up to 1000."""
    timestamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    within = sigv4.scope(now.strftime("%Y%m%d"), region, _SERVICE)
    query = "&".join((
        f"X-Amz-Algorithm={sigv4.ALGORITHM}",
        f"X-Amz-Credential={credentials.access_key}%2F{quote_plus(within)}",
        f"X-Amz-Date={quote_plus(timestamp)}",
        "X-Amz-Expires=900",
    ))  # fmt: skip
    digest = hashlib.sha256(nonce).hexdigest()
    canonical = f"PUT\n/authenticate\n{query}\nhost:{_SERVICE}\n\nhost\n{digest}"
    signed = sigv4.signature(credentials.secret_key, within, timestamp, canonical)
    answer = f"signature={signed},access_key={credentials.access_key},amzdate={timestamp}"
    return f"{answer},session_token={credentials.token}" if credentials.token else answer
