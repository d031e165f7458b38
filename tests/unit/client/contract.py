"""The frozen contract as checks: a validator a schema, and signatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from heliograph.ids import from_base64url

SCHEMAS = Path(__file__).parents[3] / "schemas" / "messages"


def _validators() -> dict[str, Callable[[Any], Any]]:
    types = json.loads((SCHEMAS / "types.schema.json").read_text())["definitions"]
    event = json.loads((SCHEMAS / "event.schema.json").read_text())
    event.pop("$schema")
    found: dict[str, Callable[[Any], Any]] = {}
    for path in SCHEMAS.glob("*.schema.json"):
        schema = json.loads(path.read_text())
        if path.stem == "types.schema":
            continue
        schema["definitions"] = types | {"event": event}
        text = (
            json.dumps(schema)
            .replace("types.schema.json#", "#")
            .replace("event.schema.json", "#/definitions/event")
        )
        found[path.name.removesuffix(".schema.json")] = fastjsonschema.compile(json.loads(text))
    return found


VALIDATE = _validators()


def verify(key: str, signature: str, statement: bytes) -> None:
    """Check a signature as the server does."""
    try:
        Ed25519PublicKey.from_public_bytes(from_base64url(key)).verify(from_base64url(signature), statement)
    except InvalidSignature:
        raise AssertionError(f"a wrong signature over {statement!r}") from None
