"""The verifier of a laptop: everybody is who they say. Synthesis refuses it for any other stage."""

from __future__ import annotations

from chat.domain import base64url
from chat.errors import ChatError, Code
from chat.ports.identity import Verification


class OpenVerifier:
    """Believes every handle. Nobody can prove more than to hold a key: a taken handle stays with its key."""

    method = "open"

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """``open:<key>``. Raises ChatError(VERIFICATION_FAILED) for another method."""
        if verification.method != self.method:
            raise ChatError(Code.VERIFICATION_FAILED)
        return f"open:{base64url.encode(auth_key)}"
