"""The small words of the protocol, in Python: ids, base64url, names of messages."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
Name = list[str]


def b64(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of :func:`b64`."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def new_id(milliseconds: int | None = None) -> str:
    """A UUIDv7."""
    stamp = now() if milliseconds is None else milliseconds
    random = secrets.randbits(74)
    value = (stamp << 80) | (7 << 76) | ((random >> 62) << 64) | (2 << 62) | (random & (2**62 - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def conversation(one: str, other: str) -> str:
    """The 1:1 conversation id."""
    lower, higher = sorted((one, other))
    return b64(hashlib.sha256(f"heliograph-conversation-v1\n{lower}\n{higher}".encode()).digest()[:16])


def name_of(event: Mapping[str, Any]) -> Name:
    """The name of a message event."""
    return [event["id"], event["sender"]]


def shown(events: Iterable[Json]) -> list[Json]:
    """What an app shows of these events: every message once by (id, sender), in that order."""
    messages = {(event["id"], event["sender"]): event for event in events if event["type"] == "message"}
    return [messages[name] for name in sorted(messages)]
