"""Schemas as Python functions, written to ``schemas/compiled/`` by ``make schema``.

A function of the server imports the one it needs and compiles nothing while it starts. fastjsonschema makes
the code; what it says about a refusal is cut down to the place and the rule, so that no value of a client can
get into an answer, and the code is a third as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema

from schemas import frames

FOLDER = Path(__file__).with_name("compiled")

CHECKED = (
    "ack",
    "claim_request",
    "code_request",
    "keys_request",
    "link_request",
    "register_request",
    "removal_request",
    "send",
    "sync",
)
"""What clients say."""

CHECKED_TYPES = ("account", "address", "handle", "key", "ref")
"""Shared types that stand alone: in a path, a header or a URL; the ref of a frame that is refused."""

_HEADER = """\
# Made by `make schema` from schemas/messages: change those. A test compares the two.
"""

# fastjsonschema's line: message, value, name, definition, rule.
_RAISE = re.compile(
    r"raise JsonSchemaValueException\(.*, value=.*?, name=(?P<name>.*?), definition=.*,"
    r" rule='(?P<rule>\w+)'\)$"
)
_INSTEAD = {
    "(JsonSchemaValueException, JsonSchemaValuesException)": "Mismatch",
    "(int, float, Decimal)": "(int, float)",  # our parser makes no Decimal
}
_UNUSED = ("VERSION", "from decimal")
_PROSE = ("description", "examples", "title")


def modules() -> dict[str, str]:
    """File name to text of everything in ``schemas/compiled/`` but its ``__init__.py``."""
    made = {f"{name}.py": render(frames.load(name)) for name in CHECKED}
    return made | {f"type_{name}.py": render(frames.load_type(name)) for name in CHECKED_TYPES}


def render(schema: dict[str, Any]) -> str:
    """A module with ``validate(value)``, which raises ``Mismatch``, and ``FIELDS``, the names in the schema.

    Raises ``ValueError`` for code of fastjsonschema that this does not know.
    """
    code = fastjsonschema.compile_to_code(_without_prose(schema), use_default=False)
    lines = [_shortened(line) for line in code.splitlines() if not line.startswith(_UNUSED)]
    found = "".join(f"    {name!r},\n" for name in sorted(set(_fields(schema))))
    return f"{_HEADER}{_joined(lines)}\n\nFIELDS = frozenset((\n{found}))\n"


def _shortened(line: str) -> str:
    if line.startswith("from fastjsonschema import"):
        return "from schemas.compiled import Mismatch"
    if "raise JsonSchemaValueException" in line:
        found = _RAISE.search(line)
        if found is None:
            raise ValueError(f"an unknown way to refuse: {line.strip()}")
        return f"{line[: found.start()]}raise Mismatch({found['name']}, {found['rule']!r})"
    for theirs, ours in _INSTEAD.items():
        line = line.replace(theirs, ours)
    return line


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip()


def _without_prose(node: Any, *, names: bool = False) -> Any:
    """The schema without what only people read. ``names``: the keys of ``node`` are chosen by the schema."""
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_prose(value, names=not names and key in ("properties", "definitions"))
        for key, value in node.items()
        if names or key not in _PROSE
    }


def _fields(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {})
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _fields(child)
