"""I15 and I16: sessions stay in step, and a store that was set back says so."""

from __future__ import annotations

from tests.faults.checker.envelopes import UNKEYED, look
from tests.faults.checker.observed import Device, History, Name, Reset, short
from tests.faults.checker.violation import Violation


def readable(history: History) -> list[Violation]:
    """I15: a device can read what it gets, unless a store was set back or its keys were not there yet.

    Who was removed may ask for no sender's keys any more: what came before it knew is not readable either.
    """
    return [
        Violation("I15", f"{device} cannot read {name[0]} of {short(name[1])}")
        for device in history.devices.values()
        for name in device.unread
        if not _may_be_unreadable(history, device, name)
    ]


def rollback_is_told(history: History) -> list[Violation]:
    """I16: a device that connected after its copy was made tells of it; nobody else tells of such a thing."""
    found = [
        Violation("I16", f"{device} says that its store was set back")
        for device in history.devices.values()
        if device.told_of_rollback and not device.resets
    ]
    for device in history.final_devices():
        if not device.resets or device.copied or device.removed:
            continue
        last = device.resets[-1]
        if was_found_out(device, last) and not any(told > last.at for told in device.told_of_rollback):
            found.append(Violation("I16", f"{device} does not say that its store was set back"))
    return found


def was_found_out(device: Device, last: Reset) -> bool:
    """Whether the first page after the return told of a connect that the copy did not know.

    A connect that ended before its first page hides the one before it: then nobody finds out.
    """
    before = {number for opened, number in device.sockets if opened < last.at}
    previous = next((number for time, number in device.previous_connects if time > last.at), 0)
    return previous > last.newest_connect and previous in before


def _may_be_unreadable(history: History, device: Device, name: Name) -> bool:
    sender = history.device(name[1])
    if not sender.starts or any(one.resets or one.removed for one in (device, sender)):
        return True
    envelopes = (attempt.ciphertexts.get(device.address, "") for attempt in history.attempts.get(name, ()))
    return any(look(text).type == UNKEYED for text in envelopes)
