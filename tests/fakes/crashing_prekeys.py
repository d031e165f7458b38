"""A crash at each call to the store of prekeys, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chat.ports.storage import StorageUnavailable

from tests.fakes.prekeys import FakePrekeys
from tests.fakes.world import World


class Faulty(FakePrekeys):
    """Fails at the call of that place, before or after it is done; nothing runs behind it, as in a crash."""

    def __init__(self, rows: FakePrekeys) -> None:
        super().__init__()
        self.rows = rows.rows
        self.place = -1
        self.calls = 0
        self.after = False

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in ("ids", "read", "add", "remove"):
            return method

        def call(*args: Any) -> Any:
            self.calls += 1
            if self.calls != self.place:
                return method(*args)
            if self.after:
                method(*args)
            raise StorageUnavailable("crash")

        return call


def crashes(world: World, run: Callable[[], Any]) -> Iterator[str]:
    """Run with a crash at the first call to the prekeys, then at the second and so on, until one run ends."""
    faulty = Faulty(world.prekeys)
    world.prekeys = faulty
    for after in (False, True):
        for place in range(1, 1_000):
            faulty.place, faulty.calls, faulty.after = place, 0, after
            try:
                run()
            except StorageUnavailable:
                faulty.place = -1
                yield f"call {place}, {'after' if after else 'before'}"
            else:
                break
    faulty.place = -1
