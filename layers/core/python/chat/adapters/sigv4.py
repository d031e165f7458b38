"""Signature Version 4, as much of it as the hot path needs (botocore costs 100 ms to import).

Source: AWS General Reference, "Create a signed AWS API request". Compared with botocore by a test.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import quote

from chat.settings import SettingMissing

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Temporary credentials of the function's role; ``token`` is empty for long-lived keys."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """What Lambda put into the environment. Raises ``SettingMissing``. Read anew for each use."""
        try:
            access_key, secret_key = environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
        except KeyError as missing:
            raise SettingMissing(f"the environment variable {missing.args[0]} is not set") from missing
        return cls(access_key, secret_key, environ.get("AWS_SESSION_TOKEN", ""))


def scope(day: str, region: str, service: str) -> str:
    """The credential scope of a UTC day (``YYYYMMDD``)."""
    return f"{day}/{region}/{service}/aws4_request"


def signature(secret_key: str, scope_text: str, timestamp: str, canonical_request: str) -> str:
    """The signature, in hex, of a canonical request under a scope and a timestamp."""
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{timestamp}\n{scope_text}\n{digest}"
    return hmac.new(_scope_key(secret_key, scope_text), text.encode(), "sha256").hexdigest()


def signed_headers(
    method: str,
    host: str,
    path: str,
    body: bytes,
    *,
    region: str,
    service: str,
    credentials: Credentials,
    now: float | None = None,
) -> dict[str, str]:
    """The headers that sign a request without a query.

    ``host`` and ``path`` as they go over the wire: with a port that is not the scheme's, percent-encoded,
    without ``.`` segments. ``now`` in seconds since 1970. The path is encoded once more, as every service
    but S3 wants it.
    """
    timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    within = scope(timestamp[:8], region, service)
    headers = {"host": host, "x-amz-date": timestamp}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(headers)
    canonical = "\n".join((
        method,
        quote(path, safe="/~"),
        "",
        *(f"{name}:{value}" for name, value in headers.items()),
        "",
        names,
        hashlib.sha256(body).hexdigest(),
    ))  # fmt: skip
    signed = signature(credentials.secret_key, within, timestamp, canonical)
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{within}, SignedHeaders={names}, Signature={signed}"
    )
    return headers


@lru_cache(maxsize=8)
def _scope_key(secret_key: str, scope_text: str) -> bytes:
    """Four HMACs that only change with the day, the service or the credentials."""
    key = ("AWS4" + secret_key).encode()
    for part in scope_text.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
