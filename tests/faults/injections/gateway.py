"""F4 and F14: API Gateway restarts, or answers posts with anything but 200."""

from __future__ import annotations

import asyncio
import random

from tests.faults.injections.base import recorded
from tests.faults.proxies import PostFault
from tests.faults.world import World


class RestartedGateway:
    """All sockets drop at once, all workers end with what they had under way, rows of dead sockets stay."""

    name, title, weight = "F4", "the local AWS restarts in order", 0.3

    async def inject(self, run: World, rng: random.Random) -> None:
        """Lasts as long as a restart: 2 to 4 s."""
        await asyncio.sleep(rng.uniform(0, 0.5))
        with recorded(run, self.name, {}):
            await asyncio.to_thread(run.cloud.restart_aws)

    async def heal(self, run: World) -> None:
        """Wait for the new one."""
        await asyncio.to_thread(run.cloud.wait_for_aws)


class FailingPosts:
    """Posts meet 410, 429, 500, silence, or are delivered and reported otherwise."""

    name, title, weight = "F14", "@connections refuses, stays silent, or lies", 2.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """A rate of faulty posts for up to 3 s, or the next few."""
        fault = rng.choice(list(PostFault))
        seconds, seed = rng.uniform(0.5, 3.0), rng.getrandbits(32)
        rate, posts = rng.choice([(1.0, 1), (1.0, 4), (0.2, 1 << 30), (0.5, 1 << 30), (1.0, 1 << 30)])
        link = run.connections_link
        detail = {"fault": fault.name, "seconds": round(seconds, 2), "rate": rate, "posts": posts}
        before = link.hit[fault]
        with recorded(run, self.name, detail) as outcome:
            link.set(fault, posts=posts, rate=rate, seed=seed)
            await asyncio.sleep(seconds)
            link.heal()
            outcome["hit"] = link.hit[fault] - before

    async def heal(self, run: World) -> None:
        """Every post is made and answered as it was."""
        run.connections_link.heal()
