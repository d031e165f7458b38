"""A process that ends in the middle of a use case, after so many calls of its ports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import count
from typing import Any

from tests.fakes.world import World


class Crash(Exception):
    """The process ends here."""


class Dying:
    """The world up to its ``calls``-th call of ``ports``, the last one; ``made``: that one has its effect."""

    def __init__(self, world: World, calls: int, ports: Collection[str], *, made: bool) -> None:
        self._world, self._left, self._ports, self._made = world, calls, ports, made

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._world, name)
        return _DyingPort(self, real) if name in self._ports else real

    def step(self, call: Callable[[], Any]) -> Any:
        """Make a call, or end before or after it."""
        self._left -= 1
        result = call() if self._left > 0 or self._made else None
        if self._left <= 0:
            raise Crash
        return result


class _DyingPort:
    def __init__(self, dying: Dying, port: Any) -> None:
        self._dying, self._port = dying, port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method
        return lambda *args: self._dying.step(lambda: method(*args))


def crashes(world: World, ports: Collection[str], run: Callable[[Any], object]) -> Iterator[str]:
    """Run with a crash at the first call, then at the second and so on until one run ends; then the same
    where that call has its effect. After each crash it says where that was.
    """
    for made in (False, True):
        for place in count(1):
            try:
                run(Dying(world, place, ports, made=made))
            except Crash:
                yield f"{'after' if made else 'before'} call {place}"
            else:
                break
