"""I9: a status moves up only, tells the truth, and gets to `delivered` in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.faults.checker.delivery import must_reach
from tests.faults.checker.observed import MAY_STILL_LAND, Device, History, Message
from tests.faults.checker.violation import Violation
from tests.faults.checker.windows import NEVER

RANKS = {"pending": 0, "failed": 0, "sent": 1, "delivered": 2, "read": 3}

MAY_PASS = MAY_STILL_LAND | {
    "EARLIER_REFUSED",
    "RATE_LIMITED",
    "DEVICE_LIST_STALE",
    "ID_STALE",
    "ID_AHEAD",
    "ID_ORDER",
}
"""Answers that are no reason to give a message up."""


def truthful(history: History) -> list[Violation]:
    """I9: statuses rise; `sent`, `delivered` and `read` happened before they are told; `delivered` comes."""
    proofs = _Proofs(history)
    found: list[Violation] = []
    for device in history.devices.values():
        found.extend(_rising(device))
        for record in device.statuses:
            message = history.messages.get(record["logical"])
            problem = "nobody sent it" if message is None else proofs.missing(message, device, record)
            if problem:
                found.append(
                    Violation("I9", f"{device} says {record['status']} of {record['logical'][:8]}: {problem}")
                )
        for name, acks in device.acks.items():
            if device.received.get(name, NEVER) > acks[0].out:
                found.append(Violation("I9", f"{device} acknowledged {name[0]} before it got it"))
    found.extend(_converging(history))
    return found


def _rising(device: Device) -> Iterator[Violation]:
    """Violations of the order: by time, and at last in the final state."""
    last: dict[str, dict[str, Any]] = {}
    for record in device.statuses:
        logical, status = record["logical"], record["status"]
        before = last.get(logical)
        if before is not None and not device.forgot(before["t"]):
            if record["cursor"] <= before["cursor"]:
                continue  # shown again after a restart
            if before["status"] != "failed" and RANKS[status] <= RANKS[before["status"]]:
                yield Violation("I9", f"{device} saw {logical[:8]} go from {before['status']} to {status}")
        last[logical] = record
    for entry in device.final or ():
        before = last.get(entry["logical"])
        if before is None or device.forgot(before["t"]):
            continue
        if RANKS[entry["status"]] < RANKS[before["status"]]:
            yield Violation(
                "I9", f"{device} ends with {entry['logical'][:8]} {entry['status']} after {before['status']}"
            )


class _Proofs:
    """When each step of a message became true, as far as the devices saw."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._acked: dict[str, list[int]] = {}
        """Logical id -> when devices of the recipient acknowledged it."""
        self._read: dict[str, int] = {}
        for device in history.devices.values():
            for name, acks in device.acks.items():
                message = history.message_of(name)
                if message is not None and device.account == message.to:
                    self._acked.setdefault(message.logical, []).extend(ack.out for ack in acks)
            for logical, time in device.reads.items():
                message = history.messages.get(logical)
                if message is not None and device.account == message.to:
                    self._read[logical] = min(time, self._read.get(logical, NEVER))

    def missing(self, message: Message, device: Device, record: dict[str, Any]) -> str:
        """What had not happened yet when the status was told; "" if it is true."""
        time, status = record["t"], record["status"]
        if status == "failed":
            return self._unjust_failure(message)
        if status == "sent":
            accepted = (attempt.end for attempt in message.attempts if attempt.accepted)
            return "" if min(accepted, default=NEVER) <= time else "the server had not accepted it"
        acks = [out for out in self._acked.get(message.logical, ()) if out <= time]
        if not acks:
            return "no device of the recipient had acknowledged it"
        if status == "read" and self._read.get(message.logical, NEVER) > time:
            return "nobody had read it"
        if self._history.wrote.get((message.to, message.account), NEVER) > time:
            return "the recipient had not accepted the sender"
        return "the recipient had blocked the sender" if self._kept_apart(message, acks, time) else ""

    def _unjust_failure(self, message: Message) -> str:
        codes = {attempt.code for attempt in message.attempts}
        sender_is_gone = self._history.device(message.sender).removed
        if codes - MAY_PASS or sender_is_gone or not _is_there(self._history, message.to):
            return ""
        return f"nothing final was answered, only {', '.join(sorted(filter(None, codes))) or 'nothing'}"

    def _kept_apart(self, message: Message, acks: list[int], time: int) -> bool:
        """Whether the recipient surely blocked the sender from each acknowledgement on until the status."""
        _, surely = self._history.blocked(message.to, message.account)
        return all(surely.cover(out, time) for out in acks)


def _converging(history: History) -> Iterator[Violation]:
    """Accepted messages whose sender never heard that they were delivered, though it had to.

    Not asked where either side blocked the other at some time, where the sender's store was set back, or
    where the recipient removed a device: a receipt may be lost, and the server answers for none of it.
    """
    shrunk = {device.account for device in history.devices.values() if device.removed}
    for device in history.final_devices():
        if device.resets or device.removed:
            continue
        entries = {entry["logical"]: entry for entry in device.final or () if entry["outgoing"]}
        for message in history.messages_of.get(device.address, ()):
            entry = entries.get(message.logical)
            if entry is None or entry["status"] != "sent":
                continue
            if message.to in shrunk or history.ever_blocked(message.account, message.to):
                continue
            if (message.to, message.account) not in history.surely_accepted:
                continue
            if any(_can_receive(history, address, message) for address in must_reach(history, message)):
                yield Violation("I9", f"{device} never heard that {message} was delivered")


def _can_receive(history: History, address: str, message: Message) -> bool:
    device = history.devices.get(address)
    return (
        device is not None
        and device.account == message.to
        and device.final is not None
        and not device.removed
    )


def _is_there(history: History, account: str) -> bool:
    return any(
        device.account == account and not device.removed and device.final is not None
        for device in history.devices.values()
    )
