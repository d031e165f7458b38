"""All ways to prove who one is that a stage offers."""

from __future__ import annotations

from collections.abc import Mapping

from chat.domain.numbers import is_number
from chat.errors import ChatError, Code
from chat.ports.identity import Verification, Verifier


class Verifiers:
    """Passes a proof on to the verifier of its method: :class:`chat.ports.identity.Verifier`.

    Some vouch for names, others for phone numbers; the two kinds of handles never meet, so who proves one
    thing cannot take the other.
    """

    def __init__(self, names: Mapping[str, Verifier], numbers: Mapping[str, Verifier]) -> None:
        self._names = names
        self._numbers = numbers

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """See the port. Raises ChatError also BAD_REQUEST for a handle that the method does not vouch for."""
        method = verification.method
        verifier = self._names.get(method) or self._numbers.get(method)
        if verifier is None:
            raise ChatError(Code.VERIFICATION_FAILED)
        if is_number(handle) != (method in self._numbers):
            raise ChatError(Code.BAD_REQUEST, details={"path": "handle", "rule": "method"})
        return verifier.owner(verification, handle=handle, auth_key=auth_key)
