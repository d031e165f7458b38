"""What a device of the small model keeps, and how its messages look on the wire."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str]
"""Account that wrote, and logical id."""
Name = tuple[str, str]
"""Message id and sending device."""


@dataclass(slots=True)
class Entry:
    """A message in the store."""

    logical: str
    account: str
    sender: str
    peer: str
    body: str
    outgoing: bool
    status: str
    id: str = ""
    attempt: dict[str, Any] | None = None


@dataclass(slots=True)
class Store:
    """What survives."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    queue: dict[str, list[Key]] = field(default_factory=dict)
    names: dict[Name, Key] = field(default_factory=dict)
    log: list[tuple[str, Key, str]] = field(default_factory=list)
    cursor: int = 0
    owed: dict[Name, str] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    tried: set[int] = field(default_factory=set)
    """Connect numbers."""
    chains: dict[str, Chain] = field(default_factory=dict)
    """By device."""


@dataclass(slots=True)
class Chain:
    """What a device seals with for another one: a ratchet key, and how many messages it sealed."""

    key: bytes
    sealed: int = 0


class Vault:
    """Encryption for a model: what was sealed lies here, and its ciphertext is where. Nobody reads it but by
    that; it looks like an envelope, and is as long as its content.
    """

    def __init__(self) -> None:
        self._contents: dict[str, dict[str, str]] = {}

    def seal(self, entry: Entry, chain: Chain, rng: random.Random) -> str:
        """The ciphertext of a message, with the next number of the chain."""
        size = 48 + len(entry.body) // 16 * 16
        header = bytes((1, 2)) + struct.pack(">32sII", chain.key, 0, chain.sealed)
        chain.sealed += 1
        text = base64.urlsafe_b64encode(header + rng.randbytes(size)).rstrip(b"=").decode()
        self._contents[text] = {"logical_id": entry.logical, "text": entry.body}
        return text

    def open(self, ciphertext: str) -> dict[str, str]:
        """The content of a ciphertext."""
        return self._contents[ciphertext]


def uuid7(milliseconds: int, rng: random.Random) -> str:
    """A message id of that time."""
    digits = (
        f"{milliseconds << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62):032x}"
    )
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_of(message_id: str) -> int:
    """The milliseconds in a message id."""
    return int(message_id[:8] + message_id[9:13], 16)
