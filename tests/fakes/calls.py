"""Every call of every port, in order: what the time that an answer takes is made of."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from tests.fakes.world import World

STORAGE = ("handles", "cards", "connections", "inbox", "sockets")


class Recorded:
    """A port that notes who called what, with how many things."""

    def __init__(self, port: Any, name: str, calls: list[str]) -> None:
        self._port = port
        self._name = name
        self._calls = calls

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._port, method)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **named: Any) -> Any:
            sizes = [len(arg) for arg in args if isinstance(arg, Sized) and not isinstance(arg, str | tuple)]
            self._calls.append(f"{self._name}.{method}{sizes or ''}")
            return attribute(*args, **named)

        return call


def record(world: World) -> list[str]:
    """From now on the ports of ``world`` note their calls in the list that is returned."""
    calls: list[str] = []
    for name in STORAGE:
        setattr(world, name, Recorded(getattr(world, name), name, calls))
    return calls
