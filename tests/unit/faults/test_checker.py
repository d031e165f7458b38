"""The checker: silent about everything legal, and each broken promise caught under its own name."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from types import FrameType
from typing import Any

import pytest

from tests.faults.checker import INVARIANTS, check
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
