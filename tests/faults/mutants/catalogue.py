"""All mutants, and how a process becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.mutants.breaking import Breaker, Mutant, imported
from tests.faults.mutants.client import CLIENT
from tests.faults.mutants.server import SERVER

MUTANTS: dict[str, Mutant] = {mutant.name: mutant for mutant in (*SERVER, *CLIENT)}
"""By name."""

_breaker = Breaker()


def become(name: str) -> None:
    """Break what this process uses of the mutant ``name``; "" mends it. Raises KeyError."""
    _breaker.apply(imported(MUTANTS[name].edits) if name else ())


class Switched:
    """The services of a function, which runs as the mutant that ``wanted`` names at each call."""

    def __init__(self, services: Any, wanted: Callable[[], str]) -> None:
        self._services = services
        self._wanted = wanted
        self._name = ""

    def __getattr__(self, name: str) -> Any:
        # A handler asks for its services before it calls the use case, so that one is broken in time.
        if (wanted := self._wanted()) != self._name:
            become(wanted)
            self._name = wanted
        return getattr(self._services, name)
