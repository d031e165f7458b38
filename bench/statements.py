"""Which column each value of a recorded statement belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.keyspaces import Value

_INSERT = re.compile(r"INSERT INTO \S+ \(([^)]*)\) VALUES \(([^)]*)\)")
_TERM = re.compile(r"(\w+)\s*(=|>=|<=|>|<|IN)\s*(\?|true|false|null|-?\d+)")
_LITERALS: dict[str, Value] = {"true": True, "false": False, "null": None}

Fact = str | int | bool | None | dict[str, int] | list["Fact"]
"""A value as the meter records it: a blob is ``{"bytes": length}``."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a statement wrote (``columns``), and which rows it named.

    ``where`` by equality, ``one_of`` by ``IN``, ``ranges`` whether by a comparison.
    """

    columns: dict[str, Value] = field(default_factory=dict)
    where: dict[str, Value] = field(default_factory=dict)
    ranges: bool = False
    one_of: dict[str, list[Value]] = field(default_factory=dict)


def bind(cql: str, values: Sequence[Fact]) -> Bound:
    """Put recorded values to the columns of their statement; those of an ``IF`` belong to none.

    Raises ``ValueError`` for a statement that is none of the four verbs.
    """
    rest = iter(values)
    if insert := _INSERT.match(cql):
        names = [name.strip() for name in insert[1].split(",")]
        texts = [text.strip() for text in insert[2].split(",")]
        return Bound({name: _value(text, rest) for name, text in zip(names, texts, strict=True)})
    verb = cql.split(" ", 1)[0]
    if verb not in ("SELECT", "UPDATE", "DELETE"):
        raise ValueError(f"not a statement of a function: {cql}")
    before, _, after = cql.partition(" WHERE ")
    columns = {}
    if verb == "UPDATE":
        columns = {name: _value(text, rest) for name, _, text in _TERM.findall(before.partition(" SET ")[2])}
    where: dict[str, Value] = {}
    ranges, one_of = False, {}
    for name, comparison, text in _TERM.findall(after.partition(" IF ")[0]):
        if comparison == "IN":
            listed = next(rest)
            one_of[name] = [value_of(fact) for fact in listed] if isinstance(listed, list) else []
            continue
        value = _value(text, rest)
        if comparison == "=":
            where[name] = value
        ranges = ranges or comparison in ("<", "<=", ">", ">=")
    return Bound(columns, where, ranges, one_of)


def value_of(fact: Fact) -> Value:
    """A recorded value as one of its size."""
    if isinstance(fact, dict):
        return bytes(fact["bytes"])
    if isinstance(fact, list):
        raise TypeError("a list is no value of a column")
    return fact


def _value(text: str, rest: Iterator[Fact]) -> Value:
    if text == "?":
        return value_of(next(rest))
    return _LITERALS[text] if text in _LITERALS else int(text)
