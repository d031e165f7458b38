"""F11: acknowledgements that are lost, that come twice, or that name what is somebody else's."""

from __future__ import annotations

import asyncio
import random
import secrets
from contextlib import suppress

from tests.e2e.client import Device, Name, new_id, now
from tests.e2e.tables import WEEK, Tables
from tests.faults.device import DeviceProcess
from tests.faults.injections import raw
from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World


class StrayAcks:
    """A row leaves by the acknowledgement of its own device alone, and comes again where that got lost."""

    name, title, weight = "F11", "acks are lost, doubled, or name foreign and unknown messages", 1.5

    async def inject(self, run: World, rng: random.Random) -> None:
        """Lost or doubled for up to 3 s, or a stranger acknowledges what waits for a frozen device."""
        how = rng.choice(["lose", "double", "fail", "foreign", "foreign"])
        victims = usable(run)
        if not victims:
            return
        victim = rng.choice(victims)
        detail: Detail = {"how": how, "device": victim.address}
        with recorded(run, self.name, detail) as outcome:
            if how == "foreign":
                await self._foreign(run, victim, rng, outcome)
            elif how == "fail":
                for _ in range(rng.randint(1, 4)):
                    run.barriers.once("ack.inbox.remove.before", "unavailable")
                    await asyncio.sleep(rng.uniform(0.1, 0.5))
            else:
                with suppress(*LOST):
                    await victim.acks("lose" if how == "lose" else "double")
                    await asyncio.sleep(rng.uniform(0.5, 3.0))
                    await victim.acks("pass")

    async def _foreign(self, run: World, victim: DeviceProcess, rng: random.Random, outcome: Detail) -> None:
        """Freeze the victim so that rows wait, and let a stranger acknowledge them in every way there is."""
        await victim.freeze()
        try:
            for device in usable(run):
                if device.account != victim.account:
                    with suppress(*LOST):
                        await device.send(victim.account, f"for the frozen one {rng.randint(0, 99)}")
            await asyncio.sleep(rng.uniform(0.5, 1.0))  # what the victim had sent before is served by now
            waiting = await asyncio.to_thread(_waiting, run.stage.tables, victim)
            async with raw.Borrowed(run.cloud.base_url, 1) as [stranger]:
                await _acknowledge(stranger, waiting, rng)
            left = await asyncio.to_thread(_waiting, run.stage.tables, victim)
            outcome["rows"] = len(waiting)
            gone = [name for name in waiting if name not in left and not victim.copied]
            assert not gone, f"{len(gone)} rows left an inbox by a stranger's acknowledgement"
        finally:
            await victim.thaw()

    async def heal(self, run: World) -> None:
        """Acks pass; nobody is frozen."""
        run.barriers.take_back("ack.inbox.remove.before", "unavailable")
        for device in run.devices:
            await device.thaw()
            if device.alive:
                with suppress(*LOST):
                    await device.acks("pass")


async def _acknowledge(stranger: Device, names: list[Name], rng: random.Random) -> None:
    """All of it as delivered and as quiet, some as read, and names that nobody has; sure to be served."""
    senders = {sender for _, sender in names}
    for sender in senders:  # so that false receipts go out, which their clients must not believe
        account = sender.partition(":")[0]
        with suppress(OSError):
            await asyncio.to_thread(stranger.request, "PUT", f"/v1/account/accepted/{account}")
    unknown = [[new_id(now() - rng.randint(0, 10_000)), sender] for sender in senders]
    unknown.append([new_id(), f"{new_id()}:{secrets.randbelow(5) + 1}"])
    for names_of_one in (names[:200], unknown):
        for kind in ("delivered", "quiet"):
            await raw.served(stranger, {"action": "sync", "ack": {kind: names_of_one}})


def _waiting(tables: Tables, device: DeviceProcess) -> list[Name]:
    """The names of the rows in a device's inbox, receipts left out."""
    cql = (
        "SELECT message_id, sender FROM inbox_by_account WHERE account_id = %s AND week = %s"
        " AND device_id = %s"
    )
    account, _, number = device.address.partition(":")
    week = now() // WEEK
    rows = [row for each in (week - 1, week) for row in tables.run(cql, account, each, int(number))]
    return [[row.message_id, row.sender] for row in rows if "/" not in row.sender]
