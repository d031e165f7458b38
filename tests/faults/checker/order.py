"""I5 to I7: in which order conversations stand in the end, on every device.

Judged is the order of display, of accepted messages: when a frame arrives is nobody's promise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.faults.checker.delivery import must_reach
from tests.faults.checker.observed import MAY_STILL_LAND, Device, History, Message
from tests.faults.checker.violation import Violation
from tests.faults.checker.windows import NEVER

Place = tuple[Message, dict[str, Any]]
"""A message where a device displays it."""


def sender_fifo(history: History) -> list[Violation]:
    """I5: two messages of one device stand in the order in which they were sent, one after the other."""
    return [
        Violation("I5", f"{device} displays {later} before {first}, which was sent before it")
        for device in history.final_devices()
        for conversation in _conversations(history, device)
        for first, later in _overtaken(history, conversation)
    ]


def causality(history: History) -> list[Violation]:
    """I6: what a device sent after it was shown a message stands behind that message, everywhere."""
    seen_at = _first_shown(history)
    found = []
    for device in history.final_devices():
        for conversation in _conversations(history, device):
            for answer, question in _before_its_cause(history, conversation, seen_at):
                found.append(
                    Violation(
                        "I6", f"{device} displays {answer} before {question}, which its sender had seen"
                    )
                )
    return found


def agreement(history: History) -> list[Violation]:
    """I7: devices agree on the order: each displays by (id, sender), and all know a message by one id."""
    found = []
    largest: dict[str, str] = {}
    for device in history.final_devices():
        for conversation in _conversations(history, device):
            for (one, before), (other, after) in pairwise(conversation):
                if (before["id"], one.sender) > (after["id"], other.sender):
                    found.append(Violation("I7", f"{device} displays {one} before {other} against their ids"))
            for message, entry in conversation:
                if not _knows_last_id(history, device, message):
                    continue
                known = largest.setdefault(message.logical, entry["id"])
                if known != entry["id"]:
                    found.append(
                        Violation("I7", f"{device} has {message} under {entry['id']}, others under {known}")
                    )
    return found


def _conversations(history: History, device: Device) -> list[list[Place]]:
    """The accepted messages of each conversation, as the device displays them."""
    grouped: dict[str, list[Place]] = defaultdict(list)
    for entry in device.final or ():
        message = history.messages.get(entry["logical"])
        if message is not None and message.accepted and entry["status"] not in ("pending", "failed"):
            grouped[entry["conversation"]].append((message, entry))
    return list(grouped.values())


def _overtaken(history: History, conversation: list[Place]) -> Iterator[tuple[Message, Message]]:
    """(first, later) where `later` is displayed first though `first` was sent before it was.

    A message is not held to its place where it may have arrived under an id before its last: a later one may
    have been delivered beside it then, and keeps the id that it had. But nothing excuses a later one that was
    accepted while the first was refused.
    """
    newest: dict[tuple[str, int], Message] = {}
    for message, _ in conversation:
        key = (message.sender, _period(history.device(message.sender), message.invoked))
        ahead = newest.get(key)
        overtaken = ahead is not None and _sent_by(history, message) < ahead.invoked
        if ahead is not None and overtaken and (not _moved(message) or _let_past(message, ahead)):
            yield message, ahead
        if ahead is None or ahead.invoked < message.invoked:
            newest[key] = message


def _moved(message: Message) -> bool:
    last = message.attempts[-1].name
    earlier = (attempt for attempt in message.attempts if attempt.name != last)
    return any(attempt.accepted or attempt.code in MAY_STILL_LAND for attempt in earlier)


def _let_past(first: Message, later: Message) -> bool:
    """Whether `later` was on the wire and accepted while `first` was, and was refused for certain."""
    refused = [attempt for attempt in first.attempts if attempt.code not in MAY_STILL_LAND]
    accepted = [attempt for attempt in later.attempts if attempt.accepted]
    return any(one.out <= other.out <= one.end for one in refused for other in accepted)


def _sent_by(history: History, message: Message) -> int:
    """When the message surely had its place in the outbox: a call cut by a crash ends with the next start."""
    if message.returned < NEVER:
        return message.returned
    starts = history.device(message.sender).starts
    index = bisect_right(starts, message.invoked)
    return starts[index] if index < len(starts) else NEVER


def _period(device: Device, time: int) -> int:
    """Sending times that can be compared: before the store was set back, lost with it, after.

    What two processes on copies of one store sent is not comparable at all: each message is a period of
    its own.
    """
    if device.copied and any(reset.hides(time) and reset.at == NEVER for reset in device.resets):
        return -time
    return sum((time >= reset.snapshot) + (time > reset.at) for reset in device.resets)


def _first_shown(history: History) -> dict[str, dict[str, int]]:
    """Device -> logical id -> when its application was first shown it, where its store still knew later."""
    return {
        device.address: {
            record["logical"]: record["t"]
            for record in reversed(device.shown)
            if not device.forgot(record["t"])
        }
        for device in history.devices.values()
    }


def _before_its_cause(
    history: History, conversation: list[Place], seen_at: dict[str, dict[str, int]]
) -> Iterator[tuple[Message, Message]]:
    """(answer, question) where the question is displayed behind the answer, though its sender had seen it.

    From the end of the display to its begin, with the earliest seen of what stands behind. A message that
    changed its id is no cause: it may have been seen under a lower one.
    """
    senders = {message.sender for message, _ in conversation}
    earliest: dict[str, tuple[int, Message]] = {}
    for message, _ in reversed(conversation):
        seen = earliest.get(message.sender)
        if seen is not None and seen[0] < message.invoked:
            yield message, seen[1]
        if len(message.ids) != 1:
            continue
        for sender in senders:
            time = seen_at.get(sender, {}).get(message.logical, NEVER)
            if time < earliest.get(sender, (NEVER, message))[0]:
                earliest[sender] = (time, message)


def _knows_last_id(history: History, device: Device, message: Message) -> bool:
    """Whether the device must know a message under its largest id: not where that may never have come."""
    if len(message.ids) == 1:
        return True
    if device.resets:
        return False
    last = message.attempts[-1]
    return device.address == message.sender or (
        last.accepted and must_reach(history, message).get(device.address) is last
    )
