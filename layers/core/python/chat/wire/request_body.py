"""The body of an HTTPS request: bytes to checked JSON."""

from __future__ import annotations

from typing import Any

from chat.domain import base64url
from chat.errors import ChatError, Code
from chat.wire import json_text, validation

BODY_BYTES = 16 * 1024
"""The largest body of a request: a registration with an ID token of 8 KB has room to spare."""


def checked(body: bytes, name: str, limit: int = BODY_BYTES) -> dict[str, Any]:
    """The object in ``body``, as ``schemas/messages/<name>.schema.json`` wants it.

    Raises ChatError TOO_LARGE beyond ``limit`` bytes, BAD_REQUEST.
    """
    if len(body) > limit:
        raise ChatError(Code.TOO_LARGE)
    try:
        raw = json_text.parse(body.decode())
    except ValueError:
        raise ChatError(Code.BAD_REQUEST, details={"rule": "json"}) from None
    validation.check(name, raw, Code.BAD_REQUEST)
    found: dict[str, Any] = raw
    return found


def raw_bytes(text: str) -> bytes:
    """What a base64url text stands for. Raises ChatError(BAD_REQUEST)."""
    try:
        return base64url.decode(text)
    except ValueError:
        raise ChatError(Code.BAD_REQUEST, details={"rule": "base64url"}) from None
