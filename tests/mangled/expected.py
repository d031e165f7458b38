"""What the contract says of a text: a second opinion, with rules and a validator of its own."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Any

import jsonschema_rs

from schemas import documents, frames

FRAME_BYTES = 131_072
ACTIONS: tuple[str, ...] = tuple(
    name
    for name, operation in documents.read("asyncapi.yaml")["operations"].items()
    if operation["action"] == "receive"
)

_UNREADABLE = re.compile(r"[\ud800-\udfff]")


def refusal_of(text: str) -> str | None:
    """The code that a frame with this text must be refused with; None where it has the shape of a frame.

    One of that shape may be refused for what it says: a stale id, a token that is none.
    """
    if len(text.encode(errors="surrogatepass")) > FRAME_BYTES:
        return "TOO_LARGE"
    try:
        frame = json.loads(text, object_pairs_hook=_once, parse_constant=_never, parse_float=_finite)
    except (ValueError, RecursionError):
        return "BAD_FRAME"
    if not isinstance(frame, dict) or "action" not in frame or _UNREADABLE.search(_flat(frame)):
        return "BAD_FRAME"
    if frame["action"] not in ACTIONS:
        return "UNKNOWN_ACTION"
    return None if _validator(frame["action"]).is_valid(frame) else "BAD_FRAME"


def _flat(frame: object) -> str:
    return json.dumps(frame, ensure_ascii=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _never(text: str) -> Any:
    raise ValueError(text)


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


@cache
def _validator(action: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(frames.load(action))
