"""F17: a pool of prekeys that many claim at once, until there are none."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from tests.faults.injections import raw
from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World

CLAIMANTS = 4
ROUNDS = 12
"""More claims than there are keys, several at once."""


class DrainedPools:
    """No key is given twice, and an empty pool stops nobody: sessions begin without one-time keys then."""

    name, title, weight = "F17", "many claim few prekeys at once, and none are left", 1.5

    async def inject(self, run: World, rng: random.Random) -> None:
        """The victim is frozen, so it cannot refill; then others begin new sessions with it: 1 to 3 s."""
        victims = usable(run)
        if not victims:
            return
        victim = rng.choice(victims)
        detail: Detail = {"device": victim.address}
        with recorded(run, self.name, detail) as outcome, suppress(*LOST):
            async with raw.Borrowed(run.cloud.base_url, CLAIMANTS) as claimants:
                await victim.freeze()
                try:
                    given = 0
                    for _ in range(ROUNDS):
                        claims = (
                            raw.claim(run.recorder, each, victim.account, victim.number) for each in claimants
                        )
                        counts = await asyncio.gather(*claims)
                        given += sum(counts)
                        if not any(counts):
                            break
                    outcome["given"], outcome["empty"] = given, not any(counts)
                    for device in usable(run):
                        if device.account != victim.account:
                            await device.ask("begin_anew")
                            await device.send(victim.account, f"without a key {rng.randint(0, 999)}")
                    await asyncio.sleep(rng.uniform(0.3, 1.0))
                finally:
                    await victim.thaw()

    async def heal(self, run: World) -> None:
        """Thaw; the pool is filled by its device, once it is told."""
        for device in run.devices:
            await device.thaw()
