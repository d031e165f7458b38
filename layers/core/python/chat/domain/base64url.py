"""base64url without padding (RFC 4648 section 5), one text for one value."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """The text of ``data``."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of ``text``.

    Raises ``ValueError`` for padding, foreign characters, an impossible length, and unused bits that are
    not zero:
    otherwise one value would have several texts, and a signature over the text would not name the value.
    """
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
