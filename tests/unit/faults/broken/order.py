"""Ways to break I5, I6 and I7: other orders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.faults.checker.observed import Device, Message
from tests.unit.faults.broken.draft import Draft, breaks


def _neighbours(draft: Draft) -> Iterator[tuple[Device, Message, Message]]:
    """Accepted messages of one id each that stand next to each other on a sound device."""
    for device in draft.sound_devices():
        entries = draft.entries(device)
        for before, after in pairwise(entries):
            one, two = (draft.history.messages[entry["logical"]] for entry in (before, after))
            same = before["conversation"] == after["conversation"]
            if same and one.accepted and two.accepted and len(one.ids) == len(two.ids) == 1:
                yield device, one, two


def _everywhere_neighbours(draft: Draft, one: Message, two: Message) -> bool:
    for device in draft.history.final_devices():
        order = [entry["logical"] for entry in draft.entries(device)]
        held = [logical in order for logical in (one.logical, two.logical)]
        if any(held) and not (all(held) and order.index(two.logical) - order.index(one.logical) == 1):
            return False
    return True


def _had_seen(draft: Draft, device: str, message: Message, time: int) -> bool:
    return any(
        record["t"] < time for record in draft.of("shown", device) if record["logical"] == message.logical
    )


@breaks("I5")
def a_later_message_sorts_before_an_earlier_one(draft: Draft) -> bool:
    """One device, one conversation, ids that do not rise; all devices agree on the wrong order."""
    found = draft.pick(
        (one, two)
        for device, one, two in _neighbours(draft)
        if one.sender == two.sender
        and one.returned < two.invoked
        and not draft.history.devices[one.sender].resets
        and _everywhere_neighbours(draft, one, two)
    )
    if found is None:
        return False
    draft.rename(*(message.attempts[0].name[0] for message in found))
    return True


@breaks("I6")
def an_answer_sorts_before_its_question(draft: Draft) -> bool:
    """Its sender had been shown the question; all devices agree on the wrong order."""
    found = draft.pick(
        (one, two)
        for device, one, two in _neighbours(draft)
        if one.sender != two.sender
        and _had_seen(draft, two.sender, one, two.invoked)
        and not draft.history.devices[two.sender].resets
        and _everywhere_neighbours(draft, one, two)
    )
    if found is None:
        return False
    draft.rename(*(message.attempts[0].name[0] for message in found))
    return True


@breaks("I7")
def one_device_displays_another_order(draft: Draft) -> bool:
    """Two messages that know nothing of each other, exchanged on one device."""
    found = draft.pick(
        (device, one, two)
        for device, one, two in _neighbours(draft)
        if one.sender != two.sender and not _had_seen(draft, two.sender, one, two.invoked)
    )
    if found is None:
        return False
    device, one, _ = found
    entries = draft.entries(device)
    place = entries.index(draft.entry(device, one))
    entries[place], entries[place + 1] = entries[place + 1], entries[place]
    return True


@breaks("I7")
def one_device_knows_another_id(draft: Draft) -> bool:
    """The display is the same, the id is not: the next message may fall between."""
    found = draft.pick(
        (device, message)
        for device, message, _ in draft.deliveries()
        if len(message.ids) == 1 and draft.history.device(message.sender).final is not None
    )
    if found is None:
        return False
    entry = draft.entry(*found)
    entry["id"] = entry["id"][:-1] + ("1" if entry["id"][-1] != "1" else "2")
    return True
