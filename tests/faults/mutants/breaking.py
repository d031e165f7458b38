"""Breaks functions of a running process, and mends them.

A mutant is a list of edits; an edit replaces a text inside one function. The edited source is compiled and
its code put into the function that is there already: whoever imported it runs the broken one, no class is
made twice, and mending puts the first code back. An edit whose text is not there exactly once is an error, so
a mutant cannot outlive the code that it breaks.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

_FLAGS = __future__.annotations.compiler_flag


@dataclass(frozen=True, slots=True)
class Edit:
    """In the function ``where`` (``module:name`` or ``module:Class.name``) ``old`` becomes ``new``."""

    where: str
    old: str
    new: str

    @property
    def module(self) -> str:
        """The module of the function."""
        return self.where.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Mutant:
    """The real code with one rule broken.

    ``rule``: what is promised, and the mutant does not keep. ``caught_by``: the invariant of the checker that
    must fail in the ``scenario``, a function of :mod:`tests.faults.mutants.scenarios`.
    """

    name: str
    rule: str
    caught_by: str
    scenario: str
    edits: tuple[Edit, ...]


class Breaker:
    """Holds at most one mutant in this process."""

    def __init__(self) -> None:
        self._first: dict[FunctionType, CodeType] = {}

    def apply(self, edits: Iterable[Edit]) -> None:
        """Mend what was broken, then break this. Raises LookupError or ValueError for an edit that misses."""
        self.mend()
        by_function: dict[str, list[Edit]] = {}
        for edit in edits:
            by_function.setdefault(edit.where, []).append(edit)
        for where, mine in by_function.items():
            function = find(where)
            broken = _compiled(function, mine)
            self._first[function] = function.__code__
            function.__code__ = broken

    def mend(self) -> None:
        """Put all first code back."""
        while self._first:
            function, code = self._first.popitem()
            function.__code__ = code


def find(where: str) -> FunctionType:
    """The function of an edit. Raises LookupError where there is none."""
    module, _, path = where.partition(":")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name, None)
    if isinstance(found, FunctionType):
        return found
    raise LookupError(f"{where} is no function")


def imported(edits: Iterable[Edit]) -> Iterator[Edit]:
    """Those edits whose modules this process uses."""
    return (edit for edit in edits if edit.module in sys.modules)


def _compiled(function: FunctionType, edits: Iterable[Edit]) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for edit in edits:
        if source.count(edit.old) != 1:
            raise ValueError(f"{edit.where} holds {source.count(edit.old)} times: {edit.old!r}")
        source = source.replace(edit.old, edit.new)
    code = compile(source, f"<broken {function.__qualname__}>", "exec", flags=_FLAGS, dont_inherit=True)
    return next(part for part in code.co_consts if isinstance(part, CodeType))
