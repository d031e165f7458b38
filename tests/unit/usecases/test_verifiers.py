"""Several ways to prove who one is: each vouches for its own kind of handles."""

from __future__ import annotations

import pytest
from chat.errors import ChatError, Code
from chat.ports.identity import Verification
from chat.usecases.verifiers import Verifiers

NUMBER = "+12015550123"


class Believing:
    """Vouches for everybody, under its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        return f"{self.name}:{handle}"


ALL = Verifiers({"open": Believing("open"), "oidc": Believing("oidc")}, {"otp": Believing("otp")})


@pytest.mark.parametrize(("method", "handle"), [("open", "alice"), ("oidc", "alice"), ("otp", NUMBER)])
def test_the_method_chooses(method: str, handle: str) -> None:
    """Whoever it names decides."""
    assert ALL.owner(Verification(method), handle=handle, auth_key=b"") == f"{method}:{handle}"


@pytest.mark.parametrize(("method", "handle"), [("open", NUMBER), ("oidc", NUMBER), ("otp", "alice")])
def test_names_and_numbers_never_meet(method: str, handle: str) -> None:
    """Nobody takes a phone number by a sign-in, or a name by a phone."""
    with pytest.raises(ChatError) as refused:
        ALL.owner(Verification(method), handle=handle, auth_key=b"")

    assert refused.value.code is Code.BAD_REQUEST
    assert refused.value.details == {"path": "handle", "rule": "method"}


@pytest.mark.parametrize("method", ["otp", "sms", ""])
def test_a_method_that_is_not_offered(method: str) -> None:
    """Is VERIFICATION_FAILED, whatever the handle."""
    with pytest.raises(ChatError) as refused:
        Verifiers({"open": Believing("open")}, {}).owner(Verification(method), handle=NUMBER, auth_key=b"")

    assert refused.value.code is Code.VERIFICATION_FAILED
