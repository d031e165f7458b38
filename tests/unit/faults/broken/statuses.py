"""Ways to break I9: statuses that fall, lie, or never come."""

from __future__ import annotations

from typing import Any

from tests.faults.history import Record
from tests.unit.faults.broken.draft import Draft, breaks
from tests.unit.faults.broken.rows import last_frame


def _told(draft: Draft, status: str) -> Any:
    return draft.pick(
        (device, message, record)
        for device, message in draft.sent()
        for record in draft.statuses(device, message)
        if record["status"] == status
    )


def _move(draft: Draft, record: Record, time: int) -> None:
    draft.records.remove(record)
    draft.insert(time - 10, record)


@breaks("I9")
def a_receipt_comes_before_the_ack(draft: Draft) -> bool:
    """`delivered` is told before any device of the recipient acknowledged."""
    found = _told(draft, "delivered")
    if found is None:
        return False
    _, message, record = found
    acks = [
        ack.out
        for other in draft.history.devices.values()
        if other.account == message.to
        for attempt in message.attempts
        for ack in other.acks.get(attempt.name, ())
    ]
    _move(draft, record, min(acks))
    return True


@breaks("I9")
def sent_is_told_before_it_was_accepted(draft: Draft) -> bool:
    """The server's answer comes later."""
    found = _told(draft, "sent")
    if found is None:
        return False
    _, message, record = found
    _move(draft, record, min(attempt.end for attempt in message.attempts if attempt.accepted))
    return True


@breaks("I9")
def a_status_goes_back(draft: Draft) -> bool:
    """`delivered`, then `sent`."""
    found = _told(draft, "delivered")
    if found is None:
        return False
    device, message, record = found
    last = draft.statuses(device, message)[-1]
    draft.insert(last["t"], {**record, "status": "sent", "cursor": last["cursor"] + 1_000})
    return True


@breaks("I9")
def a_sent_message_fails(draft: Draft) -> bool:
    """`sent`, then `failed`."""
    found = _told(draft, "sent")
    if found is None:
        return False
    device, message, record = found
    last = draft.statuses(device, message)[-1]
    draft.insert(last["t"], {**record, "status": "failed", "cursor": last["cursor"] + 1_000})
    return True


@breaks("I9")
def a_message_fails_without_a_reason(draft: Draft) -> bool:
    """Nothing final was ever answered."""
    found = draft.pick(
        (device, message)
        for device, message in draft.sent()
        if {attempt.code for attempt in message.attempts} == {""}
        and any(d.final is not None for d in draft.history.devices.values() if d.account == message.to)
    )
    if found is None:
        return False
    device, message = found
    statuses = draft.statuses(device, message)
    draft.remove(lambda record: record in statuses)
    time = max(attempt.end for attempt in message.attempts if attempt.accepted)
    common = {"kind": "status", "who": device.address, "cursor": 9_999, "logical": message.logical}
    draft.insert(time, {**common, "status": "failed"})
    draft.entry(device, message)["status"] = "failed"
    return True


@breaks("I9")
def read_is_told_of_what_nobody_read(draft: Draft) -> bool:
    """No application of the recipient said so."""
    found = draft.pick(
        (device, message, record)
        for device, message in draft.sent()
        for record in draft.statuses(device, message)
        if record["status"] == "delivered"
        and draft.entry(device, message)["status"] == "delivered"
        and not any(message.logical in other.reads for other in draft.history.devices.values())
    )
    if found is None:
        return False
    found[2]["status"] = "read"
    draft.entry(found[0], found[1])["status"] = "read"
    return True


@breaks("I9")
def a_stranger_gives_a_receipt(draft: Draft) -> bool:
    """The recipient never wrote to the sender, nor accepted it."""
    found = draft.pick(
        (device, message)
        for device, message in draft.sent()
        if (message.to, message.account) not in draft.history.wrote
        and draft.entry(device, message)["status"] == "sent"
        and any(
            attempt.name in other.acks
            for attempt in message.attempts
            for other in draft.history.devices.values()
            if other.account == message.to
        )
    )
    if found is None:
        return False
    device, message = found
    common = {"kind": "status", "who": device.address, "cursor": 9_999, "logical": message.logical}
    draft.insert(last_frame(draft, device)["t"], {**common, "status": "delivered"})
    draft.entry(device, message)["status"] = "delivered"
    return True


@breaks("I9")
def a_receipt_is_lost_for_good(draft: Draft) -> bool:
    """The recipient accepted the sender and has the message, and the sender never hears of it."""
    found = draft.pick(
        (device, message)
        for device, message in draft.sent()
        if not draft.history.ever_blocked(*message.pair)
        and (message.to, message.account) in draft.history.surely_accepted
        and not any(d.removed for d in draft.history.devices.values() if d.account == message.to)
        and any(d.account == message.to for d, m, _ in draft.deliveries() if m is message)
    )
    if found is None:
        return False
    device, message = found
    above = [r for r in draft.statuses(device, message) if r["status"] in ("delivered", "read")]
    draft.remove(lambda record: record in above)
    draft.entry(device, message)["status"] = "sent"
    return True


@breaks("I9")
def a_device_acknowledges_what_it_never_got(draft: Draft) -> bool:
    """The ack leaves before the message comes."""
    found = draft.pick(
        (device, attempt)
        for device, _, attempt in draft.deliveries()
        if any(r["t"] < attempt.out for r in draft.of("frame", device.address))
    )
    if found is None:
        return False
    device, attempt = found
    socket = next(r["socket"] for r in draft.of("frame", device.address))
    frame = {"action": "ack", "ref": "early", "ack": {"quiet": [list(attempt.name)]}}
    common = {"kind": "frame", "who": device.address, "socket": socket, "way": "out"}
    draft.insert(attempt.out - 10, {**common, "frame": frame})
    return True
