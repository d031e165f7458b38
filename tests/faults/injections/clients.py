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
                outcome.update(await self._roll_back(run, victim, rng))
            elif how == "copied":
                await self._copy(run, victim, rng)
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

    async def _roll_back(self, run: World, victim: DeviceProcess, rng: random.Random) -> Detail:
        """Come back with the store of a while ago; sessions went on meanwhile, both ways.

        Only a connect in between gives it away. Where there was none, keys of messages are used again.
        """
        snapshot = await victim.snapshot()
        await self._wake(run, victim, rng)
        await self._write(run, victim)
        seconds, connects = round(rng.uniform(0.3, 1.5), 2), rng.random() < 0.6
        await asyncio.sleep(seconds)
        if connects:
            await victim.kill()
            await victim.start()
            await victim.ask("connected", 10)
        await victim.kill()
        await victim.restore(snapshot)
        await victim.start()
        await self._write(run, victim)
        return {"seconds": seconds, "connects": connects}

    async def _copy(self, run: World, victim: DeviceProcess, rng: random.Random) -> None:
        """Use a copy of the store beside the store: two devices that believe to be one, and both write."""
        twin = await victim.copy(await victim.snapshot())
        try:
            await self._write(run, twin)
            await asyncio.sleep(rng.uniform(0.2, 0.7))
            await self._write(run, victim)
            await asyncio.sleep(rng.uniform(0.3, 0.8))
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

    async def _write(self, run: World, by: DeviceProcess) -> None:
        """Have the sessions of a device move on."""
        for account in dict.fromkeys(device.account for device in usable(run)):
            if account != by.account:
                await by.send(account, f"{by.name} goes on")

    async def heal(self, run: World) -> None:
        """Nothing is left but what the stores hold."""
