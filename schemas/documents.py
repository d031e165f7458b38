"""The two API documents, read for tests, fuzzers and generators; nothing that is deployed needs them.

The files refer to ``messages/`` by relative path, in JSON Schema draft-07. Tools differ in how well they
follow that, so ``openapi`` and ``asyncapi`` give the document with all schemas inside.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import yaml

from schemas import frames

_SCHEMA_REF = re.compile(r"^\./messages/(\w+)\.schema\.json(?:#/definitions/(\w+))?$")
_HERE = "#/components/schemas/"


def openapi() -> dict[str, Any]:
    """``openapi.yaml`` with every schema under ``components/schemas``."""
    return _bundled(read("openapi.yaml"))


def asyncapi() -> dict[str, Any]:
    """``asyncapi.yaml`` with every schema under ``components/schemas``."""
    return _bundled(read("asyncapi.yaml"))


def read(file: str) -> dict[str, Any]:
    """The document as written, references unresolved."""
    document: dict[str, Any] = yaml.safe_load(files(__package__).joinpath(file).read_text("utf-8"))
    return document


def _bundled(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    bundled: dict[str, Any] = _adopted(document, found)
    bundled["components"]["schemas"] = dict(sorted(found.items()))
    return bundled


def _adopted(node: Any, found: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_adopted(item, found) for item in node]
    if not isinstance(node, dict):
        return node
    match = _SCHEMA_REF.match(str(node.get("$ref")))
    if not match:
        return {key: _adopted(value, found) for key, value in node.items()}
    file, definition = match.groups()
    source = frames.load_type(definition) if definition else frames.load(file)
    schema = json.loads(json.dumps(source).replace('"#/definitions/', f'"{_HERE}'))
    for key, value in schema.pop("definitions", {}).items():
        found.setdefault(key, value)
    if not definition:
        schema.pop("$schema")
        found.setdefault(file, schema)
    return {"$ref": _HERE + (definition or file)}
