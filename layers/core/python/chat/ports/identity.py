"""Proofs of identity: signatures, requests seen before, linking, and who vouches for a new account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chat.domain.ids import Address


class CheckSignature(Protocol):
    """Ed25519 (RFC 8032)."""

    def __call__(self, auth_key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` over ``data`` was made with the private half of ``auth_key``."""
        ...


class UsedProofs(Protocol):
    """Signed requests that were served, for five minutes."""

    def use(self, device: Address, nonce: str, now: int) -> bool:
        """Note the nonce by a conditional write. False if it was used before."""
        ...


class Links(Protocol):
    """Where a new device was taken in, for the ten minutes it waits to know."""

    def add(self, auth_key: bytes, device: Address) -> Address:
        """Note it if nothing stands there. Returns what does: ``device``, or what came first."""
        ...

    def find(self, auth_key: bytes) -> Address | None:
        """The account and number that this key got."""
        ...


@dataclass(frozen=True, slots=True)
class Verification:
    """What a registering client presents: a method and, for some, a token or the code it was sent."""

    method: str
    token: str = ""
    code: str = ""


class Verifier(Protocol):
    """Vouches for whoever registers."""

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """Who this is, stable over time: '<method>:<subject>'.

        Raises ChatError(VERIFICATION_FAILED) where the proof is not good, ChatError(UNAVAILABLE) where
        the one who could tell does not answer.
        """
        ...
