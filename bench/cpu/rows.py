"""A measured call, and the fixed work that it is compared with."""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CALIBRATE_EVERY = 5
"""Calls between two runs of the fixed work: both then meet the same neighbours on a busy machine."""

_DOCUMENT = {
    "action": "send",
    "messages": [{"id": f"{i:032x}", "devices": {"1": "A" * 344}} for i in range(10)],
}


@dataclass(frozen=True, slots=True)
class Row:
    """Medians of one kind of call, in ms.

    ``cpu`` is the whole process, the driver's thread included. ``units`` is ``cpu`` in runs of
    :func:`fixed_work`: the number to compare between machines and between moments of a busy one.
    """

    name: str
    wall: float
    cpu: float
    units: float
    calls: int


def fixed_work() -> None:
    """About 0.2 ms of what handlers do most: JSON both ways, digests, small objects."""
    for _ in range(4):
        text = json.dumps(_DOCUMENT, separators=(",", ":"))
        found = json.loads(text)
        hashlib.sha256(text.encode()).hexdigest()
        sorted((m["id"], tuple(m["devices"].items())) for m in found["messages"])


def measured(name: str, call: Callable[[], object], prepare: Callable[[], object], calls: int) -> Row:
    """Call ``call`` so often, each time after ``prepare``, which is not measured."""
    wall, cpu, work = [], [], []
    for number in range(calls):
        if number % CALIBRATE_EVERY == 0:
            began = time.process_time()
            fixed_work()
            work.append(time.process_time() - began)
        prepare()
        wall_began, cpu_began = time.perf_counter(), time.process_time()
        call()
        cpu.append(time.process_time() - cpu_began)
        wall.append(time.perf_counter() - wall_began)
    return row(name, wall, cpu, work)


def row(name: str, wall: Sequence[float], cpu: Sequence[float], work: Sequence[float]) -> Row:
    """The medians of what was measured in seconds."""
    middle = statistics.median(cpu)
    return Row(
        name, statistics.median(wall) * 1000, middle * 1000, middle / statistics.median(work), len(cpu)
    )
