"""The forms in which a value may lie somewhere, as bytes to search for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

SHORTEST = 12
"""Bytes: what is shorter would be found by chance, once in some alignment of base64."""


def forms(value: bytes) -> dict[str, bytes]:
    """The forms of a value by their names, the plainest first; several may be the same bytes.

    In base64 a value looks different behind 0, 1 or 2 bytes of a group of three, and its outermost
    characters depend on its neighbours: each alignment is a form, without those characters. UTF-16 and the
    escapes of JSON are those of the text, for a value that is none of the bytes taken as characters.

    Raises:
        ValueError: The value has fewer than ``SHORTEST`` bytes.
    """
    if len(value) < SHORTEST:
        raise ValueError(f"a value of {len(value)} bytes would be found by chance")
    text = _as_text(value)
    units = text.encode("utf-16-be").hex()
    codes = [units[start : start + 4] for start in range(0, len(units), 4)]
    named = {
        "raw": value,
        "hex": value.hex().encode(),
        "HEX": value.hex().upper().encode(),
        "json": json.dumps(text)[1:-1].encode(),
        "python": repr(value)[2:-1].encode(),
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
    }
    for escape, slash in (("escaped", "\\u"), ("escaped twice", "\\\\u")):
        named[escape] = "".join(slash + code for code in codes).encode()
        named[escape.upper()] = "".join(slash + code.upper() for code in codes).encode()
    for shift in range(3):
        named[f"base64+{shift}"] = _aligned(value, shift, base64.b64encode)
        named[f"base64url+{shift}"] = _aligned(value, shift, base64.urlsafe_b64encode)
    return named


def _aligned(value: bytes, shift: int, encode: Callable[[bytes], bytes]) -> bytes:
    """The base64 characters that are the value's alone, where it stands behind ``shift`` other bytes."""
    characters = encode(bytes(shift) + value)
    first = (0, 2, 3)[shift]
    return characters[first : 8 * (shift + len(value)) // 6]


def _as_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
