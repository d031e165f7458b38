"""The checker: silent about everything legal, and each broken promise caught under its own name."""

from __future__ import annotations

import base64
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from types import FrameType
from typing import Any

import pytest

from tests.faults.checker import INVARIANTS, check
from tests.faults.checker.delivery import conversation_of
from tests.faults.history import Record
from tests.unit.faults.broken import WAYS, Breaker, Draft
from tests.unit.faults.model_run import Run, simulate

SEEDS = range(60)
LONG = 250
RARE = frozenset({"restore", "copy", "link", "remove"})
"""What grows with the devices and not with the messages."""


@cache
def correct(seed: int) -> list[Record]:
    """A legal history; its makers are the real handlers, a small client, and faults."""
    return simulate(seed, LONG)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_legal_history_is_clean(seed: int) -> None:
    """Crashes, lost frames, races, blocks, removed, restored and copied devices: no violation."""
    assert check(correct(seed)) == []


def test_the_legal_histories_hold_everything_that_could_cry_wolf() -> None:
    """Each exception of an invariant happens in them, or the test above proves nothing."""
    happened: Counter[str] = Counter()
    for seed in SEEDS:
        for record in correct(seed):
            happened[" ".join((record["kind"], record.get("what", ""), record.get("phase", "")))] += 1
            for result in record.get("frame", {}).get("results", ()):
                happened[result.get("error", {}).get("code", "accepted")] += 1
            happened["page"] += "token" in record.get("frame", {})
    wanted = {
        *("client kill ", "client restore ", "client copy ", "device removed ok", "device added ok"),
        *("relation block ok", "relation block unknown", "relation unblock ok", "relation accept ok"),
        *("sealed  ", "rolled_back  "),
        *("UNAVAILABLE", "DEVICE_LIST_STALE", "RECIPIENT_BLOCKED", "EARLIER_REFUSED", "accepted", "page"),
    }
    assert wanted <= happened.keys()


def test_a_message_that_moved_is_not_held_to_its_place() -> None:
    """Unanswered for 100 s it gets a new id; the later one of its frame was delivered under the old ones."""
    run = Run(1)
    run.begin()
    sender, recipient = run.devices[1], run.devices[2]
    run.send(recipient, sender.account)
    run.settle()
    for _ in range(2):
        run.send(sender, recipient.account)
    unanswered = sender.transmit(recipient.account)
    assert unanswered is not None
    run.wait()
    sender.give_up()
    sender.transmit(recipient.account, most=1)
    run.serve(unanswered)
    recipient.receive()
    recipient.acknowledge()
    run.settle()

    assert check(run.finish()) == []


@pytest.mark.parametrize(("invariant", "way"), WAYS, ids=[way.__name__ for _, way in WAYS])
def test_a_broken_history_is_caught_by_its_invariant_alone(invariant: str, way: Breaker) -> None:
    """Wherever a history can be broken this way, exactly this invariant is violated; five are tried."""
    tried = 0
    for seed in SEEDS:
        draft = Draft(correct(seed), seed)
        if way(draft):
            tried += 1
            assert {violation.invariant for violation in check(draft.records)} == {invariant}, seed
        if tried == 5:
            return
    assert tried, "no history could be broken this way"


def test_every_invariant_has_a_way_to_break_it() -> None:
    """No invariant is unproven."""
    assert INVARIANTS.keys() <= {invariant for invariant, _ in WAYS}


def test_the_work_grows_with_the_history_and_no_faster() -> None:
    """A record of a run ten times as long costs hardly more lines of the checker, not ten times as many."""
    short, long = (simulate(1, steps, without=RARE) for steps in (300, 3000))

    assert len(long) > 3 * len(short)
    assert lines_run(long) / len(long) < 1.3 * lines_run(short) / len(short)


def lines_run(records: Sequence[Record]) -> int:
    """Lines of the checker that were run, in place of a time."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(records)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(("second_accepted", "wanted"), [(True, {"I5"}), (False, set())])
def test_a_message_accepted_while_one_before_it_was_refused_is_no_excuse(
    second_accepted: bool, wanted: set[str]
) -> None:
    """The first may have arrived under an old id, but a later one went past it: that breaks the order."""
    a, b = "a:1", "b:1"
    old, passed, new = (f"01a20dd8-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
    last = passed if second_accepted else f"{new[:-1]}4"
    stale = {"error": {"code": "ID_STALE"}}
    times = itertools.count(1)

    def record(kind: str, who: str, **fields: object) -> Record:
        return {"t": next(times), "kind": kind, "who": who, **fields}

    def sent(ref: str, **ids: str) -> Iterator[Record]:
        texts = {name: base64.urlsafe_b64encode(ids[name].encode()).decode() for name in ids}
        for name, text in texts.items():
            digests = {b: sha256(text.encode()).hexdigest()}
            yield record("sealed", a, id=ids[name], logical=name, content="text", devices=digests)
        messages = [{"id": ids[name], "to": "b", "devices": {"1": texts[name]}} for name in ids]
        frame = {"action": "send", "ref": ref, "messages": messages}
        yield record("frame", a, socket="s", way="out", frame=frame)

    def answered(ref: str, *results: dict[str, object]) -> Record:
        return record("frame", a, socket="s", way="in", frame={"ref": ref, "results": list(results)})

    records = [record("client", who, what="start") for who in (a, b)]
    for name in ("one", "two"):
        records.append(record("send", a, phase="invoke", to="b", logical=name, body=name))
        records.append(record("send", a, phase="ok", logical=name))
    records += [*sent("1", one=old), answered("1", {"id": old, "error": {"code": "UNAVAILABLE"}})]
    second = {"accepted": True} if second_accepted else {"error": {"code": "EARLIER_REFUSED"}}
    records += [
        *sent("2", one=old, two=passed),
        answered("2", {"id": old, **stale}, {"id": passed, **second}),
    ]
    again = {"one": new} if second_accepted else {"one": new, "two": last}
    records += [
        *sent("3", **again),
        answered("3", *({"id": each, "accepted": True} for each in again.values())),
    ]
    records.append(record("healed", "harness"))
    order = sorted((("one", new), ("two", last)), key=lambda entry: entry[1])
    for who in (a, b):
        entries = [
            {
                "logical": name,
                "account": "a",
                "sender": a,
                "id": message_id,
                "status": "sent",
                "outgoing": who == a,
                "conversation": conversation_of("a", "b"),
            }
            for name, message_id in order
        ]
        records.append(record("final", who, messages=entries))
    records.append(record("server", "harness", connections=[], sockets=[], inbox=[]))

    assert {violation.invariant for violation in check(records)} & {"I5"} == wanted
