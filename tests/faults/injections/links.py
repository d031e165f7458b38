"""F8 and F9: client links that break without a word, and readers that are slow."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from tests.faults.device import DeviceProcess
from tests.faults.injections import raw
from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World


class BrokenLinks:
    """Cut without a close frame, half open, or never acknowledging: that a post was taken means nothing."""

    name, title, weight = "F8", "a client's socket is cut, half open, or never acknowledges", 2.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """Up to 3 s of one of the three; a half-open socket stays so until it is healed."""
        how = rng.choice(["cut", "cut", "half-open", "half-open", "never acks"])
        detail: Detail = {"how": how}
        if how == "never acks":
            with recorded(run, self.name, detail) as outcome:
                outcome["kept"] = await raw.never_acknowledge(run.cloud.base_url, rng)
            return
        candidates = usable(run)
        victims = rng.sample(candidates, rng.randint(min(1, len(candidates)), len(candidates)))
        detail["devices"] = [victim.address for victim in victims]
        with recorded(run, self.name, detail):
            for victim in victims:
                await (victim.cut() if how == "cut" else victim.go_silent())
                await asyncio.sleep(rng.uniform(0, 0.5))

    async def heal(self, run: World) -> None:
        """A half-open socket is reset, as a client's system does when its network is back."""
        run.client_link.heal()


class SlowReader:
    """A device reads a few kilobytes a second while many messages wait for it; the others are not held up."""

    name, title, weight = "F9", "a slow reader with many messages queued", 0.6

    async def inject(self, run: World, rng: random.Random) -> None:
        """Queue messages for a stopped device, then let it read slowly: 2 to 4 s."""
        candidates = usable(run)
        if not candidates:
            return
        victim = rng.choice(candidates)
        senders = [device for device in candidates if device.account != victim.account]
        if not senders:
            return
        sender, count = rng.choice(senders), rng.choice([50, 100, 200])
        rate, seconds = rng.choice([2_000, 8_000, 30_000]), rng.uniform(1.0, 3.0)
        detail: Detail = {
            "device": victim.address,
            "messages": count,
            "bytes_per_second": rate,
            "seconds": round(seconds, 2),
        }
        with recorded(run, self.name, detail):
            with suppress(*LOST):
                await victim.stop()
                await self._queue(sender, victim, count, rng)
                await victim.slow(rate)
                await victim.start()
                await asyncio.sleep(seconds)
            await victim.slow(0)

    async def _queue(
        self, sender: DeviceProcess, victim: DeviceProcess, count: int, rng: random.Random
    ) -> None:
        for number in range(count):
            await sender.send(victim.account, f"queued {number} {'.' * rng.randint(0, 400)}")

    async def heal(self, run: World) -> None:
        """Everybody reads at full speed."""
        run.client_link.heal()
