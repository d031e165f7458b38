"""People with a proof of identity in a test deployment that otherwise takes everybody for who they say.

``HELIOGRAPH_TEST_ISSUER`` names an OpenID Connect issuer of the tests. Registrations by method ``oidc`` go to
the real verifier for it, all others to the one of the stage: so one cloud serves tests of both.
"""

from __future__ import annotations

import os
from typing import Any

AUDIENCE = "heliograph"


class EitherVerifier:
    """The stage's verifier, and one for the issuer of the tests."""

    def __init__(self, stage: Any) -> None:
        from chat.adapters.oidc_verifier import OidcVerifier  # noqa: PLC0415, runs inside the function only

        self._by_method = {"oidc": OidcVerifier(os.environ["HELIOGRAPH_TEST_ISSUER"], AUDIENCE)}
        self._stage = stage

    def owner(self, verification: Any, *, handle: str, auth_key: bytes) -> str:
        """See the port."""
        verifier = self._by_method.get(verification.method, self._stage)
        owner: str = verifier.owner(verification, handle=handle, auth_key=auth_key)
        return owner


def either(stage: Any) -> Any:
    """The verifier of the stage, or one that takes the tokens of the tests' issuer too, if there is one."""
    return EitherVerifier(stage) if "HELIOGRAPH_TEST_ISSUER" in os.environ else stage
