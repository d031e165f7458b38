"""What the injections share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.device import DeviceGone, DeviceProcess, DeviceRefused
from tests.faults.world import World

Detail = dict[str, Any]

LOST = (DeviceGone, DeviceRefused)
"""What befalls who asks a device that something else has just killed or closed."""


@contextmanager
def recorded(run: World, name: str, detail: Detail) -> Iterator[Detail]:
    """Record begin and end of a fault. What is put into the yielded dict stands in the end's detail."""
    run.fault(name, "begin", detail)
    outcome = dict(detail)
    try:
        yield outcome
    finally:
        run.fault(name, "end", outcome)


def usable(run: World) -> list[DeviceProcess]:
    """The devices that run and belong to their accounts."""
    return [device for device in run.devices if device.alive and not device.removed]
