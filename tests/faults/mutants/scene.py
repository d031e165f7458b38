"""A directed run: a few devices, one fault at the right moment, no luck.

Unlike in a random run nothing is opened again at the end: a wake-up that was missed would be made up for by
the next connect, and nobody would see it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.barriers import Barriers
from tests.faults.cast import Cast
from tests.faults.device import DeviceProcess, DeviceRefused
from tests.faults.history import Record, Recorder, read
from tests.faults.injections import raw
from tests.faults.world import Stage, World

STEP_SECONDS = 6.0
"""How long a step that the scenario rests on may take."""

QUIET_SECONDS = 4.0
"""How long what is under way at the end may take: a refused frame is repeated after one second."""

SETTLED_SECONDS = 0.3
"""Nothing moved for so long, and all was delivered: it is over."""

STUCK_SECONDS = 1.5
"""Nothing moved for so long: it is over, whatever was not delivered. A function starts in less."""

NO_KEEP_ALIVE = 540.0
"""Seconds: the SDK's own. A keep-alive within a scenario would drain what a post should have brought."""


class Scene:
    """What a scenario says its steps with."""

    def __init__(self, stage: Stage, folder: Path, mutant: str) -> None:
        """``mutant``: as what the devices run; "" for the real code."""
        folder.mkdir(parents=True)
        self.history = folder / "history.jsonl"
        self.world = World(stage, folder, Recorder(self.history, "harness"))
        mutants = (mutant,) if mutant else ()
        self.cast = Cast(self.world, folder.name, self.history, mutants)
        self.twins: list[DeviceProcess] = []

    @property
    def barriers(self) -> Barriers:
        """The fail-points inside the functions."""
        return self.world.barriers

    # -- who plays -------------------------------------------------------------------------------

    async def devices(self, *names: str) -> list[DeviceProcess]:
        """Devices that are online: ``a1`` the first of account a, ``a2`` one that it linked."""
        options = {"keep_alive": NO_KEEP_ALIVE}
        await asyncio.gather(*(self.cast.register(name, **options) for name in names if name.endswith("1")))
        for name in names:
            if not name.endswith("1"):
                await self.cast.link(name, **options)
        await asyncio.gather(*(self.cast[name].ask("connected", 30) for name in names))
        return [self.cast[name] for name in names]

    async def back(self, device: DeviceProcess, **options: Any) -> None:
        """Open a device that is away and wait for its drain; a mutant may have none."""
        await device.start(**options)
        with suppress(DeviceRefused):
            await device.ask("connected", QUIET_SECONDS)

    async def again(self, device: DeviceProcess, **options: Any) -> None:
        """Close a device and open it again."""
        await device.stop()
        await self.back(device, **options)

    async def twin(self, device: DeviceProcess) -> DeviceProcess:
        """A second process on a copy of the device's store, online."""
        made = await device.copy(await device.snapshot())
        self.twins.append(made)
        with suppress(DeviceRefused):
            await made.ask("connected", QUIET_SECONDS)
        return made

    # -- what happens ----------------------------------------------------------------------------

    async def send(self, sender: DeviceProcess, to: DeviceProcess, text: str = "hello") -> str:
        """Put a text into the sender's outbox; gives its logical id."""
        return str(await sender.ask("send", to.account, text))

    async def sent(self, sender: DeviceProcess, to: DeviceProcess, text: str = "hello") -> str:
        """Send a text and wait until it is accepted."""
        logical = await self.send(sender, to, text)
        await self.expect(lambda: self.status(logical), f"{logical} is accepted")
        return logical

    async def claim(self, account: str, *devices: int) -> None:
        """Let a stranger take keys of devices."""
        async with raw.Borrowed(self.world.cloud.base_url, 1) as (stranger,):
            await raw.claim(self.world.recorder, stranger, account, *devices)

    async def accept(self, device: DeviceProcess, peer: DeviceProcess) -> None:
        """Let the account of ``device`` accept that of ``peer``, so that it owes it receipts."""
        await device.ask("relate", "accept", peer.account)

    async def delivered(self, sender: DeviceProcess, to: DeviceProcess) -> str:
        """Send a text, and wait until it is shown and its row is gone."""
        logical = await self.sent(sender, to)
        await self.expect(lambda: self.is_shown(to, logical), f"{logical} is shown")
        await self.emptied(to)
        return logical

    async def emptied(self, device: DeviceProcess) -> None:
        """Wait until a device's inbox is empty."""

        async def is_empty() -> bool:
            return not await self.cast.inbox([device])

        await self.expect(is_empty, f"the inbox of {device.name} is empty")

    # -- what was seen ---------------------------------------------------------------------------

    def records(self, kind: str, **fields: Any) -> list[Record]:
        """The records of a kind with these fields, so far."""
        return [
            record
            for record in read(self.history)
            if record["kind"] == kind and fields.items() <= record.items()
        ]

    def status(self, logical: str) -> str:
        """The last status of a message that its sender was told; "" for none."""
        told = self.records("status", logical=logical)
        return str(told[-1]["status"]) if told else ""

    def is_shown(self, device: DeviceProcess, logical: str) -> bool:
        """Whether the device's application was shown the message."""
        return bool(self.records("shown", who=device.address, logical=logical))

    def has_acked(self, device: DeviceProcess) -> bool:
        """Whether the device acknowledged anything."""
        return any(
            "ack" in record["frame"] for record in self.records("frame", who=device.address, way="out")
        )

    async def within(
        self, seconds: float, condition: Callable[[], Awaitable[object]] | Callable[[], object]
    ) -> bool:
        """Wait for a condition; False if it does not come."""
        end = time.monotonic() + seconds
        while True:
            found = condition()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return True
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.01)

    async def expect(
        self, condition: Callable[[], Awaitable[object]] | Callable[[], object], what: str
    ) -> None:
        """Wait for what the scenario rests on. Raises TimeoutError."""
        if not await self.within(STEP_SECONDS, condition):
            raise TimeoutError(f"not within {STEP_SECONDS:g} s: {what}")

    # -- the end ---------------------------------------------------------------------------------

    async def end(self) -> None:
        """Wait until it is quiet, or long enough, and record what everybody holds."""
        self.world.recorder.record("healed")
        staying = [device for device in self.world.devices if not device.removed]
        size, since = -1, time.monotonic()

        async def is_quiet() -> bool:
            nonlocal size, since
            if self.history.stat().st_size != size:
                size, since = self.history.stat().st_size, time.monotonic()
            still = time.monotonic() - since
            if still < SETTLED_SECONDS or await self.cast.inbox(staying):
                return False
            return still > STUCK_SECONDS or self._all_delivered()

        await self.within(QUIET_SECONDS, is_quiet)
        await self.cast.record_server(staying)
        for device in staying:
            await device.ask("final")

    def _all_delivered(self) -> bool:
        sent = self.records("send", phase="ok")
        return all(self.status(record["logical"]) in ("delivered", "read") for record in sent)

    async def leave(self) -> None:
        """End all processes and take back all faults."""
        self.world.stage.heal()
        await self.cast.end()
        for twin in self.twins:
            await twin.kill()
        self.world.recorder.close()
