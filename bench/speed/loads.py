"""Messages, echoes and the peer's messages under the same loads, one after the other in one local cloud."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from heliograph.signing import Identity

from bench.conversations import Conversation, pairs
from bench.echo.load import EchoSocket
from bench.peer.room import Room
from bench.speed.lanes import Lane, Sample, closed_loop, open_loop, with_open
from bench.speed.processes import Processes, Used, used
from bench.speed.times import arrivals

MESSAGE, PEER, ECHO_POST, ECHO_REPLY = "message", "sample chat", "echo by a post", "echo by route response"

SEED = 2026

Load = Callable[[Sequence[Lane]], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load on one system: how many lanes, the rate asked for (0: as fast as it goes), what came out."""

    system: str
    lanes: int
    rate: float
    sample: Sample
    used: Used | None


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is: the real stage with accounts, the two small stacks beside it, the processes."""

    base_url: str
    echo_url: str
    peer_url: str
    accounts: Sequence[Identity]
    processes: Processes

    async def fastest(self, in_flight: int, seconds: float) -> list[Loaded]:
        """So many messages in flight at once, each followed by the next."""
        return await self._all(in_flight, 0, partial(closed_loop, seconds=seconds))

    async def steady(self, rate: float, lanes: int, seconds: float) -> list[Loaded]:
        """A fixed rate, the same moments for each system."""
        return await self._all(lanes, rate, partial(open_loop, when=arrivals(rate, seconds, SEED)))

    async def _all(self, count: int, rate: float, load: Load) -> list[Loaded]:
        """The echoes, the sample chat with its two members alone, then real messages."""
        found = []
        for route, system in (("reply", ECHO_REPLY), ("post", ECHO_POST)):
            lanes: Sequence[Lane] = [EchoSocket(self.echo_url, route) for _ in range(count)]
            found.append(await self._run(system, lanes, rate, load))
        async with Room(self.peer_url, 2) as room:
            found.append(await self._run(PEER, room.talks(count), rate, load))
        lanes = [Conversation(self.base_url, pair) for pair in pairs(self.accounts, count)]
        found.append(await self._run(MESSAGE, lanes, rate, load))
        return found

    async def _run(self, system: str, lanes: Sequence[Lane], rate: float, load: Load) -> Loaded:
        found: list[Used | None] = []

        async def measured() -> Sample:
            before = self.processes.read()
            sample = await load(lanes)
            found.append(used(before, self.processes.read()))
            return sample

        sample = await with_open(lanes, measured)
        return Loaded(system, len(lanes), rate, sample, found[0])
