"""The safety number of two accounts: what their owners compare, and it stays the same for both's life.

It covers entry 1 of both device chains, and with that all devices whose entries follow from there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from heliograph.ids import AccountId, base64url, from_base64url
from heliograph.signing import lines

ROUNDS = 5_200
"""Rounds of SHA-512 in a block: they make searching for a key with a similar number dear."""
GROUPS = 6
"""Groups of five digits in the block of one account."""


@dataclass(frozen=True, slots=True)
class First:
    """What a safety number covers of an account: entry 1 of its chain.

    Attributes:
        account: The account.
        entry_hash: Hash of entry 1, base64url.
        auth_key: The key in it, base64url.
    """

    account: AccountId
    entry_hash: str
    auth_key: str


@dataclass(frozen=True, slots=True)
class SafetyNumber:
    """What both owners see alike, on all their devices, unless somebody is between them.

    Attributes:
        digits: 12 groups of five digits, to read aloud.
        qr: What a QR code of it holds.
    """

    digits: str
    qr: str


def safety_number(one: First, other: First) -> SafetyNumber:
    """Compute the safety number of two accounts, in any order; some milliseconds of work."""
    (low, low_print), (high, high_print) = sorted((_block(side), _fingerprint(side)) for side in (one, other))
    digits = low + high
    groups = [digits[start : start + 5] for start in range(0, len(digits), 5)]
    return SafetyNumber(" ".join(groups), f"hs1.{base64url(low_print + high_print)}")


def fingerprint(side: First) -> str:
    """Name the identity of one account, base64url: half of a QR form."""
    return base64url(_fingerprint(side))


def _block(side: First) -> str:
    key = from_base64url(side.auth_key)
    digest = lines("heliograph-safety-v1", side.account, side.entry_hash)
    for _ in range(ROUNDS):
        digest = hashlib.sha512(digest + key).digest()
    parts = (digest[start : start + 5] for start in range(0, GROUPS * 5, 5))
    return "".join(f"{int.from_bytes(part) % 100_000:05}" for part in parts)


def _fingerprint(side: First) -> bytes:
    said = lines("heliograph-safety-qr-v1", side.account, side.entry_hash, side.auth_key)
    return hashlib.sha256(said).digest()
