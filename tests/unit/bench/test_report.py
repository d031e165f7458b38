"""The report: what counts as growth, and what the command writes where."""

from __future__ import annotations

import pytest

from bench import markdown, report
from bench.counting import Counts
from bench.flows.result import Budget, Result
from bench.pricing import prices


def result(frames: int = 300, number: int = 100, **other: object) -> Result:
    """A line of the report: so many frames in so many messages."""
    values: dict[str, object] = {
        "flow": "one_to_one",
        "name": "ping-pong",
        "unit": "message",
        "number": number,
        "counts": Counts(frames_in=frames, wru=200, rru=310),
        "budget": Budget(5.5, frames=3.2),
        "naive": 11.8,
    }
    return Result(**(values | other))  # type: ignore[arg-type]


def test_averages_and_dollars_are_those_of_one_unit() -> None:
    """Three frames, two writes and 3.1 reads a message, in dollars per million."""
    one = result()
    assert one.averages == {
        "frames": 3.0,
        "https": 0.0,
        "invokes": 0.0,
        "wru": 2.0,
        "rru": 3.1,
        "ttl_deletes": 0.0,
    }
    assert one.dollars == pytest.approx(3.0 + 2 * 0.625 + 3.1 * 0.125)


def test_minutes_are_billed_and_fixed_costs_stand_for_themselves() -> None:
    """An hour is 60 minutes of a connection; a month of alarms has no counts."""
    assert result(minutes=60).dollars - result().dollars == pytest.approx(60 * 0.25)
    assert result(fixed_dollars=1.3).dollars == 1.3


def test_over_budget_is_said_in_words() -> None:
    """Frames, invocations and dollars limit; units of storage are what dollars limit."""
    assert result().over() == []
    assert result(frames=330).over() == ["one_to_one, ping-pong: 3.30 frames of 3.2"]
    assert result(counts=Counts(frames_in=300, wru=900)).over() == [
        "one_to_one, ping-pong: 8.62 dollars of 5.5"
    ]


def test_limits_that_chance_draws_are_no_excess_and_no_growth() -> None:
    """Two rows in the whole flow, however short it is; frames are never drawn, nor is what a month costs."""

    def few(counts: Counts) -> Result:
        return result(number=4, counts=counts, budget=Budget(3.0, frames=3))

    drawn = few(Counts(12, wru=2, rru=2, ttl_deletes=2))
    assert drawn.dollars > 3.5
    assert drawn.over() == []
    none = report.averages([few(Counts(12))])
    assert report.growth([drawn], none) == []
    more = few(Counts(12, wru=3, rru=3, ttl_deletes=3))
    assert more.over() == ["one_to_one, ping-pong: 3.77 dollars of 3"]
    assert len(report.growth([more], none)) == 4
    assert few(Counts(13)).over() == ["one_to_one, ping-pong: 3.25 frames of 3"]
    assert result(fixed_dollars=1.1, number=1, budget=Budget(1.0)).over()


def test_a_chat_that_asks_for_keys_is_over_budget() -> None:
    """A flow that says nothing of HTTPS makes no such request; one that plans some may."""
    asked = Counts(frames_in=300, https=1)
    assert result(counts=asked).over() == ["one_to_one, ping-pong: 0.01 https of 0"]
    assert result(counts=asked, budget=Budget(5.5, https=1)).over() == []


def test_growth_by_a_tenth_passes_and_more_does_not() -> None:
    """Of any count; less than a tenth of a unit is no growth, nor is a line that is new."""
    committed = report.averages([result()])
    assert report.growth([result(frames=325)], committed) == []
    assert report.growth([result(frames=340)], committed) == [
        "one_to_one, ping-pong: frames grew from 3 to 3.4"
    ]
    assert report.growth([result(frames=900)], {}) == []
    assert report.growth([result(counts=Counts(300, ttl_deletes=4, wru=200, rru=310))], committed) == []


def test_a_page_is_written_between_its_markers_only() -> None:
    """Prose stays; a page without the place is an error."""
    page = f"before\n{markdown.begin('x')}\nold\n{markdown.end('x')}\nafter\n"
    once = markdown.replace_between(page, "x", "new")
    assert once == f"before\n{markdown.begin('x')}\n\nnew\n\n{markdown.end('x')}\nafter\n"
    assert markdown.replace_between(once, "x", "new") == once
    with pytest.raises(ValueError, match="no place for y"):
        markdown.replace_between(page, "y", "new")


def test_the_page_has_a_place_for_every_flow() -> None:
    """And says that the prices are those of the file."""
    page = report.PAGE.read_text()
    for flow in {key.partition("/")[0] for key in report.committed()}:
        markdown.replace_between(page, flow, "")
    assert prices().dated in page


def test_the_terminal_shows_counts_beside_what_was_planned() -> None:
    """One line each, dollars beside the budget and the naive design."""
    shown = report.text([result()])
    assert "3.00 of 3.2" in shown
    assert "of 5.5" in shown
    assert "11.8" in shown
