"""F1 and F2: a database that is killed, frozen, slow, or out of reach."""

from __future__ import annotations

import asyncio
import random

from tests.faults.injections.base import Detail, recorded
from tests.faults.world import World


class KilledCassandra:
    """Kill -9 while frames are served, and a new process on the same data: what was answered is there."""

    name, title, weight = "F1", "Cassandra is killed and started again", 0.15

    async def inject(self, run: World, rng: random.Random) -> None:
        """Lasts as long as a start of Cassandra: 5 to 8 s."""
        await asyncio.sleep(rng.uniform(0, 0.5))
        with recorded(run, self.name, {"how": "kill -9"}):
            await asyncio.to_thread(run.cloud.restart_cassandra)

    async def heal(self, run: World) -> None:
        """Wait for the new one."""
        await asyncio.to_thread(run.cloud.wait_for_cassandra)


class StrickenCassandra:
    """Frozen, slow, or behind links that break: a statement then ends well, late, refused, or unknown."""

    name, title, weight = "F2", "Cassandra is frozen, slow, or out of reach", 1.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """Mostly up to 3 s; one freeze in ten outlasts the handlers' 10 s."""
        how = rng.choice(["frozen", "frozen", "slow", "reset", "swallowed", "refused"])
        seconds = rng.uniform(0.3, 3.0)
        if how == "frozen" and rng.random() < 0.1:
            seconds = rng.uniform(5.0, 12.0)
        link = run.database_link
        detail: Detail = {"how": how, "seconds": round(seconds, 2)}
        delay_ms = rng.choice([5, 20, 100, 400])
        if how == "slow":
            detail["delay_ms"] = delay_ms
        with recorded(run, self.name, detail) as outcome:
            if how == "frozen":
                with run.cloud.frozen_cassandra():
                    await asyncio.sleep(seconds)
                return
            if how == "slow":
                link.delay(delay_ms / 1000)
            elif how == "refused":
                link.refuse()
            if how in ("reset", "refused"):
                outcome["links"] = link.reset()
            elif how == "swallowed":
                outcome["links"] = link.swallow()
            await asyncio.sleep(seconds)
            link.heal()

    async def heal(self, run: World) -> None:
        """Links pass everything; a freeze ended with its context."""
        run.database_link.heal()
