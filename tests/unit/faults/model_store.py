"""What a device of the small model keeps, and how its messages look on the wire."""

from __future__ import annotations

import base64
import json
import random
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
    tried: int = 0


def sealed(entry: Entry) -> str:
    """Its ciphertext, by the clear encryption."""
    content = json.dumps({"logical_id": entry.logical, "text": entry.body}).encode()
    return base64.urlsafe_b64encode(b"CLEAR1" + content).rstrip(b"=").decode()


def opened(ciphertext: str) -> dict[str, Any]:
    """The content of a ciphertext."""
    data = base64.urlsafe_b64decode(ciphertext + "=" * (-len(ciphertext) % 4))
    content: dict[str, Any] = json.loads(data.removeprefix(b"CLEAR1"))
    return content


def uuid7(milliseconds: int, rng: random.Random) -> str:
    """A message id of that time."""
    digits = (
        f"{milliseconds << 80 | 7 << 76 | rng.getrandbits(12) << 64 | 2 << 62 | rng.getrandbits(62):032x}"
    )
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_of(message_id: str) -> int:
    """The milliseconds in a message id."""
    return int(message_id[:8] + message_id[9:13], 16)
