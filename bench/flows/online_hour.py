"""A device is connected for an hour, and nobody writes."""

from __future__ import annotations

import asyncio

from bench.counting import Line, count
from bench.flows.connect import connects
from bench.flows.result import Budget, Result
from bench.flows.stage import Stage, people

HOURS = 6
BEATS = 40
"""Keep-alives in six hours: one in nine minutes."""

CONNECTS = 3
"""API Gateway closes a socket after two hours."""

BEAT_SECONDS = 0.25
"""Between keep-alives here: the clock of this client runs two thousand times faster."""

NAIVE = 250.0
"""Dollars of a million hours with a heartbeat every 30 s that writes a row: 120 frames, invokes and WRU."""


async def measure(stage: Stage) -> list[Result]:
    """Six hours: their keep-alives, played fast by a real client, and their connects."""
    beats = await _beats(stage)
    opening = await connects(stage, CONNECTS)
    return [
        Result(
            flow="online_hour",
            name="online, nobody watching",
            unit="hour",
            number=HOURS,
            counts=count([*beats, *opening]),
            budget=Budget(39.0, frames=15),
            naive=NAIVE,
            note="a sync every nine minutes, half a connect, 60 connection minutes",
            minutes=60,
        )
    ]


async def _beats(stage: Stage) -> list[Line]:
    """What the first ``BEATS`` keep-alives of a socket record."""
    async with people(stage, 1) as ([alice],):
        await alice.client.close()
        start = await stage.ended()
        async with stage.client(alice.store, keep_alive=BEAT_SECONDS) as client:
            await client.connected(30)
            connected = len(stage.read(start))
            lines: list[Line] = []
            while sum(map(_is_sync, lines)) < BEATS:
                await asyncio.sleep(BEAT_SECONDS)
                lines = stage.read(start)[connected:]
    ends = [place for place, line in enumerate(lines) if _is_sync(line)]
    return lines[: ends[BEATS - 1] + 1]


def _is_sync(line: Line) -> bool:
    return bool(line["kind"] == "invocation" and line["function"] == "sync")
