"""The verifier of a laptop: everybody is who they say. Synthesis refuses it for any other stage."""

from __future__ import annotations

from chat.errors import ChatError, Code
from chat.ports.identity import Verification


class OpenVerifier:
    """Believes every handle. A taken handle stays with the key that claimed it: nobody can prove more."""

    method = "open"

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """``open:<handle>``. Raises ChatError(VERIFICATION_FAILED) for another method."""
        if verification.method != self.method:
            raise ChatError(Code.VERIFICATION_FAILED)
        return f"open:{handle}"
