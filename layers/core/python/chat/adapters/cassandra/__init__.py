"""Storage on Amazon Keyspaces or Apache Cassandra: ``docs/storage.md`` has the rules.

Importing any of it loads the driver, without what the driver loads and nobody here uses. That is a good third
of its time: a parser of e-mails, asyncio, an HTTP client, processes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def _stand_in(name: str, **holds: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(holds)
    return module


_INSTEAD: dict[str, ModuleType | None] = {
    # Loads asyncio by way of `deprecated`, and only then finds that there is no Twisted. None: not there.
    "cassandra.io.twistedreactor": None,
    # Asked for the driver's own version, which goes into a table of the server for people to read.
    "importlib.metadata": _stand_in("importlib.metadata", version=lambda _: "unstated"),
    # Reads the bundle of a hosted service, by which the driver also asks whether it talks to it.
    "cassandra.datastax.cloud": _stand_in("cloud", DATASTAX_CLOUD_PRODUCT_TYPE="DATASTAX_APOLLO"),
    # Reports to another product of that vendor; `new_cluster` has it off.
    "cassandra.datastax.insights.reporter": _stand_in("reporter", MonitorReporter=None),
}


@contextmanager
def _a_lean_driver() -> Iterator[None]:
    """The stand-ins are there meanwhile, for what nobody has loaded before, and then leave no trace."""
    absent = [name for name in _INSTEAD if name not in sys.modules]
    metadata = getattr(importlib, "metadata", None)
    for name in absent:
        sys.modules[name] = _INSTEAD[name]  # type: ignore[assignment]
    if "importlib.metadata" in absent:
        importlib.metadata = _INSTEAD["importlib.metadata"]  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        if metadata is None:
            del importlib.metadata


with _a_lean_driver():
    importlib.import_module("cassandra.cluster")
