"""Frames and bodies as self-contained JSON Schemas, ready to be compiled.

The files in ``messages/`` refer to each other. A validator that follows such references needs a
resolver; ``load`` brings everything a schema uses into its own ``definitions`` instead.
Nothing of it runs in a Lambda: see ``schemas/compiler.py``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

_SUFFIX = ".schema.json"
_SHARED = "types"


def names() -> list[str]:
    """Every frame and body, sorted; without ``types``, which holds only what they share."""
    found = (entry.name for entry in files(__package__).joinpath("messages").iterdir())
    return sorted(
        name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX) and name != _SHARED + _SUFFIX
    )


def load(name: str) -> dict[str, Any]:
    """The schema ``messages/<name>.schema.json`` with every reference made local.

    The result belongs to the caller; it holds only those definitions that it uses.
    Raises ``FileNotFoundError`` for a name that is not in ``names()``.
    """
    definitions: dict[str, Any] = {}
    schema: dict[str, Any] = _localised(_read(name), name, definitions)
    if definitions:
        schema["definitions"] = definitions
    return schema


def load_type(name: str) -> dict[str, Any]:
    """One shared type, ``types.schema.json#/definitions/<name>``, as a schema of its own.

    Raises ``KeyError`` for an unknown one.
    """
    definitions: dict[str, Any] = {}
    return {"$ref": _adopt(f"#/definitions/{name}", _SHARED, definitions), "definitions": definitions}


def _read(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(_text(name))
    return schema


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath("messages", name + _SUFFIX).read_text("utf-8")


def _localised(node: Any, home: str, definitions: dict[str, Any]) -> Any:
    """``node`` of the file ``home`` with local references; adds what they point at to ``definitions``."""
    if isinstance(node, list):
        return [_localised(item, home, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    local = {key: _localised(value, home, definitions) for key, value in node.items() if key != "$ref"}
    if isinstance(node.get("$ref"), str):
        local["$ref"] = _adopt(node["$ref"], home, definitions)
    return local


def _adopt(ref: str, home: str, definitions: dict[str, Any]) -> str:
    """Copies the target of ``ref`` into ``definitions``, once; gives the local reference to it."""
    file, _, pointer = ref.partition("#")
    source = file.removesuffix(_SUFFIX) or home
    key = pointer.removeprefix("/definitions/") or source
    if key not in definitions:
        definitions[key] = {}  # holds the place while the target refers to itself
        target = _read(source)
        definitions[key] = _localised(target["definitions"][key] if pointer else target, source, definitions)
    return f"#/definitions/{key}"
