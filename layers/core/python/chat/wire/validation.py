"""Shapes: the schemas in ``schemas/messages``, compiled by ``make schema``, are what runs here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from chat.errors import ChatError, Code
from schemas.compiled import Mismatch


@cache
def _shape(name: str) -> ModuleType:
    return import_module(f"schemas.compiled.{name}")


def prepare(name: str) -> None:
    """Load a schema while the environment starts, not in the first request."""
    _shape(name)


def check(name: str, value: object, code: Code) -> None:
    """Raise ChatError(code) if ``value`` is not what ``schemas/messages/<name>.schema.json`` says.

    The details name the place and the rule, never the value: that may be content.
    """
    _run(_shape(name), value, code)


def check_type(name: str, value: object, code: Code) -> None:
    """The same for one of the shared types, such as an id out of a path."""
    _run(_shape(f"type_{name}"), value, code)


def _run(shape: ModuleType, value: object, code: Code) -> None:
    try:
        shape.validate(value)
    except Mismatch as mismatch:
        path = "".join(_step(part, shape.FIELDS) for part in mismatch.path).lstrip(".")
        raise ChatError(code, details={"path": path, "rule": mismatch.rule}) from None


def _step(part: str, fields: frozenset[str]) -> str:
    """One step of the path. A name that the client chose is a ``*``: it may be content, or 10 kB long."""
    if part.isascii() and part.isdecimal() and len(part) <= 5:
        return f"[{part}]"
    return f".{part}" if part in fields else ".*"
