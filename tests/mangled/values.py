"""What can stand in a frame where something else should."""

from __future__ import annotations

import gzip
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Any

CANARY = "hunter2!"
"""Stands in many of them; no answer may quote it."""


def _vector_ids() -> list[str]:
    """The ids of ``schemas/vectors``: of the first and the last millisecond, with all bits set, with none."""
    text = files("schemas").joinpath("vectors", "ids.json").read_text("utf-8")
    return [str(vector["id"]) for vector in json.loads(text)["vectors"]]


def _bomb() -> str:
    """A ciphertext of 5 KB that would be 5 MB, should anybody unpack it."""
    return urlsafe_b64encode(gzip.compress(bytes(5_000_000), 9)).rstrip(b"=").decode()


UUID = "0198f0b1-2c3d-7abc-9def-0123456789ab"

STRINGS = (
    "", " ", "\x00", CANARY, CANARY * 1_500, "null", "1", "true", "[]", "NaN", "send", "$default",
    UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", f" {UUID}", f"{UUID}\n", f"{UUID}\r\nx: y",
    f"{UUID}\x00", f"../{UUID}", f"%2e%2e%2f{UUID}", "../../etc/passwd", "%0d%0a", "..", "/",
    UUID.replace("b1", "\u04381"), UUID[:-1] + "\uff11", UUID[:-1] + "\u0661", UUID.replace("-", "\u2010"),
    UUID.replace("7abc", "4abc"), f"{UUID}:1", f"{UUID}:0", f"{UUID}:99999", f"{UUID}:1/delivered",
    f"{UUID}:1/{CANARY}", "e\u0301", "\u00e9", "\ufeff", "\u202e", "\U0001f600", "\u2028", "admin",
    "aGk=", "aGl", "a+/k", "a b", "a", "x" * 22, "x" * 65, "A" * 512, "A" * 513, "A" * 12_000,
    "' OR 1=1 --", "${jndi:ldap://x}", "{{7*7}}", "<script>", "__proto__",
)  # fmt: skip

NUMBERS = (
    0, 1, -1, -0.0, 1.5, 1e-9, 7, 256, 257, 32_767, 32_768, 2**31, 2**48 - 1, 2**48, 2**63, 2**64, -(2**63),
    10**300,
)  # fmt: skip

NAMES = (
    "__proto__", "constructor", "account", "device", "sender", "from", "connectionId", "requestContext",
    "authorizer", "Action", "ACTION", "action ", "act\u0456on", "ref ", "messages[]", "", CANARY, CANARY * 50,
    "\x00", "\ud7ff", "1", "01", "99999", "99999999",
)  # fmt: skip

BROKEN_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01", "+1", ".5", "0x1", "9" * 5_000)

SCRAPS = (
    '"\\ud800"', '"\\udc00x"', '"\\u0000"', '"\\x"', "'a'", "/* */", ",", "[", "{", '{"a":1,"a":2}', "\x00",
    "[" * 12_000 + "]" * 12_000,
)  # fmt: skip

TEXTS = (
    "", " \n", CANARY, "null", "7", "[]", '["send"]', '"send"', "{}", "[" * 1_000, "[" * 100_000,
    '{"action":' * 1_000, '{"action":"send"', "\ufeff{}", "\x00", "{'action': 'send'}",
    "GET / HTTP/1.1\r\n\r\n",
    '{"action":"sync","action":"send","ref":"1"}', '{"action":"sync","ref":"1","ref":"2"}',
)  # fmt: skip


def anything(rng: Random, depth: int = 0) -> Any:
    """Some JSON value."""
    if depth < 3 and rng.random() < 0.3:
        return _anything_inside(rng, depth + 1)
    pools: tuple[Sequence[Any], ...] = (STRINGS, STRINGS, _IDS, NUMBERS, NUMBERS, (None, True, False, _BOMB))
    return rng.choice(rng.choice(pools))


def _anything_inside(rng: Random, depth: int) -> Any:
    """Some list or object."""
    if rng.random() < 0.2:
        return nested(rng.choice((2, 50, 200)))
    if rng.random() < 0.5:
        return [anything(rng, depth) for _ in range(rng.randrange(5))]
    return {rng.choice(NAMES): anything(rng, depth) for _ in range(rng.randrange(5))}


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


_IDS = _vector_ids()
_BOMB = _bomb()
