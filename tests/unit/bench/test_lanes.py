"""Loads: from when a time counts, and who waits for whom."""

from __future__ import annotations

import asyncio
import time

import pytest

from bench.speed.lanes import Moments, Sample, closed_loop, open_loop, with_open


class Fake:
    """A lane that is asked and answers when the test lets it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.twice = asyncio.Event()
        self.answer = asyncio.Event()
        self.exchanges = 0
        self.events: list[str] = []

    async def open(self) -> None:
        self.events.append("open")

    async def exchange(self) -> Moments:
        self.exchanges += 1
        self.asked.set()
        if self.exchanges == 2:
            self.twice.set()
        await self.answer.wait()
        now = time.perf_counter()
        return Moments(now, now + 0.001)

    async def close(self) -> None:
        self.events.append("close")


def test_a_time_counts_from_when_the_message_was_meant_to_leave() -> None:
    """Two messages that are five seconds late took five seconds, however quick the lane is then."""

    async def play() -> Sample:
        lane = Fake()
        lane.answer.set()
        return await open_loop([lane], [-5.0, -5.0])

    sample = asyncio.run(play())
    assert len(sample.shown) == 2
    assert all(took >= 5000 for took in (*sample.shown, *sample.answered))


def test_no_message_leaves_early() -> None:
    """A lane with nothing to do waits for the moment: no time is below zero."""

    async def play() -> Sample:
        lane = Fake()
        lane.answer.set()
        return await open_loop([lane], [0.02, 0.04])

    assert min(asyncio.run(play()).shown) >= 0


def test_lanes_take_turns() -> None:
    """The message after the first one goes by the next lane, though the first has no answer."""

    async def play() -> list[int]:
        first, second = Fake(), Fake()
        second.answer.set()
        running = asyncio.create_task(open_loop([first, second], [0.0, 0.0, 0.0, 0.0]))
        await first.asked.wait()
        await second.twice.wait()
        waiting = [first.exchanges, second.exchanges]
        first.answer.set()
        await running
        return waiting

    assert asyncio.run(play()) == [1, 2]


def test_a_closed_loop_goes_on_until_its_time_is_over() -> None:
    """Each message follows the last; the rate is of the time that it really took."""

    async def play() -> tuple[Sample, int]:
        lane = Fake()
        lane.answer.set()
        return await closed_loop([lane], 0.01), lane.exchanges

    sample, exchanges = asyncio.run(play())
    assert len(sample.shown) == len(sample.answered) == exchanges > 1
    assert sample.per_second == pytest.approx(exchanges / sample.seconds)
    assert all(answered > shown for shown, answered in zip(sample.shown, sample.answered, strict=True))


def test_lanes_are_closed_after_a_failure() -> None:
    """A load that fails leaves no sockets behind."""
    lanes = [Fake(), Fake()]

    async def fails() -> Sample:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(with_open(lanes, fails))
    assert [lane.events for lane in lanes] == [["open", "close"]] * 2
