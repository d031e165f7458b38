"""Shapes: the schemas in ``schemas/messages`` are what runs here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import fastjsonschema

from chat.errors import ChatError, Code
from schemas import frames

Validator = Callable[[Any], Any]


def _compile(schema: dict[str, Any]) -> Validator:
    compiled: Validator = fastjsonschema.compile(schema, use_default=False)
    return compiled


@cache
def _validator(name: str) -> Validator:
    return _compile(frames.load(name))


@cache
def _type_validator(name: str) -> Validator:
    return _compile(frames.load_type(name))


def prepare(name: str) -> None:
    """Compile a schema while the environment starts (a few ms), not in the first request."""
    _validator(name)


def check(name: str, value: object, code: Code) -> None:
    """Raise ChatError(code) if ``value`` is not what ``schemas/messages/<name>.schema.json`` says.

    The details name the place and the rule, never the value: that may be content.
    """
    _run(_validator(name), value, code)


def check_type(name: str, value: object, code: Code) -> None:
    """The same for one of the shared types, such as an id out of a path."""
    _run(_type_validator(name), value, code)


def _run(validator: Validator, value: object, code: Code) -> None:
    try:
        validator(value)
    except fastjsonschema.JsonSchemaValueException as error:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in _path(error))
        raise ChatError(code, details={"path": path.lstrip("."), "rule": error.rule}) from None


def _path(error: fastjsonschema.JsonSchemaValueException) -> list[str | int]:
    """Where it is wrong, without names that the client chose (they may be content, or 10 kB long)."""
    parts: list[str | int] = []
    for part in error.path[1:]:
        if part.isdecimal():
            parts.append(int(part))
        elif part.isidentifier() and len(part) <= 20:
            parts.append(part)
        else:
            parts.append("*")
    return parts
