"""The same two loads for whatever can carry a message: as fast as it goes, and at a rate of our choice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.speed.times import percentile

OPENING = 16
"""Sockets that are opened at once."""

EXCHANGE_SECONDS = 60.0
"""After so long without the message on the other side the measurement is broken."""


@dataclass(frozen=True, slots=True)
class Moments:
    """When the message was there, and when its sender had its own answer (``time.perf_counter``)."""

    shown: float
    answered: float


class Openable(Protocol):
    """Something to connect: a socket, or several."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""


class Lane(Openable, Protocol):
    """Something that carries one message at a time: a conversation, or a socket that talks to itself.

    Opened, it has exchanged one message that is not measured.
    """

    async def exchange(self) -> Moments:
        """Send one message and wait until both sides have what they wait for."""


@dataclass(slots=True)
class Sample:
    """What one load met. Times are ms: until the message was there, and until its sender knew."""

    seconds: float = 0.0
    shown: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return len(self.shown) / self.seconds

    def ms(self, share: float) -> float:
        """A percentile of the time until the message was there."""
        return percentile(self.shown, share)

    def add(self, since: float, moments: Moments) -> None:
        """One message that was meant to leave at ``since``."""
        self.shown.append((moments.shown - since) * 1000)
        self.answered.append((moments.answered - since) * 1000)


async def with_open(lanes: Sequence[Lane], load: Callable[[], Awaitable[Sample]]) -> Sample:
    """Open all lanes, run the load, close them again, also where it fails."""
    await each(lanes, lambda lane: lane.open())
    try:
        return await load()
    finally:
        await each(lanes, lambda lane: lane.close())


async def each(all_of: Sequence[Openable], what: Callable[[Openable], Awaitable[None]]) -> None:
    """Do it for all of them, ``OPENING`` at once."""
    places = asyncio.Semaphore(OPENING)

    async def one(this: Openable) -> None:
        async with places:
            await what(this)

    await asyncio.gather(*(one(this) for this in all_of))


async def closed_loop(lanes: Sequence[Lane], seconds: float) -> Sample:
    """Every lane sends its next message when the last one is through: the highest rate with so many lanes.

    Its times above what the machine can carry are queueing; compare rates here, and times at equal rates.
    """
    sample, started = Sample(), time.perf_counter()
    end = started + seconds

    async def one(lane: Lane) -> None:
        while (since := time.perf_counter()) < end:
            sample.add(since, await _exchange(lane))

    await asyncio.gather(*(one(lane) for lane in lanes))
    sample.seconds = time.perf_counter() - started
    return sample


async def open_loop(lanes: Sequence[Lane], when: Sequence[float]) -> Sample:
    """Send at the given times (seconds from now), lanes in turn, whatever becomes of the ones before.

    A lane carries one message at a time. One that comes while its lane is busy waits, and its time counts
    from when it was meant to leave: a slow server cannot slow down the questions that it is asked.
    """
    sample, started = Sample(), time.perf_counter()

    async def one(lane: Lane, mine: Sequence[float]) -> None:
        for offset in mine:
            meant = started + offset
            if (early := meant - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            sample.add(meant, await _exchange(lane))

    await asyncio.gather(*(one(lane, when[i :: len(lanes)]) for i, lane in enumerate(lanes)))
    sample.seconds = time.perf_counter() - started
    return sample


async def _exchange(lane: Lane) -> Moments:
    async with asyncio.timeout(EXCHANGE_SECONDS):
        return await lane.exchange()
