"""Ways to break I8 and I12, rows of the server; and histories that prove nothing."""

from __future__ import annotations

from typing import Any

from tests.faults.checker.observed import Device
from tests.faults.checker.windows import NEVER
from tests.faults.history import Record
from tests.unit.faults.broken.draft import Draft, breaks


def _again(draft: Draft, device: Device, name: tuple[str, str], after: int, socket: str) -> None:
    message = draft.history.message_of(name)
    assert message is not None
    event = {
        "type": "message",
        "id": name[0],
        "sender": name[1],
        "to": message.to,
        "ciphertext": draft.history.attempts[name][0].ciphertexts[device.address],
    }
    frame = {"kind": "frame", "who": device.address, "socket": socket}
    caught_up = {"ref": "again", "events": [event], "caught_up": {}}
    draft.insert(
        after,
        {**frame, "way": "out", "frame": {"action": "sync", "ref": "again"}},
        {**frame, "way": "in", "frame": caught_up},
    )


def _answered_for_good(draft: Draft, name: tuple[str, str]) -> bool:
    attempts = draft.history.attempts[name]
    return all(attempt.landed_by < NEVER for attempt in attempts)


def last_frame(draft: Draft, device: Device) -> Record:
    """The last one on its sockets."""
    return draft.of("frame", device.address)[-1]


@breaks("I8")
def a_row_comes_back_though_a_drain_showed_it_gone(draft: Draft) -> bool:
    """An ack, a complete drain without the row, a drain with it."""
    found = draft.pick(
        (device, name)
        for device in draft.sound_devices()
        for name, acks in device.acks.items()
        if _answered_for_good(draft, name)
        and max(attempt.landed_by for attempt in draft.history.attempts[name]) < acks[0].out
        and any(acks[0].out < d.out and d.done < NEVER and name not in d.names for d in device.drains)
    )
    if found is None:
        return False
    device, name = found
    last = last_frame(draft, device)
    _again(draft, device, name, last["t"], last["socket"])
    return True


@breaks("I8")
def a_row_comes_back_though_its_ack_was_answered(draft: Draft) -> bool:
    """The ack rode on a frame whose answer says nothing against it."""
    found = draft.pick(
        (device, name, ack)
        for device in draft.sound_devices()
        for name, acks in device.acks.items()
        for ack in acks
        if ack.confirmed < NEVER
        and _answered_for_good(draft, name)
        and max(attempt.landed_by for attempt in draft.history.attempts[name]) < acks[0].out
    )
    if found is None:
        return False
    device, name, ack = found
    socket = next(r["socket"] for r in draft.of("frame", device.address) if r["t"] == ack.confirmed)
    _again(draft, device, name, ack.confirmed, socket)
    return True


@breaks("I8")
def a_row_is_left_in_the_end(draft: Draft) -> bool:
    """All devices drained, and an inbox holds a message that was acknowledged."""
    found = draft.pick(
        (device, name)
        for device in draft.sound_devices()
        for name in device.acks
        if _answered_for_good(draft, name)
    )
    if found is None:
        return False
    device, name = found
    draft.server()["inbox"].append({"device": device.address, "id": name[0], "sender": name[1]})
    return True


def _live_row(draft: Draft) -> dict[str, Any]:
    server = draft.server()
    row: dict[str, Any] = next(
        row for row in server["connections"] if row["connection_id"] in server["sockets"]
    )
    return row


@breaks("I12")
def a_live_socket_has_no_row(draft: Draft) -> bool:
    """Nobody can reach it."""
    draft.server()["connections"].remove(_live_row(draft))
    return True


@breaks("I12")
def a_device_has_two_live_sockets(draft: Draft) -> bool:
    """The older one was not closed."""
    server = draft.server()
    server["connections"].append({**_live_row(draft), "connection_id": "second"})
    server["sockets"].append("second")
    return True


@breaks("I12")
def a_dead_row_survives_the_sync(draft: Draft) -> bool:
    """The device is online, and the row of an earlier socket is still there."""
    draft.server()["connections"].append({**_live_row(draft), "connection_id": "dead"})
    return True


@breaks("I12")
def a_removed_device_stays_online(draft: Draft) -> bool:
    """Its removal was answered, and its socket is open."""
    device = draft.pick(device for device in draft.history.devices.values() if device.surely_removed)
    if device is None:
        return False
    server, number = draft.server(), int(device.address.partition(":")[2])
    row = {**_live_row(draft), "account": device.account, "device": number, "connection_id": "removed"}
    server["connections"].append(row)
    server["sockets"].append("removed")
    return True


@breaks("history")
def a_device_leaves_no_final_state(draft: Draft) -> bool:
    """Nothing can be said about its end."""
    device = draft.pick(device for device in draft.sound_devices() if device.starts)
    if device is None:
        return False
    draft.remove(lambda record: record["kind"] == "final" and record["who"] == device.address)
    draft.server()["connections"], draft.server()["sockets"] = [], []
    return True


@breaks("history")
def a_run_was_never_healed(draft: Draft) -> bool:
    """What must hold in the end cannot be asked."""
    draft.remove(lambda record: record["kind"] == "healed")
    return True
