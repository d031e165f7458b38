"""F10 and F12: many sockets at once, two of one device, late goodbyes, and connects amid lookups."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from tests.faults.device import DeviceProcess
from tests.faults.injections import raw
from tests.faults.injections.base import Detail, recorded, usable
from tests.faults.world import World

STORM = 500
"""Sockets of a full storm; one storm in twenty is one."""

LOOKUPS = (
    "send.inbox.put.after",
    "send.connections.of_accounts.before",
    "send.connections.of_accounts.after",
    "send.sockets.post_all.before",
    "connect.connections.add.before",
    "connect.connections.add.after",
    "sync.connections.of_account.before",
    "sync.connections.of_account.after",
    "sync.inbox.page.before",
    "sync.inbox.page.after",
)
"""Where a sender and a connecting receiver can pass each other."""

SHAKEN = (
    "send.inbox",
    "send.connections",
    "send.sockets",
    "connect.connections",
    "sync.connections",
    "sync.inbox",
)


class ReconnectStorm:
    """Everybody comes back at once; a device comes twice; a goodbye is told after the next hello."""

    name, title, weight = "F10", "a storm of connects, two of one device, a late $disconnect", 1.2

    async def inject(self, run: World, rng: random.Random) -> None:
        """One of the three: 1 to 4 s, a full storm up to 20."""
        how = rng.choice(["raw storm", "everybody", "everybody", "late disconnect", "late disconnect"])
        detail: Detail = {"how": how}
        if how == "raw storm":
            sockets = STORM if rng.random() < 0.05 else rng.randint(10, 40)
            detail["sockets"] = sockets
            with recorded(run, self.name, detail) as outcome:
                outcome.update(await raw.storm(run.cloud.base_url, sockets, devices=max(2, sockets // 10)))
        elif how == "everybody":
            with recorded(run, self.name, detail):
                for _ in range(rng.randint(1, 3)):
                    await asyncio.gather(*(device.cut() for device in usable(run)))
                    await asyncio.sleep(rng.uniform(0.1, 0.8))
        elif usable(run):
            await self._late_disconnect(run, rng.choice(usable(run)), rng, detail)

    async def _late_disconnect(
        self, run: World, victim: DeviceProcess, rng: random.Random, detail: Detail
    ) -> None:
        point = "disconnect.connections.remove.before"
        detail["device"] = victim.address
        with recorded(run, self.name, detail) as outcome:
            run.barriers.hold(point, only=victim.account)
            await victim.cut()
            try:
                await run.barriers.reached(point, seconds=2)
                outcome["late_by_seconds"] = late = round(rng.uniform(0.3, 1.5), 2)
                await asyncio.sleep(late)  # the device is back meanwhile
            except TimeoutError:
                outcome["reached"] = False
            finally:
                run.barriers.let_go(point)

    async def heal(self, run: World) -> None:
        """Nobody is held."""
        run.barriers.let_go("disconnect.connections.remove.before")


class ConnectAmidLookup:
    """A receiver connects while a sender stores and looks up: one of the two must see the other."""

    name, title, weight = "F12", "a connect while a sender looks up", 2.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """Devices reconnect again and again while calls are held or shaken: 2 to 4 s."""
        how = rng.choice(["held", "shaken"])
        end = asyncio.get_running_loop().time() + rng.uniform(1.5, 3.0)
        detail: Detail = {"how": how}
        with recorded(run, self.name, detail) as outcome:
            if how == "shaken":
                detail["milliseconds"] = milliseconds = rng.choice([5, 20, 60])
                run.barriers.jitter(milliseconds, rng.getrandbits(32), SHAKEN)
            outcome["held"] = []
            while asyncio.get_running_loop().time() < end:
                victims = usable(run)
                if not victims:
                    break
                victim = rng.choice(victims)
                await victim.cut()
                if how == "held":
                    outcome["held"] += await self._hold_one(run, victim.account, rng)
                else:
                    await asyncio.sleep(rng.uniform(0.05, 0.6))
            run.barriers.calm()

    async def _hold_one(self, run: World, account: str, rng: random.Random) -> list[str]:
        """Hold a call about the account until others have passed it; the points that somebody got to."""
        point = rng.choice(LOOKUPS)
        run.barriers.hold(point, only=account)
        try:
            with suppress(TimeoutError):
                await run.barriers.reached(point, seconds=0.8)
                await asyncio.sleep(rng.uniform(0.05, 0.6))
                return [point]
            return []
        finally:
            run.barriers.let_go(point)

    async def heal(self, run: World) -> None:
        """Nobody is held, nobody waits."""
        run.barriers.calm()
        for point in LOOKUPS:
            run.barriers.let_go(point)
