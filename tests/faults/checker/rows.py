"""I8 and I12: rows of the server go when they should, and stay gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from tests.faults.checker.observed import Device, Drain, History, Name, milliseconds_of, short
from tests.faults.checker.violation import Violation
from tests.faults.checker.windows import NEVER


def ack_stability(history: History) -> list[Violation]:
    """I8: what a device acknowledged is in no later drain, unless its sender put it on the wire again.

    That an acknowledgement was served shows in the answer of the frame that it rode on, or in a complete
    drain after it that has the row no more. In the end no device that is there has a message left.
    """
    found = [
        Violation("I8", f"{device} was given {name[0]} again at {history.at(time)}, after its ack was served")
        for device in history.devices.values()
        for name, time in _Rows(history, device).came_back()
    ]
    ended = {device.address for device in history.final_devices() if not device.removed}
    for row in (history.server or {}).get("inbox", ()):
        name, address = (row["id"], row["sender"]), row["device"]
        is_receipt = "/" in name[1]
        if address in ended and not is_receipt and not _may_land_after(history, name, NEVER):
            found.append(Violation("I8", f"the inbox of {short(address)} still holds {name[0]}"))
    return found


def connections(history: History) -> list[Violation]:
    """I12: in the end a live socket has its row; a device has one and no other, a removed one has none."""
    if history.server is None or not history.healed:
        return []
    alive = set(history.server["sockets"])
    rows: dict[str, list[str]] = defaultdict(list)
    for row in history.server["connections"]:
        rows[f"{row['account']}:{row['device']}"].append(row["connection_id"])
    known = {connection_id for ids in rows.values() for connection_id in ids}
    found = [Violation("I12", f"the live socket {socket} has no row") for socket in sorted(alive - known)]
    for address, ids in rows.items():
        live = [connection_id for connection_id in ids if connection_id in alive]
        if len(live) > 1:
            found.append(Violation("I12", f"{short(address)} has {len(live)} live sockets"))
        elif live and len(ids) > 1:
            found.append(Violation("I12", f"{short(address)} has rows of {len(ids) - 1} dead sockets, too"))
        if live and history.device(address).surely_removed:
            found.append(Violation("I12", f"{short(address)} was removed and has a live socket"))
    return found


class _Rows:
    """What one device knows of its inbox rows, followed through time."""

    def __init__(self, history: History, device: Device) -> None:
        self._history = history
        self._device = device
        self._asked: dict[Name, int] = {}
        """Acknowledged, and nothing shows yet that it was served: when the ack left."""
        self._gone: dict[Name, int] = {}
        """Served: when the ack left."""
        self._back: list[tuple[Name, int]] = []

    def came_back(self) -> list[tuple[Name, int]]:
        """Names that a drain brought though their row was surely gone when it began, and the times."""
        steps: list[tuple[int, Callable[[], None]]] = []
        for name, acks in self._device.acks.items():
            for ack in acks:
                steps.append((ack.out, lambda name=name, ack=ack: self._ask(name, ack.out)))  # type: ignore[misc]
                if ack.confirmed < NEVER:
                    steps.append((ack.confirmed, lambda name=name: self._serve(name)))  # type: ignore[misc]
        for drain in self._device.drains:
            steps.append((drain.out, lambda drain=drain: self._compare(drain)))  # type: ignore[misc]
            if drain.done < NEVER:
                steps.append((drain.done, lambda drain=drain: self._learn(drain)))  # type: ignore[misc]
        for _, step in sorted(steps, key=lambda step: step[0]):
            step()
        return self._back

    def _ask(self, name: Name, time: int) -> None:
        if name not in self._gone:
            self._asked.setdefault(name, time)

    def _serve(self, name: Name) -> None:
        if name in self._asked:
            self._gone[name] = self._asked.pop(name)

    def _compare(self, drain: Drain) -> None:
        for name, time in drain.names.items():
            ack_out = self._gone.pop(name, None)
            if ack_out is not None and not _may_land_after(self._history, name, ack_out):
                self._back.append((name, time))

    def _learn(self, drain: Drain) -> None:
        """A complete drain shows which rows are gone; it skips those below its mark or in its `have`."""
        absent = [
            name
            for name, ack_out in self._asked.items()
            if ack_out <= drain.out
            and name not in drain.names
            and name not in drain.have
            and milliseconds_of(name[0]) >= drain.mark
        ]
        for name in absent:
            self._gone[name] = self._asked.pop(name)


def _may_land_after(history: History, name: Name, time: int) -> bool:
    """Whether some attempt under this name may have written its rows at or after that time."""
    return any(attempt.landed_by >= time for attempt in history.attempts.get(name, ()))
