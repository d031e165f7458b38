"""What is searched for: canaries, which devices send, secrets, which they hold, and controls."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from enum import StrEnum

ALPHABET = string.ascii_letters + string.digits
TOKEN_CHARACTERS = 24
"""Nobody writes the same 143 bits by chance."""


class Store(StrEnum):
    """Where something may lie."""

    ROWS = "rows of all tables"
    DATA_FILES = "data files"
    COMMIT_LOG = "commit log"
    HINTS = "hints"
    CACHES = "saved caches"
    BUCKETS = "buckets"
    QUEUES = "queues"
    EMULATOR = "emulator state"
    LOGS = "logs"
    CLIENT_LOGS = "logs of clients"
    DUMPS = "crash dumps"
    TEMPORARY = "temporary files"
    ASSETS = "deployed assets"
    WIRE = "frames and bodies"
    OTHER = "other files"


@dataclass(frozen=True, slots=True)
class Needle:
    """One value. ``what`` says what it is without saying it, such as ``text from alice``.

    ``allowed``: stores in which it may lie, as a sign-in token may on the wire. ``planted`` is for controls:
    where and in which form it was put, so that it must be found there.
    """

    value: bytes = field(repr=False)
    flow: str
    what: str
    allowed: frozenset[Store] = frozenset()
    planted: frozenset[tuple[Store, str]] = frozenset()


class Ledger:
    """All needles of a run."""

    def __init__(self) -> None:
        self._needles: dict[bytes, Needle] = {}

    def __len__(self) -> int:
        return len(self._needles)

    def canary(self, flow: str, what: str) -> str:
        """A new random text that must be found nowhere."""
        text = token()
        self.keep(flow, what, text)
        return text

    def keep(self, flow: str, what: str, value: str | bytes, allowed: frozenset[Store] = frozenset()) -> None:
        """Remember a value; one that is known already keeps its first name."""
        raw = value.encode() if isinstance(value, str) else value
        self._needles.setdefault(raw, Needle(raw, flow, what, allowed))

    def needles(self) -> list[Needle]:
        """All of them."""
        return list(self._needles.values())


def token() -> str:
    """A random text of letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_CHARACTERS))
