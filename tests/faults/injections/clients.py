"""F15: clients that are killed, rolled back, or that are two of one."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from heliograph import Client
from heliograph.errors import StoreLocked

from tests.faults.device import DeviceProcess
from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World
from tests.waiting import until


class BrokenClients:
    """The store is the truth of a device: what it holds survives a kill, and an old one is found out."""

    name, title, weight = "F15", "a client is killed, rolled back, copied, or opened twice", 2.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """One of them: 1 to 3 s."""
        victims = usable(run)
        if not victims:
            return
        victim = rng.choice(victims)
        how = rng.choice(["killed", "killed", "rolled back", "copied", "opened twice"])
        detail: Detail = {"how": how, "device": victim.address}
        with recorded(run, self.name, detail) as outcome, suppress(*LOST):
            if how == "killed":
                outcome["before its ack"] = await self._kill(run, victim, rng)
            elif how == "rolled back":
                outcome["seconds"] = await self._roll_back(run, victim, rng)
            elif how == "copied":
                await self._copy(victim, rng)
            else:
                await self._open_twice(victim)

    async def _kill(self, run: World, victim: DeviceProcess, rng: random.Random) -> bool:
        """Kill it when messages are stored and not acknowledged. False if none came in time."""
        await victim.ask("die_before_ack")
        await self._wake(run, victim, rng)
        died = True
        try:
            await until(lambda: not victim.alive, seconds=2)
        except TimeoutError:
            died = False
        await victim.kill()
        await asyncio.sleep(rng.uniform(0, 0.3))
        await victim.start()
        return died

    async def _roll_back(self, run: World, victim: DeviceProcess, rng: random.Random) -> float:
        """Come back with the store of a while ago."""
        snapshot = await victim.snapshot()
        await self._wake(run, victim, rng)
        seconds = round(rng.uniform(0.3, 1.5), 2)
        await asyncio.sleep(seconds)
        await victim.kill()
        await victim.restore(snapshot)
        await victim.start()
        return seconds

    async def _copy(self, victim: DeviceProcess, rng: random.Random) -> None:
        """Use a copy of the store beside the store: two devices that believe to be one."""
        twin = await victim.copy(await victim.snapshot())
        try:
            await asyncio.sleep(rng.uniform(0.5, 1.5))
        finally:
            await twin.stop()
        await victim.stop()  # the twin may have replaced it for good
        await victim.start()

    async def _open_twice(self, victim: DeviceProcess) -> None:
        """A second process must not get the store."""
        try:
            async with Client(victim.store, connect=False):
                raise AssertionError("two processes have one store open")
        except StoreLocked:
            return

    async def _wake(self, run: World, victim: DeviceProcess, rng: random.Random) -> None:
        """Have something on its way to the victim."""
        for device in usable(run):
            if device.account != victim.account and rng.random() < 0.7:
                with suppress(*LOST):
                    await device.send(victim.account, f"on its way {rng.randint(0, 999)}")

    async def heal(self, run: World) -> None:
        """Nothing is left but what the stores hold."""
