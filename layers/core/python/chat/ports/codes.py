"""Codes that were sent to phone numbers, what sending them cost, and who sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredCode:
    """A code as it lies in storage: its keyed hash, the random key of that, and its end (ms)."""

    salt: bytes
    digest: bytes
    expires_at: int


class Codes(Protocol):
    """One code a claim: the hash of a number and of the key that wants to register it."""

    def put(self, claim: str, code: StoredCode) -> None:
        """Store a code in place of the one before, with all its attempts. Safe to repeat."""
        ...

    def attempt(self, claim: str, limit: int, now: int) -> tuple[StoredCode, int] | None:
        """Use up an attempt, and only then give the code, with the number of attempts that are left.

        None where there is no code, it has expired, or ``limit`` attempts were made. Callers at the same time
        never get more than ``limit``; a crash behind it costs the attempt. Raises StorageUnavailable, or
        OutcomeUnknown: the attempt may be gone.
        """
        ...


class Spending(Protocol):
    """What text messages cost on a day (UTC, days since 1970)."""

    def add(self, day: int, cents: int, cap: int) -> bool:
        """Add to the sum of the day, before it is spent. False, and nothing is added, beyond ``cap``.

        The sum is never less than what was let pass: what a crash or an unknown outcome leaves counts as
        spent. Raises StorageUnavailable or OutcomeUnknown.
        """
        ...


class NotSent(Exception):
    """The text message was refused, or nobody can say whether it left."""


class TextSender(Protocol):
    """Text messages to phones (SMS)."""

    def send(self, number: str, text: str) -> None:
        """Send, once and without a retry: each try costs money. Raises ``NotSent``."""
        ...
