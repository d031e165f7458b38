"""Who speaks in the vectors of the encryption, and with which keys."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from schemas.vectors.second import agreement
from schemas.vectors.second.agreement import Identity, Prekeys

ALICE = "0198f0a0-0000-7000-8000-00000000a11c:1"
BOB = "0198f0a0-0000-7000-8000-000000000b0b:2"
Json = dict[str, Any]


def given(name: str, size: int = 32) -> bytes:
    """Bytes instead of random ones."""
    return hashlib.shake_256(f"heliograph vector: {name}".encode()).digest(size)


ALICE_IDENTITY, BOB_IDENTITY = Identity(bytes(range(32))), Identity(bytes(range(32, 64)))
MALLORY = Identity(given("mallory"))


def b64(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(slots=True)
class Agreed:
    """One key agreement and the names of both sides."""

    name: str
    keys: Prekeys
    sender: str = ALICE
    initiator: Identity = ALICE_IDENTITY

    @property
    def ephemeral(self) -> bytes:
        """EK, private."""
        return given(f"{self.name}: ephemeral")

    @property
    def m(self) -> bytes:
        """The randomness of the encapsulation."""
        return given(f"{self.name}: encapsulation")

    def begin(self) -> tuple[bytes, bytes, bytes]:
        """Secret, prefix, input of HKDF; both sides were compared."""
        secret, prefix, taken = agreement.begin(
            self.initiator, self.ephemeral, self.m, BOB_IDENTITY.public, self.keys
        )
        if agreement.answer(BOB_IDENTITY, prefix, self.keys) != secret:
            raise AssertionError("the two sides differ")
        return secret, prefix, taken

    def names(self, number: int, back: bool = False) -> list[str]:
        """What a message is bound to: its id, then address and identity key of both sides."""
        message_id = f"019ab697-e8{number:02x}-7abc-9def-0123456789ab"
        mine = [self.sender, b64(self.initiator.public)]
        theirs = [BOB, b64(BOB_IDENTITY.public)]
        return [message_id, *theirs, *mine] if back else [message_id, *mine, *theirs]


SIGNED = given("signed prekey")
WITH = Agreed(
    "with one-time keys",
    Prekeys(
        signed_id=7,
        signed=SIGNED,
        one_time_id=2_147_483_647,
        one_time=given("one-time prekey"),
        kem_kind=agreement.ONE_TIME_KEM,
        kem_id=19,
        kem_seed=given("one-time kem", 64),
    ),
)
WITHOUT = Agreed(
    "without one-time keys",
    Prekeys(
        signed_id=7,
        signed=SIGNED,
        one_time_id=0,
        one_time=None,
        kem_kind=agreement.LAST_RESORT,
        kem_id=3,
        kem_seed=given("last resort", 64),
    ),
)
