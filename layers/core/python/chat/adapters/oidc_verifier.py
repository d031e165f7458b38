"""Bring your own sign-in: ID tokens of one OpenID Connect issuer (OIDC Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import json
from hashlib import sha256
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import jwt

from chat.domain import base64url
from chat.errors import ChatError, Code, unavailable
from chat.ports.identity import Verification

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
"""Asymmetric only: ``none`` and shared secrets are never taken."""

KEYS_LIFE = 600.0
"""Seconds that the issuer's keys are kept; an unknown key id fetches them at once, as PyJWKClient does."""

FETCH_TIMEOUT = 3.0
"""Seconds; the handler itself has ten."""

LEEWAY = 30
"""Seconds that clocks may differ."""


class OidcVerifier:
    """Takes a token only with our audience and a ``nonce`` that binds it to the registering key.

    The account belongs to (issuer, sub): names and addresses in a token may change hands.
    """

    method = "oidc"

    def __init__(self, issuer: str, audience: str) -> None:
        if not _is_safe(issuer):
            raise ValueError("the issuer must be an https URL")
        self._issuer = issuer
        self._audience = audience
        self._keys: jwt.PyJWKClient | None = None

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """``oidc:<issuer>#<sub>``.

        Raises ChatError VERIFICATION_FAILED, or UNAVAILABLE when the issuer does not give its keys.
        """
        if verification.method != self.method:
            raise ChatError(Code.VERIFICATION_FAILED)
        keys = self._fetched_keys()
        try:
            key = keys.get_signing_key_from_jwt(verification.token)
            claims: dict[str, Any] = jwt.decode(
                verification.token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise unavailable() from None
        except (jwt.PyJWTError, ValueError):
            raise ChatError(Code.VERIFICATION_FAILED) from None
        if not claims["sub"] or claims["nonce"] != base64url.encode(sha256(auth_key).digest()):
            raise ChatError(Code.VERIFICATION_FAILED)
        return f"oidc:{self._issuer}#{claims['sub']}"

    def _fetched_keys(self) -> jwt.PyJWKClient:
        """The issuer's keys, fetched where none are kept: whatever fails after that is the token's fault."""
        keys = self._key_client()
        try:
            keys.get_signing_keys()
        except (jwt.PyJWTError, OSError, ValueError):
            raise unavailable() from None
        return keys

    def _key_client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            self._keys = jwt.PyJWKClient(
                self._keys_url(), cache_jwk_set=True, lifespan=KEYS_LIFE, timeout=FETCH_TIMEOUT
            )
        return self._keys

    def _keys_url(self) -> str:
        """From the issuer's discovery document (OpenID Connect Discovery 1.0, section 4)."""
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            with urlopen(url, timeout=FETCH_TIMEOUT) as answer:  # noqa: S310, scheme checked above
                found = json.load(answer)
            issuer, keys_url = found["issuer"], str(found["jwks_uri"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError):
            raise unavailable() from None
        if issuer != self._issuer or not _is_safe(keys_url):
            raise ChatError(Code.VERIFICATION_FAILED)
        return keys_url


def _is_safe(url: str) -> bool:
    """Nobody on the way can change what comes from there: https, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    )
