"""Ways to break a correct history, each the mark of one broken promise.

A way changes a copy of the records in place; it says False where the history holds nothing to break.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.faults.checker.delivery import must_reach
from tests.faults.checker.observed import Attempt, Device, History, Message
from tests.faults.checker.reading import observe
from tests.faults.history import Record

Breaker = Callable[["Draft"], bool]

WAYS: list[tuple[str, Breaker]] = []
"""(invariant, way)"""


def breaks(invariant: str) -> Callable[[Breaker], Breaker]:
    """Register a way to break this invariant, and no other."""

    def register(way: Breaker) -> Breaker:
        WAYS.append((invariant, way))
        return way

    return register


class Draft:
    """A history that is being changed, and what the checker makes of the unchanged one."""

    def __init__(self, records: list[Record], seed: int) -> None:
        self.records = copy.deepcopy(records)
        self.history: History = observe(self.records)
        self.rng = random.Random(seed)

    def of(self, kind: str, who: str = "") -> list[Record]:
        """Records of a kind, of one writer or of all."""
        return [record for record in self.records if record["kind"] == kind and who in ("", record["who"])]

    def pick(self, candidates: Iterator[Any]) -> Any:
        """One of them, or None."""
        found = list(candidates)
        return self.rng.choice(found) if found else None

    def insert(self, time: int, *records: Record) -> None:
        """Add records right after that time; whole milliseconds are taken, so there is room between them."""
        for offset, record in enumerate(records, 1):
            record["t"] = time + offset
        self.records.extend(records)
        self.records.sort(key=lambda record: int(record["t"]))

    def remove(self, unwanted: Callable[[Record], bool]) -> None:
        """Take records out."""
        self.records = [record for record in self.records if not unwanted(record)]

    def entries(self, device: Device) -> list[dict[str, Any]]:
        """The final state of a device, to be changed."""
        entries: list[dict[str, Any]] = self.of("final", device.address)[-1]["messages"]
        return entries

    def entry(self, device: Device, message: Message) -> dict[str, Any]:
        """A message there."""
        return next(entry for entry in self.entries(device) if entry["logical"] == message.logical)

    def server(self) -> Record:
        """The server's end, to be changed."""
        return self.of("server")[-1]

    def sound_devices(self) -> Iterator[Device]:
        """Devices whose store was never set back, at the end of the run."""
        yield from (device for device in self.history.final_devices() if not device.resets)

    def deliveries(self) -> Iterator[tuple[Device, Message, Attempt]]:
        """Messages at devices that must have them."""
        for message in self.history.messages.values():
            for address, attempt in must_reach(self.history, message).items():
                device = self.history.devices.get(address)
                if device is not None and device.final is not None and not device.resets:
                    yield device, message, attempt

    def sent(self) -> Iterator[tuple[Device, Message]]:
        """Accepted messages at their sound senders."""
        for device in self.sound_devices():
            for message in self.history.messages_of.get(device.address, ()):
                if message.accepted:
                    yield device, message

    def statuses(self, device: Device, message: Message) -> list[Record]:
        """What its sender was told of a message."""
        return [
            record for record in self.of("status", device.address) if record["logical"] == message.logical
        ]

    def rename(self, one: str, other: str) -> None:
        """Exchange two ids everywhere, and display by the new ones."""
        text = json.dumps(self.records).replace(one, "\0").replace(other, one).replace("\0", other)
        self.records = json.loads(text)
        for record in self.of("final"):
            record["messages"].sort(
                key=lambda entry: (entry["conversation"], entry["id"] or "~", entry["sender"])
            )


def _place(entry: dict[str, Any]) -> tuple[str, str, str]:
    """Where a device displays it."""
    return entry["conversation"], entry["id"] or "~", entry["sender"]
