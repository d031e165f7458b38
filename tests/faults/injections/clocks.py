"""F13: clocks that are off, of devices and of workers."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress

from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World

SECOND, HOUR = 1_000, 3_600_000

FLOW = ("authorize", "connect", "disconnect", "sync", "send", "ack")

HOURS_OFF = ("authorize", "connect", "disconnect", "sync", "ack", "discovery", "account", "devices")
"""Whose clock may be hours off: it may refuse everybody, and when it is right again nothing is lost.

``send`` is not among them. Its answers teach the clients its time, and ids only ever rise within a
conversation: a clock that is two hours ahead costs a conversation two hours of waiting, whoever has it.
"""


class WrongClocks:
    """Ids follow the server's time as the client corrected it; order never follows a clock alone."""

    name, title, weight = "F13", "clocks of devices and workers are off", 1.5

    async def inject(self, run: World, rng: random.Random) -> None:
        """Off for 1 to 3 s."""
        how = rng.choice(["device", "device", "workers", "workers", "one worker by hours"])
        seconds = rng.uniform(1.0, 3.0)
        detail: Detail = {"how": how, "seconds": round(seconds, 2)}
        with recorded(run, self.name, detail) as outcome:
            if how == "device":
                off = rng.choice([-5 * SECOND, 5 * SECOND, -3 * HOUR, 3 * HOUR, _until_2038()])
                candidates = usable(run)
                victims = rng.sample(candidates, rng.randint(min(1, len(candidates)), len(candidates)))
                outcome.update({"devices": [victim.address for victim in victims], "milliseconds": off})
                for victim in victims:
                    with suppress(*LOST):
                        await victim.skew(off)
            elif how == "workers":
                outcome["skew"] = skew = {name: rng.randint(-5 * SECOND, 5 * SECOND) for name in FLOW}
                for function, off in skew.items():
                    run.barriers.skew(function, off)
            else:
                function, off = rng.choice(HOURS_OFF), rng.choice([-2, 2, 26]) * HOUR
                outcome.update({"function": function, "milliseconds": off})
                run.barriers.skew(function, off)
                for device in usable(run):
                    if rng.random() < 0.5:
                        await device.cut()
            await asyncio.sleep(seconds)
            await self.heal(run)

    async def heal(self, run: World) -> None:
        """All clocks are right."""
        for function in (*FLOW, *HOURS_OFF):
            run.barriers.skew(function, 0)
        for device in run.devices:
            with suppress(*LOST):
                await device.skew(0)


def _until_2038() -> int:
    """Milliseconds from now to where 32 bits of seconds end."""
    return 2**31 * SECOND - time.time_ns() // 1_000_000
