"""Ways to break I2 and I3: what nobody sent, what somebody else should have, what comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.faults.checker.observed import Attempt, Message
from tests.faults.history import Record
from tests.unit.faults.broken.draft import Draft, breaks


def _shown(draft: Draft) -> Record | None:
    shown: Record | None = draft.pick(iter(draft.of("shown")))
    return shown


@breaks("I2")
def a_stranger_gets_a_message(draft: Draft) -> bool:
    """A device of a third account is shown it."""
    record = _shown(draft)
    if record is None:
        return False
    message = draft.history.messages[record["logical"]]
    stranger = draft.pick(
        device for device in draft.history.devices.values() if device.account not in message.pair
    )
    if stranger is None:
        return False
    draft.insert(record["t"], {**record, "who": stranger.address, "cursor": 9_999})
    return True


@breaks("I2")
def a_sender_gets_its_own_message(draft: Draft) -> bool:
    """The sending device is shown what it sent."""
    record = _shown(draft)
    if record is None:
        return False
    draft.insert(record["t"], {**record, "who": record["sender"], "cursor": 9_999, "own_copy": True})
    return True


@breaks("I2")
def a_text_is_changed(draft: Draft) -> bool:
    """Another text is shown than was sent."""
    record = _shown(draft)
    if record is None:
        return False
    record["body"] += "!"
    return True


@breaks("I2")
def bytes_are_changed_on_the_way(draft: Draft) -> bool:
    """An event carries another ciphertext than the sender encrypted for this device."""
    event = draft.pick(_events(draft))
    if event is None:
        return False
    event["ciphertext"] = "AAAA" + event["ciphertext"][4:]
    return True


@breaks("I2")
def a_device_receives_what_was_not_sent_to_it(draft: Draft) -> bool:
    """An event on the socket of a third account."""
    found = draft.pick(
        (record, event, socket)
        for record, event in _events_with_frames(draft)
        for socket in _sockets(draft)
        if socket["who"].partition(":")[0] not in (event["to"], event["sender"].partition(":")[0])
    )
    if found is None:
        return False
    record, event, socket = found
    leak = {**record, "who": socket["who"], "socket": socket["socket"], "frame": {"events": [event]}}
    draft.insert(record["t"], leak)
    return True


@breaks("I2")
def nobody_sent_what_is_shown(draft: Draft) -> bool:
    """A logical id that no application knows."""
    record = _shown(draft)
    if record is None:
        return False
    draft.insert(record["t"], {**record, "logical": "f" * 32, "cursor": 9_999})
    return True


@breaks("I2")
def another_device_is_named_as_sender(draft: Draft) -> bool:
    """The right account, the wrong device."""
    record = _shown(draft)
    if record is None:
        return False
    record["sender"] = record["account"] + ":99"
    return True


@breaks("I2")
def a_block_does_not_hold(draft: Draft) -> bool:
    """A message that was sent while its recipient blocked the sender is shown."""
    message = draft.pick(
        message
        for device, message, attempt in draft.deliveries()
        if device.account == message.to
        and len(message.attempts) == 1
        and not draft.history.ever_blocked(*message.pair)
        and not _receipt_inside(draft, message, attempt)
    )
    if message is None:
        return False
    call = {"kind": "relation", "who": f"{message.to}:1", "account": message.to, "peer": message.account}
    block, unblock = {**call, "what": "block"}, {**call, "what": "unblock"}
    (attempt,) = message.attempts
    draft.insert(attempt.out - 10, {**block, "phase": "invoke"}, {**block, "phase": "ok"})
    draft.insert(attempt.end, {**unblock, "phase": "invoke"}, {**unblock, "phase": "ok"})
    return True


def _receipt_inside(draft: Draft, message: Message, attempt: Attempt) -> bool:
    return any(
        attempt.out <= record["t"] <= attempt.end + 10
        for record in draft.of("status")
        if record["logical"] == message.logical
    )


def _events_with_frames(draft: Draft) -> Iterator[tuple[Record, dict[str, Any]]]:
    for record in draft.of("frame"):
        if record["way"] == "in":
            for event in record["frame"].get("events", ()):
                if event["type"] == "message":
                    yield record, event


def _events(draft: Draft) -> Iterator[dict[str, Any]]:
    return (event for _, event in _events_with_frames(draft))


def _sockets(draft: Draft) -> list[Record]:
    return list({record["socket"]: record for record in draft.of("frame")}.values())


@breaks("I3")
def a_message_is_shown_twice(draft: Draft) -> bool:
    """At two cursors."""
    record = draft.pick(r for r in draft.of("shown") if not draft.history.devices[r["who"]].resets)
    if record is None:
        return False
    draft.insert(record["t"], {**record, "cursor": record["cursor"] + 1_000})
    return True


@breaks("I3")
def a_message_is_shown_again_without_a_restart(draft: Draft) -> bool:
    """At the same cursor, by the same process."""
    record = draft.pick(r for r in draft.of("shown") if not draft.history.devices[r["who"]].resets)
    if record is None:
        return False
    draft.insert(record["t"], dict(record))
    return True


@breaks("I3")
def a_message_is_stored_twice(draft: Draft) -> bool:
    """The history has it two times."""
    found = draft.pick((device, message) for device, message, _ in draft.deliveries())
    if found is None:
        return False
    entries, entry = draft.entries(found[0]), draft.entry(*found)
    entries.insert(entries.index(entry), dict(entry))
    return True
