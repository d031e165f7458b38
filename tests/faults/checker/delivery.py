"""I1 to I4: what was accepted arrives, once, at the right devices, and nothing else does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tests.faults.checker.observed import Attempt, Device, History, Message, Name, account_of
from tests.faults.checker.violation import Violation


def no_loss(history: History) -> list[Violation]:
    """I1: a message accepted at once is shown by every device that its `send` named, and stays there."""
    return [Violation("I1", text) for message, text in _missing(history) if not _was_retried(message)]


def retried_reached_all(history: History) -> list[Violation]:
    """I4: a message in the outbox is settled in the end, and once accepted by a retry it reached all."""
    found = [Violation("I4", text) for message, text in _missing(history) if _was_retried(message)]
    for device in history.final_devices():
        entries = {entry["logical"]: entry for entry in device.final or () if entry["outgoing"]}
        for message in history.messages_of.get(device.address, ()):
            entry = entries.get(message.logical)
            if entry is None and message.stored and not device.forgot(message.invoked):
                found.append(Violation("I4", f"{message} was lost from its outbox"))
            elif entry is not None and entry["status"] == "pending":
                found.append(Violation("I4", f"{message} was never sent"))
    return found


def no_phantom(history: History) -> list[Violation]:
    """I2: what a device got was sent, unchanged, to this device, by somebody it did not block."""
    found = []
    for device in history.devices.values():
        for record in device.shown:
            if problem := _phantom(history, device, record):
                found.append(Violation("I2", f"{device} was shown {record['logical'][:8]} {problem}"))
        for entry in device.final or ():
            if problem := _foreign(history, device, entry):
                found.append(Violation("I2", f"{device} holds {entry['logical'][:8]} {problem}"))
        for name, ciphertext in device.bytes_in:
            if problem := _changed(history, device, name, ciphertext):
                found.append(Violation("I2", f"{device} received {name[0]} {problem}"))
    return found


def exactly_once(history: History) -> list[Violation]:
    """I3: the application is shown a message at one cursor; the same cursor again only after a restart."""
    found = []
    for device in history.devices.values():
        before: dict[tuple[str, str], dict[str, Any]] = {}
        starts = iter([*device.starts, None])
        start, lives = next(starts), 0
        life_of: dict[tuple[str, str], int] = {}
        for record in device.shown:
            while start is not None and start <= record["t"]:
                start, lives = next(starts), lives + 1
            key = (record["account"], record["logical"])
            last = before.get(key)
            if last is not None and not device.forgot(last["t"]):
                if last["cursor"] != record["cursor"]:
                    found.append(Violation("I3", f"{device} was shown {key[1][:8]} twice"))
                elif life_of[key] == lives:
                    found.append(Violation("I3", f"{device} was shown {key[1][:8]} again without a restart"))
            before[key], life_of[key] = record, lives
        found.extend(_stored_twice(device))
    return found


def _stored_twice(device: Device) -> Iterator[Violation]:
    seen = set()
    for entry in device.final or ():
        key = (entry["account"], entry["logical"])
        if key in seen:
            yield Violation("I3", f"{device} holds {key[1][:8]} twice")
        seen.add(key)


def must_reach(history: History, message: Message) -> dict[str, Attempt]:
    """The devices that accepted attempts name: device -> the first of them.

    Where the recipient perhaps blocked the sender while an attempt was judged, both outcomes are right.
    """
    perhaps, _ = history.blocked(message.to, message.account)
    devices: dict[str, Attempt] = {}
    for attempt in message.attempts:
        if not attempt.accepted:
            continue
        dropped = perhaps.touch(attempt.out, attempt.end)
        for address in attempt.ciphertexts:
            if not dropped or account_of(address) == message.account:
                devices.setdefault(address, attempt)
    return devices


def _was_retried(message: Message) -> bool:
    return bool(message.attempts) and not message.attempts[0].accepted


def _missing(history: History) -> Iterator[tuple[Message, str]]:
    """Accepted messages that a device they must reach was not shown, or holds no more."""
    has = {
        device.address: (
            {(record["account"], record["logical"]) for record in device.shown},
            {(entry["account"], entry["logical"]) for entry in device.final or ()},
        )
        for device in history.final_devices()
        if not device.removed
    }
    for message in history.messages.values():
        key = (message.account, message.logical)
        for address in must_reach(history, message):
            if address not in has:
                continue
            shown, held = has[address]
            device = history.devices[address]
            if (key in shown and key in held) or _excused(history, device, message):
                continue
            what = "was not shown" if key not in shown else "does not hold"
            yield message, f"{device} {what} the accepted {message}, sent at {history.at(message.invoked)}"


def _excused(history: History, device: Device, message: Message) -> bool:
    """Whether the device acknowledged the message in a time that its store was set back behind.

    Or told that it cannot read it, and nobody had to repair that.
    """
    acks = (ack for attempt in message.attempts for ack in device.acks.get(attempt.name, ()))
    if any(device.forgot(ack.out) for ack in acks):
        return True
    unread = any(attempt.name in device.unread for attempt in message.attempts)
    return unread and not _must_repair(history, device, message)


def _must_repair(history: History, device: Device, message: Message) -> bool:
    """Whether a message that could not be read had to come again.

    Who accepted its sender asks for it, and so do the sender's other devices. The sender still knows it
    unless its store was set back since, or a copy sent it.
    """
    sender = history.device(message.sender)
    if sender.removed or history.ever_blocked(message.account, message.to):
        return False
    if sender.forgot(message.invoked) and message.invoked < history.healed_at:
        return False
    return device.account == message.account or (message.to, message.account) in history.surely_accepted


def _phantom(history: History, device: Device, record: dict[str, Any]) -> str:
    if problem := _foreign(history, device, record):
        return problem
    message = history.messages[record["logical"]]
    if record["body"] != message.body:
        return "with another text than was sent"
    if record["t"] < message.invoked:
        return "before it was sent"
    if record["own_copy"] != (device.account == message.account):
        return "as sent by the wrong side"
    return ""


def _foreign(history: History, device: Device, entry: dict[str, Any]) -> str:
    """Why an entry of a device's history should not be there, or ""."""
    message = history.messages.get(entry["logical"])
    if message is None or entry["account"] != message.account:
        return "that nobody sent"
    if (entry["sender"], entry["conversation"]) != (message.sender, conversation_of(*message.pair)):
        return "as from another sender or in another conversation"
    if device.address == message.sender:
        return "" if entry.get("outgoing") else "of its own"
    if not any(device.address in attempt.ciphertexts for attempt in message.attempts):
        return "that was not sent to it"
    if device.account == message.to and _blocked_throughout(history, message):
        return "from an account that it had blocked"
    return ""


def _blocked_throughout(history: History, message: Message) -> bool:
    _, surely = history.blocked(message.to, message.account)
    return bool(surely) and all(surely.cover(attempt.out, attempt.landed_by) for attempt in message.attempts)


def _changed(history: History, device: Device, name: Name, ciphertext: str) -> str:
    sent = [attempt.ciphertexts.get(device.address) for attempt in history.attempts.get(name, ())]
    if not sent:
        return "that nobody sent"
    if not any(sent):
        return "that was not sent to it"
    return "" if ciphertext in sent else "with other bytes than were sent"


@lru_cache(maxsize=1024)
def conversation_of(one: str, other: str) -> str:
    """The id of a 1:1 conversation, as docs/protocol.md says it."""
    low, high = sorted((one, other))
    digest = hashlib.sha256(f"heliograph-conversation-v1\n{low}\n{high}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
