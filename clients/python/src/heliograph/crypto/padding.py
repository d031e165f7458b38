"""Plaintexts in steps of 160 bytes, so that a ciphertext tells little about its content."""

from __future__ import annotations

STEP = 160
LEAST = 320
"""The shortest padded plaintext: short texts, reactions, edits and requests all have it."""
_END = b"\x80"


def pad(content: bytes) -> bytes:
    """Append 0x80 and zeros."""
    size = max(LEAST, -(-(len(content) + 1) // STEP) * STEP)
    return (content + _END).ljust(size, b"\0")


def unpad(padded: bytes) -> bytes:
    """Give the content.

    Raises:
        ValueError: It was not padded like that.
    """
    content, end, _ = padded.rstrip(b"\0").rpartition(_END)
    if not end or not padded.rstrip(b"\0").endswith(_END) or pad(content) != padded:
        raise ValueError("the padding is wrong")
    return content
