"""No schema has a member that could hold what people write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MESSAGES = Path(__file__).resolve().parents[2] / "schemas" / "messages"

SENTENCE = "Meet me at noon, bring bread!"
"""What a member for texts would have to take."""

TAKES_SENTENCES = {
    "types/definitions/device_name": "what an owner calls a device; shown to own devices only",
    "types/definitions/error/properties/message": "of the server, for developers",
    "types/definitions/error/properties/details/properties/correlation": "of the server",
    "types/definitions/error/properties/details/properties/path": "of the server: a place in a frame",
    "types/definitions/error/properties/details/properties/rule": "of the server: a word of JSON Schema",
    "register_request/properties/verification/properties/token": "ID token of an issuer, which has to parse",
    "discovery_answer/properties/socket_url": "of the server",
}
"""Members that may say anything, with the reason why none of them holds content."""

CARRIES_CIPHERTEXT = {
    "types/definitions/ciphertexts/additionalProperties",
    "event/oneOf/properties/ciphertext",
}
"""Where a ciphertext may stand: in what is sent, and in what is delivered."""

DECIDES = {"$ref", "allOf", "anyOf", "const", "enum", "oneOf", "properties", "required", "type"}
"""A schema with none of these takes any value at all."""


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within every file, with its place."""
    for file in sorted(MESSAGES.glob("*.schema.json")):
        yield from within(file.name.partition(".")[0], json.loads(file.read_text()))


def within(place: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all that it holds."""
    yield place, schema
    for word in ("properties", "definitions", "patternProperties"):
        for name, inner in schema.get(word, {}).items():
            yield from within(f"{place}/{word}/{name}", inner)
    for word in ("items", "additionalProperties", "additionalItems", "contains", "if", "then", "else"):
        inner = schema.get(word)
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                yield from within(f"{place}/{word}", each)
    for word in ("allOf", "anyOf", "oneOf"):
        for inner in schema.get(word, ()):
            yield from within(f"{place}/{word}", inner)


def takes_a_sentence(schema: dict[str, Any]) -> bool:
    """Whether a schema by itself would let the sentence pass."""
    if "const" in schema or "enum" in schema:
        return False
    if not DECIDES & schema.keys():
        return True
    if "string" not in (
        schema.get("type"),
        *(schema["type"] if isinstance(schema.get("type"), list) else ()),
    ):
        return False
    pattern = schema.get("pattern")
    return pattern is None or re.search(pattern, SENTENCE) is not None


def test_no_member_takes_a_sentence() -> None:
    """Every text of the protocol is an id, a key, a name out of a list, or bytes in base64url; the members
    that take more are known one by one. Texts of people have no place but inside a ciphertext.
    """
    found = {place for place, schema in schemas() if takes_a_sentence(schema)}
    assert found - {"types"} == TAKES_SENTENCES.keys()  # the file of definitions is no schema


def test_ciphertexts_stand_in_two_places() -> None:
    """What is sent and what is delivered; any other member for one would be a new way for content."""
    found = {
        place.removesuffix("/allOf")
        for place, schema in schemas()
        if str(schema.get("$ref", "")).endswith("/definitions/ciphertext")
    }
    assert found == CARRIES_CIPHERTEXT
