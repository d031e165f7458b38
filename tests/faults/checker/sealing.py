"""I11, I13 and I14: what encryption promises, as far as anybody sees it who holds no keys."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from tests.faults.checker.envelopes import INITIAL, look, raw
from tests.faults.checker.observed import Attempt, History, Name, short
from tests.faults.checker.violation import Violation
from tests.faults.history import TYPED, Record

Key = tuple[str, str, int]
"""A one-time key: device, kind, id."""


def keys_once(history: History) -> list[Violation]:
    """I11: a one-time key is given to one device and begins one session; who was removed has no keys left."""
    return [Violation("I11", text) for text in (*_given_twice(history), *_used_twice(history))]


def sealed_once(history: History) -> list[Violation]:
    """I13: what is on the wire was sealed there, under this name; nothing is sealed twice with one key."""
    return [
        Violation("I13", text)
        for text in (*_not_sealed(history), *_sealed_anew(history), *_numbers_used_twice(history))
    ]


def secret(history: History) -> list[Violation]:
    """I14: no text that was typed is in any frame, nor inside any ciphertext."""
    typed = {
        TYPED if message.body.startswith(TYPED) else message.body for message in history.messages.values()
    }
    found = []
    for record in history.frames:
        clear = json.dumps(record["frame"], ensure_ascii=False)
        if any(text in clear for text in typed):
            found.append(Violation("I14", f"a frame of {short(record['who'])} holds a text"))
    for attempt, device, text in _envelopes(history):
        data = raw(text)
        if any(each.encode() in data for each in typed):
            found.append(Violation("I14", f"{attempt.name[0]} to {short(device)} holds a text"))
    return found


def _envelopes(history: History) -> Iterator[tuple[Attempt, str, str]]:
    """(attempt, device, ciphertext) of all that left, in the order in which it was first seen."""
    for attempts in history.attempts.values():
        for attempt in attempts:
            for device, text in attempt.ciphertexts.items():
                yield attempt, device, text


def _given_twice(history: History) -> Iterator[str]:
    given: dict[Key, Record] = {}
    for record in history.claims:
        for address, ids in record["devices"].items():
            device = history.device(address)
            if record["asked_t"] > device.removed_by:
                yield f"{short(record['who'])} was given keys of {device}, which had been removed"
            for kind, number in ids.items():
                before = given.setdefault((address, kind, number), record)
                if before is not record and not device.resets:
                    both = f"{short(before['who'])} and {short(record['who'])}"
                    yield f"key {number} of {device} was given to {both}"


def _used_twice(history: History) -> Iterator[str]:
    """Not asked where a store was set back: a bundle may be in the copy, and so may the ids of keys."""
    used: dict[Key, bytes] = {}
    for attempt, address, text in _envelopes(history):
        seen = look(text)
        if seen.type != INITIAL or history.device(attempt.name[1]).resets or history.device(address).resets:
            continue
        for kind, number in seen.one_time:
            if used.setdefault((address, kind, number), seen.session) != seen.session:
                yield f"two sessions begin with key {number} of {short(address)}"


def _not_sealed(history: History) -> Iterator[str]:
    for attempt, device, text in _envelopes(history):
        sealed = history.sealed.get(attempt.name)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if sealed is not None and digest not in sealed.digests[device]:
            yield f"{short(attempt.name[1])} sent {attempt.name[0]} with bytes that it did not seal"
        elif sealed is None and history.device(attempt.name[1]).starts:
            yield f"{short(attempt.name[1])} sent {attempt.name[0]}, which it did not seal"


def _sealed_anew(history: History) -> Iterator[str]:
    """A name has one envelope a device, unless the server said in between that the devices are others."""
    stale: dict[tuple[str, str], list[int]] = defaultdict(list)
    for attempts in history.attempts.values():
        for attempt in attempts:
            if attempt.code == "DEVICE_LIST_STALE":
                stale[attempt.name[1], attempt.to].append(attempt.end)
    for times in stale.values():
        times.sort()
    last: dict[tuple[Name, str], tuple[Attempt, str]] = {}
    for attempt, device, text in _envelopes(history):
        before = last.get((attempt.name, device))
        last[attempt.name, device] = attempt, text
        if before is None or before[1] == text or history.device(attempt.name[1]).resets:
            continue
        times = stale[attempt.name[1], attempt.to]
        index = bisect_left(times, before[0].out)
        if index == len(times) or times[index] > attempt.out:
            yield f"{short(attempt.name[1])} sealed {attempt.name[0]} for {short(device)} twice"


def _numbers_used_twice(history: History) -> Iterator[str]:
    """A message key seals one message. A store that was set back may use one again, for another name."""
    used: dict[tuple[bytes, int], tuple[Name, str]] = {}
    for attempt, _, text in _envelopes(history):
        seen, sender = look(text), history.device(attempt.name[1])
        if not seen.chain or not sender.starts:
            continue
        name, before = used.setdefault((seen.chain, seen.number), (attempt.name, text))
        if name == attempt.name and before != text:
            yield f"{sender} sealed two texts as {name[0]} with one key"
        elif name != attempt.name and not sender.resets:
            yield f"{sender} sealed {name[0]} and {attempt.name[0]} with one key"
