"""Ways to break I1 and I4: deliveries that are missing, sends that never end."""

from __future__ import annotations

from tests.faults.checker.observed import Device, Message
from tests.unit.faults.broken.draft import Draft, breaks


def _forget(draft: Draft, device: Device, message: Message, *, shown: bool = True, held: bool = True) -> bool:
    if shown:
        draft.remove(
            lambda record: (
                record["kind"] == "shown"
                and (record["who"], record["logical"]) == (device.address, message.logical)
            )
        )
    if held:
        draft.entries(device).remove(draft.entry(device, message))
    return True


def _lose(draft: Draft, *, retried: bool, own: bool, shown: bool = True, held: bool = True) -> bool:
    found = draft.pick(
        (device, message)
        for device, message, _ in draft.deliveries()
        if (not message.attempts[0].accepted) == retried and (device.account == message.account) == own
    )
    return found is not None and _forget(draft, *found, shown=shown, held=held)


@breaks("I1")
def a_delivery_is_missing(draft: Draft) -> bool:
    """A device of the recipient never got an accepted message."""
    return _lose(draft, retried=False, own=False)


@breaks("I1")
def an_own_copy_is_missing(draft: Draft) -> bool:
    """The sender's other device never got it."""
    return _lose(draft, retried=False, own=True)


@breaks("I1")
def a_message_is_stored_but_never_shown(draft: Draft) -> bool:
    """The store has it, the application was not told."""
    return _lose(draft, retried=False, own=False, held=False)


@breaks("I1")
def a_shown_message_is_lost_from_the_store(draft: Draft) -> bool:
    """The application saw it, the history has it no more."""
    return _lose(draft, retried=False, own=False, shown=False)


@breaks("I4")
def a_retried_send_did_not_reach_all(draft: Draft) -> bool:
    """Accepted by a retry, and one device has nothing."""
    return _lose(draft, retried=True, own=False)


def _never_sent(draft: Draft, status: str | None) -> bool:
    sent = draft.history.messages_of
    device = draft.pick(device for device in draft.sound_devices() if sent.get(device.address))
    if device is None:
        return False
    like = sent[device.address][-1]
    logical = "0" * 32
    common = {"kind": "send", "who": device.address, "logical": logical}
    invoke = {**common, "phase": "invoke", "to": like.to, "body": "never sent"}
    draft.insert(like.invoked, invoke, {**common, "phase": "ok", "id": None})
    if status is not None:
        entry = {**draft.entry(device, like), "logical": logical, "id": None, "status": status}
        draft.entries(device).append(entry)
    return True


@breaks("I4")
def a_message_stays_in_the_outbox(draft: Draft) -> bool:
    """It is pending in the end."""
    return _never_sent(draft, "pending")


@breaks("I4")
def a_message_vanishes_from_the_outbox(draft: Draft) -> bool:
    """`send` returned, and in the end nothing is known of it."""
    return _never_sent(draft, None)
