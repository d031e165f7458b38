"""What the frames on the sockets of devices tell: attempts, answers, acks, drains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.checker.observed import Ack, Attempt, Device, Drain, History, Name, account_of

Frame = Mapping[str, Any]


class Socket:
    """One socket of a device: matches answers with frames."""

    def __init__(self, history: History, device: Device) -> None:
        self._history = history
        self._device = device
        self._attempts: dict[str, list[Attempt]] = {}
        self._acks: dict[str, list[Ack]] = {}
        self._pages: dict[str, Drain] = {}
        self._drain: Drain | None = None

    def sent(self, frame: Frame, time: int) -> None:
        """Take in a frame that left."""
        ref = str(frame.get("ref", ""))
        if frame.get("action") == "send":
            self._attempts[ref] = [self._attempt(message, time) for message in frame.get("messages", ())]
        elif frame.get("action") == "sync":
            self._sync(frame, ref, time)
        acks = []
        for name in _acknowledged(frame.get("ack") or {}):
            ack = Ack(time)
            self._device.acks.setdefault(name, []).append(ack)
            acks.append(ack)
        if acks and frame.get("action") != "ack":
            self._acks[ref] = acks

    def received(self, frame: Frame, time: int) -> None:
        """Take in a frame that came."""
        ref = str(frame.get("ref") or "")
        names = [self._event(event, time) for event in frame.get("events", ()) if _is_message(event)]
        drain = self._pages.pop(ref, None)
        if drain is not None and "error" not in frame:
            drain.names.update(dict.fromkeys(names, time))
            if "caught_up" in frame:
                drain.done = time
        if "previous_connect" in frame:
            self._device.previous_connects.append((time, int(frame["previous_connect"])))
        acks = self._acks.pop(ref, ())
        if "error" not in frame and "ack_error" not in frame:
            for ack in acks:
                ack.confirmed = time
        self._answer(self._attempts.pop(ref, ()), frame, time)

    def _attempt(self, message: Frame, time: int) -> Attempt:
        sender, to = self._device.address, str(message["to"])
        texts = {f"{to}:{device}": str(text) for device, text in message["devices"].items()}
        own = {
            f"{self._device.account}:{device}": str(text) for device, text in message.get("own", {}).items()
        }
        texts |= own
        history, name = self._history, (str(message["id"]), sender)
        sealed = history.sealed.get(name)
        logical = sealed.logical if sealed else ""
        attempt = Attempt(name, to, logical, time, texts)
        history.attempts[attempt.name].append(attempt)
        if logical in history.messages:
            history.messages[logical].attempts.append(attempt)
        history.wrote.setdefault((self._device.account, to), time)
        return attempt

    def _sync(self, frame: Frame, ref: str, time: int) -> None:
        if "token" not in frame or self._drain is None:
            self._drain = Drain(time, int(frame.get("mark", 0)), {_name(n) for n in frame.get("have", ())})
            if "token" not in frame:
                self._device.drains.append(self._drain)
        self._pages[ref] = self._drain

    def _event(self, event: Frame, time: int) -> Name:
        name = (str(event["id"]), str(event["sender"]))
        self._device.received.setdefault(name, time)
        self._device.bytes_in.setdefault((name, str(event["ciphertext"])), time)
        return name

    def _answer(self, attempts: Iterable[Attempt], frame: Frame, time: int) -> None:
        results = {str(result.get("id")): result for result in frame.get("results", ())}
        for attempt in attempts:
            result = results.get(attempt.name[0], frame)
            attempt.end = time
            attempt.accepted = result.get("accepted") is True
            attempt.code = str((result.get("error") or {}).get("code", ""))
            if attempt.accepted:
                self._history.surely_accepted.add((account_of(attempt.name[1]), attempt.to))


def _is_message(event: object) -> bool:
    return isinstance(event, dict) and event.get("type") == "message"


def _name(pair: Any) -> Name:
    return str(pair[0]), str(pair[1])


def _acknowledged(ack: Frame) -> list[Name]:
    """Every message that an `ack` names, once; stored receipts have names with a slash and are left out."""
    lists = [ack.get("delivered", ()), *ack.get("read", {}).values(), ack.get("quiet", ())]
    names = dict.fromkeys(_name(pair) for entries in lists for pair in entries)
    return [name for name in names if "/" not in name[1]]
