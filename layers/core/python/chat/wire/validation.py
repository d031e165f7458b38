"""Shapes: the schemas in ``schemas/messages`` are what runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import fastjsonschema

from chat.errors import ChatError, Code
from schemas import frames


@dataclass(frozen=True, slots=True)
class _Shape:
    """A compiled schema, and the field names that stand in it."""

    validate: Callable[[Any], Any]
    fields: frozenset[str]


def _compile(schema: dict[str, Any]) -> _Shape:
    return _Shape(fastjsonschema.compile(schema, use_default=False), frozenset(_fields(schema)))


def _fields(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _fields(child)


@cache
def _shape(name: str) -> _Shape:
    return _compile(frames.load(name))


@cache
def _type_shape(name: str) -> _Shape:
    return _compile(frames.load_type(name))


def prepare(name: str) -> None:
    """Compile a schema while the environment starts (a few ms), not in the first request."""
    _shape(name)


def check(name: str, value: object, code: Code) -> None:
    """Raise ChatError(code) if ``value`` is not what ``schemas/messages/<name>.schema.json`` says.

    The details name the place and the rule, never the value: that may be content.
    """
    _run(_shape(name), value, code)


def check_type(name: str, value: object, code: Code) -> None:
    """The same for one of the shared types, such as an id out of a path."""
    _run(_type_shape(name), value, code)


def _run(shape: _Shape, value: object, code: Code) -> None:
    try:
        shape.validate(value)
    except fastjsonschema.JsonSchemaValueException as error:
        path = "".join(_step(part, shape.fields) for part in error.path[1:]).lstrip(".")
        raise ChatError(code, details={"path": path, "rule": error.rule}) from None


def _step(part: str, fields: frozenset[str]) -> str:
    """One step of the path. A name that the client chose is a ``*``: it may be content, or 10 kB long."""
    if part.isascii() and part.isdecimal() and len(part) <= 5:
        return f"[{part}]"
    return f".{part}" if part in fields else ".*"
