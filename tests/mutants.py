"""Broken versions of what the race tests guard, so that a test can prove that it would notice.

The rules: a sender writes rows, then reads connections; a receiver writes its connection, then reads rows.
Here each side does it the other way round, inside a real deployment, as long as ``is_on`` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def mutable(services: Any, function: str, *, is_on: Callable[[], bool]) -> Any:
    """The services of a function, as its mutant while ``is_on``; of one without a mutant, as they are."""
    mutant = {"send": _ReadsThenWrites, "sync": _DrainsThenWrites, "connect": _WritesNothing}.get(function)
    return mutant(services, is_on) if mutant else services


class _Mutant:
    """Stands for the services, the connections and the inbox alike: it sees their calls in order."""

    def __init__(self, services: Any, is_on: Callable[[], bool]) -> None:
        self._services = services
        self._is_on = is_on
        self.connections = _Overridden(services, "connections", self)
        self.inbox = _Overridden(services, "inbox", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)


class _Overridden:
    """A port whose methods are the mutant's where it has one of the name (``inbox_put``)."""

    def __init__(self, services: Any, name: str, mutant: _Mutant) -> None:
        self._services = services
        self._name = name
        self._mutant = mutant

    def __getattr__(self, method: str) -> Any:
        port = getattr(self._services, self._name)
        mutated = vars(type(self._mutant)).get(f"{self._name}_{method}")
        if mutated is None or not self._mutant._is_on():
            return getattr(port, method)
        return mutated.__get__(self._mutant)


class _ReadsThenWrites(_Mutant):
    """``send``: the connections of a recipient are read before its rows are written."""

    _seen: Any = None

    def inbox_put(self, rows: Any) -> None:
        self._seen = {
            row.device.account: self._services.connections.of_account(row.device.account) for row in rows
        }
        self._services.inbox.put(rows)

    def connections_of_account(self, account: Any) -> Any:
        return self._seen[account]


class _DrainsThenWrites(_Mutant):
    """``sync``: the connection is written after the inbox was read."""

    _connection: Any = None

    def connections_add(self, connection: Any) -> None:
        self._connection = connection

    def inbox_page(self, *where: Any) -> Any:
        rows = self._services.inbox.page(*where)
        self._services.connections.add(self._connection)
        return rows


class _WritesNothing(_Mutant):
    """``connect``: leaves the connection to ``sync``, so that the order there matters."""

    def connections_add(self, connection: Any) -> None:
        """Nothing."""
