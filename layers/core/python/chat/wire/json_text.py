"""JSON as the protocol means it: stricter than the standard library by default."""

from __future__ import annotations

import json
import math
from typing import Any


def parse(text: str) -> Any:
    """The value of ``text``.

    Raises ``ValueError`` for what is not JSON, duplicate keys, NaN and infinities (1e999 too), lone
    surrogates, and nesting deeper than the interpreter takes.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def dump(value: object) -> str:
    """Compact JSON text, ASCII only: its length is its size in bytes."""
    return json.dumps(value, separators=(",", ":"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
