"""A device connects and finds nothing new."""

from __future__ import annotations

from bench.counting import Line, count
from bench.flows.result import Budget, Result
from bench.flows.stage import Stage, people

NAIVE = 4.7
"""Dollars of 3 invocations (connect with a session lookup, fetch, disconnect), 2 frames, 2 WRU, 4 RRU."""


async def connects(stage: Stage, number: int) -> list[Line]:
    """What so many connects of a known device record: first sync and end included."""
    async with people(stage, 1) as ([alice],):
        await alice.client.close()
        start = await stage.ended()
        for _ in range(number):
            async with stage.client(alice.store) as again:
                await again.connected(30)
            await stage.ended()  # else it is a rival of the next
        return stage.read(start)


async def measure(stage: Stage, number: int = 20) -> list[Result]:
    """``number`` connects one after the other."""
    return [
        Result(
            flow="connect",
            name="connect and first sync",
            unit="connect",
            number=number,
            counts=count(await connects(stage, number)),
            budget=Budget(6.2, frames=2, invokes=4, wru=3, rru=7),
            naive=NAIVE,
            note="authorizer, $connect, one sync and its answer, $disconnect with its delete",
        )
    ]
