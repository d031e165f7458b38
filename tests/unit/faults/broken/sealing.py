"""Ways to break I11 and I13 to I16: keys, envelopes, sessions, and stores that were set back."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations

from tests.faults.checker.envelopes import look, raw
from tests.faults.checker.observed import Attempt, Device
from tests.faults.checker.sessions import was_found_out
from tests.unit.faults.broken.draft import Draft, breaks

_HEADER = struct.Struct(">BB32sII")


def _envelopes(draft: Draft) -> Iterator[tuple[Device, str, str]]:
    """(sender, recipient, ciphertext) between devices that were never set back."""
    sound = {device.address: device for device in draft.sound_devices()}
    for name, attempts in draft.history.attempts.items():
        for address, text in attempts[0].ciphertexts.items():
            if name[1] in sound and address in sound:
                yield sound[name[1]], address, text


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _replace(draft: Draft, old: str, data: bytes) -> None:
    """Let a device have sealed other bytes."""
    text = json.dumps(draft.records).replace(old, _text(data))
    text = text.replace(sha256(old.encode()).hexdigest(), sha256(_text(data).encode()).hexdigest())
    draft.records = json.loads(text)


def _initial(draft: Draft, one_time_id: int) -> bytes:
    """An envelope that begins a session of its own with this key."""
    random = draft.rng.randbytes
    prefix = struct.pack(">BB32s32sIIBI", 1, 1, random(32), random(32), 1, one_time_id, 2, 1) + random(1568)
    return prefix + struct.pack(">32sII", random(32), 0, 0) + random(48)


def _claim(draft: Draft, device: Device, by: str, time: int, key: int) -> None:
    claim = {"kind": "claimed", "who": by, "devices": {device.address: {"one_time": key}}}
    draft.insert(time, {**claim, "asked_t": time})


@breaks("I11")
def a_key_is_given_twice(draft: Draft) -> bool:
    """Two devices get the same one-time key."""
    device = draft.pick(draft.sound_devices())
    if device is None:
        return False
    for by in ("x:1", "y:1"):
        _claim(draft, device, by, device.starts[0], 7)
    return True


@breaks("I11")
def a_removed_device_has_keys(draft: Draft) -> bool:
    """Keys are given of a device that is off its list."""
    device = draft.pick(device for device in draft.history.devices.values() if device.surely_removed)
    if device is None:
        return False
    _claim(draft, device, "x:1", device.removed_by + 1, 7)
    return True


@breaks("I11")
def a_key_begins_two_sessions(draft: Draft) -> bool:
    """Two first messages to a device name one key."""
    found = draft.pick(
        (one[2], other[2])
        for one, other in combinations(list(_envelopes(draft))[:40], 2)
        if one[1] == other[1] and one[2] != other[2]
    )
    if found is None:
        return False
    for text in found:
        _replace(draft, text, _initial(draft, 7))
    return True


@breaks("I13")
def something_is_sent_that_was_not_sealed(draft: Draft) -> bool:
    """The bytes on the wire are none that the device sealed."""
    found = draft.pick(_envelopes(draft))
    if found is None:
        return False
    data = raw(found[2])
    changed = json.dumps(draft.records).replace(found[2], _text(data[:-1] + bytes((data[-1] ^ 1,))))
    draft.records = json.loads(changed)
    return True


@breaks("I13")
def a_retry_is_sealed_anew(draft: Draft) -> bool:
    """The same name goes on the wire with other bytes, and no list had changed."""
    found = draft.pick(_retries(draft))
    if found is None:
        return False
    last, address = found
    old = last.ciphertexts[address]
    new = _text(_HEADER.pack(1, 2, draft.rng.randbytes(32), 0, 0) + draft.rng.randbytes(48))
    for record in draft.of("frame", last.name[1]):
        if record["t"] == last.out:
            record["frame"] = json.loads(json.dumps(record["frame"]).replace(old, new))
    for record in draft.of("sealed", last.name[1]):
        if record["id"] == last.name[0]:
            again = {**record, "devices": {address: sha256(new.encode()).hexdigest()}}
            draft.insert(record["t"], again)
            return True
    return False


def _retries(draft: Draft) -> Iterator[tuple[Attempt, str]]:
    stale = {
        attempt.name[1]
        for attempts in draft.history.attempts.values()
        for attempt in attempts
        if attempt.code == "DEVICE_LIST_STALE"
    }
    sound = {device.address for device in draft.sound_devices()} - stale
    for name, attempts in draft.history.attempts.items():
        if name[1] in sound and len(attempts) > 1:
            for address, text in attempts[-1].ciphertexts.items():
                if attempts[-2].ciphertexts.get(address) == text:
                    yield attempts[-1], address


@breaks("I13")
def a_message_key_seals_two_messages(draft: Draft) -> bool:
    """Two names have the same number in one chain."""
    found = draft.pick(
        (one[2], other[2])
        for one, other in combinations(list(_envelopes(draft))[:40], 2)
        if look(one[2]).chain == look(other[2]).chain and one[2] != other[2]
    )
    if found is None:
        return False
    one, other = map(raw, found)
    _replace(draft, found[1], one[: _HEADER.size] + other[_HEADER.size :])
    return True


@breaks("I14")
def a_text_leaves_beside_its_envelope(draft: Draft) -> bool:
    """A frame holds what somebody typed."""
    message = draft.pick(message for message in draft.history.messages.values() if message.attempts)
    if message is None:
        return False
    out = message.attempts[0].out
    frame = next(record["frame"] for record in draft.of("frame", message.sender) if record["t"] == out)
    frame["preview"] = message.body
    return True


@breaks("I14")
def a_text_lies_open_in_its_envelope(draft: Draft) -> bool:
    """What is sent is not sealed at all."""
    found = draft.pick(
        (message, text)
        for message in draft.history.messages.values()
        if message.attempts
        for text in message.attempts[0].ciphertexts.values()
    )
    if found is None:
        return False
    message, text = found
    _replace(draft, text, raw(text)[: _HEADER.size] + message.body.encode())
    return True


@breaks("I15")
def a_message_cannot_be_read(draft: Draft) -> bool:
    """Two devices that were never set back are out of step."""
    sound = {device.address for device in draft.sound_devices()}
    found = draft.pick(
        (device, name, time)
        for device in draft.sound_devices()
        for name, time in device.received.items()
        if name[1] in sound
    )
    if found is None:
        return False
    device, (message_id, sender), time = found
    unread = {"kind": "unread", "who": device.address, "cursor": 9_999, "reason": "no session"}
    draft.insert(time, {**unread, "id": message_id, "sender": sender})
    return True


@breaks("I16")
def a_store_that_was_set_back_is_silent(draft: Draft) -> bool:
    """The device connected between its copy and the return to it, and does not say so."""
    device = draft.pick(
        device
        for device in draft.history.final_devices()
        if device.resets and not device.copied and not device.removed and device.told_of_rollback
        if was_found_out(device, device.resets[-1])
    )
    if device is None:
        return False
    draft.remove(lambda record: record["kind"] == "rolled_back" and record["who"] == device.address)
    return True


@breaks("I16")
def a_sound_store_says_that_it_was_set_back(draft: Draft) -> bool:
    """A false alarm."""
    device = draft.pick(draft.sound_devices())
    if device is None:
        return False
    told = {"kind": "rolled_back", "who": device.address, "cursor": 9_999, "previous_connect": 1}
    draft.insert(device.starts[0], told)
    return True
