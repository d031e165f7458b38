"""One run: set up, talk while things break, heal, wait until all is quiet, look.

A run that does not become quiet is a violation of its own (``liveness``): something is stuck.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException

from tests.faults.cast import Cast
from tests.faults.checker import Violation, check
from tests.faults.device import DeviceGone, DeviceProcess, DeviceRefused
from tests.faults.history import Recorder, read
from tests.faults.plan import Plan, Step
from tests.faults.world import Injection, Stage, World

QUIET_SECONDS = 120.0
"""How long after healing everything may take to settle.

After a restart of the local AWS every function starts anew: 10 s on an idle machine, 55 s on a crowded one.
"""

SETTLED_SECONDS = 1.2
"""Nothing moves for so long: four keep-alives, each of which asks for missing receipts."""

KEEP_ALIVE = 0.3

RECEIPT_AFTER_MS = -15_000
"""Lost receipts are asked for at once, for ids ahead of now too: a worker's clock may have been fast."""


@dataclass(slots=True)
class Outcome:
    """What became of a run. ``faults``: the names of those that were injected."""

    seed: int
    history: Path
    faults: tuple[str, ...]
    violations: list[Violation] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    records: int = 0


class Run:
    """Plays one plan."""

    def __init__(
        self,
        plan: Plan,
        stage: Stage,
        folder: Path,
        injections: Mapping[str, Injection],
    ) -> None:
        folder.mkdir(parents=True)
        self._plan = plan
        self._history = folder / "history.jsonl"
        self.world = World(stage, folder, Recorder(self._history, "harness"))
        self._injections = injections
        self._cast = Cast(self.world, str(plan.seed), self._history)

    async def play(self) -> Outcome:
        """The whole run; never leaves a process or a fault behind."""
        outcome = Outcome(self._plan.seed, self._history, tuple(name for _, name in self._plan.faults))
        (self.world.folder / "plan.txt").write_text(f"{self._plan}\n")
        try:
            for name, phase in (
                ("setup", self._set_up),
                ("talk", self._talk),
                ("heal", self._heal),
                ("settle", self._settle),
                ("again", self._talk_again),
                ("settle again", self._settle),
                ("end", self._end),
            ):
                began = time.monotonic()
                await phase()
                outcome.seconds[name] = time.monotonic() - began
        except TimeoutError as stuck:
            outcome.violations.append(Violation("liveness", str(stuck)))
        except AssertionError as seen:  # an injection saw what no history shows
            outcome.violations.append(Violation("injection", str(seen)))
        except (OSError, WebSocketException) as unmet:  # one run less shown, and the others go on
            outcome.violations.append(Violation("harness", repr(unmet)))
        finally:
            self.world.stage.heal()
            await self._cast.end()
            self.world.recorder.close()
        began = time.monotonic()
        records = read(self._history)
        outcome.records = len(records)
        outcome.violations += check(records)
        outcome.seconds["check"] = time.monotonic() - began
        return outcome

    # -- set up ----------------------------------------------------------------------------------

    async def _set_up(self) -> None:
        firsts = [name for name in self._plan.devices if name.endswith("1")]
        await asyncio.gather(*(self._cast.register(name) for name in firsts))
        others = [name for name in self._plan.devices if name not in firsts]
        await asyncio.gather(*(self._cast.link(name) for name in others))
        await asyncio.gather(*(device.ask("connected", 30) for device in self.world.devices))

    # -- talk ------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        began = time.monotonic()
        doing = [
            asyncio.create_task(self._act(name, began))
            for name in dict.fromkeys(step.device for step in self._plan.steps)
        ]
        breaking = [asyncio.create_task(self._break(at, name, began)) for at, name in self._plan.faults]
        # All of them end by themselves: one left behind by another's failure would act on the next run.
        for ended in await asyncio.gather(*breaking, *doing, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _break(self, at: float, name: str, began: float) -> None:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        await self._injections[name].inject(self.world, random.Random(f"{self._plan.seed}/{name}"))

    async def _act(self, name: str, began: float) -> None:
        """All steps of a device, in order; one that a crash cuts short is left to the history."""
        for step in self._plan.steps:
            if step.device != name:
                continue
            await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
            try:
                await self._do(self._cast[name], step)
            except DeviceGone:
                continue
            except DeviceRefused as refused:
                if refused.unexpected:
                    raise AssertionError(f"{name}: {refused}") from refused

    async def _do(self, device: DeviceProcess, step: Step) -> None:
        match step.what:
            case "send":
                await device.ask("send", self._cast.account(step.argument), step.body)
            case "read":
                await device.ask("read", int(step.argument))
            case "block" | "unblock" | "accept":
                await device.ask("relate", step.what, self._cast.account(step.argument))
            case "restart" | "kill":
                await (device.stop() if step.what == "restart" else device.kill())
                await device.start()
            case "link":
                await self._cast.link(step.argument)
            case "remove":
                await self._cast.remove(device, self._cast[step.argument])

    # -- heal and settle -------------------------------------------------------------------------

    async def _heal(self) -> None:
        """End all faults, and open every device again, with its clock right."""
        for _, name in self._plan.faults:
            await self._injections[name].heal(self.world)
        self.world.stage.heal()
        await asyncio.to_thread(self.world.cloud.wait_for_cassandra)
        self.world.recorder.record("healed")
        await asyncio.gather(*(self._reopen(device) for device in self.world.devices if not device.removed))

    async def _reopen(self, device: DeviceProcess) -> None:
        await device.thaw()
        await device.stop()
        await device.start(skew_ms=0, keep_alive=KEEP_ALIVE, receipt_after_ms=RECEIPT_AFTER_MS)

    async def _settle(self) -> None:
        """Wait until nothing waits anywhere and no status moves."""
        deadline = time.monotonic() + QUIET_SECONDS
        alive = [device for device in self.world.devices if not device.removed]
        before: Any = None
        since = time.monotonic()
        while True:
            waiting = [text for texts in await asyncio.gather(*map(self._waits_for, alive)) for text in texts]
            rows = await self._cast.inbox(alive)
            waiting += [f"the inbox of {row['device']} holds {row['id']}" for row in rows]
            now = (waiting, await asyncio.gather(*(device.ask("statuses") for device in alive)))
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since >= SETTLED_SECONDS and not waiting:
                break
            if time.monotonic() > deadline:
                if waiting:
                    raise TimeoutError("; ".join(waiting[:10]))
                break
            await asyncio.sleep(0.1)

    async def _talk_again(self) -> None:
        """Everybody writes to everybody once more: whatever befell sessions, they get through now."""
        firsts = [device for device in self.world.devices if device.name.endswith("1")]
        for device in firsts:
            for other in firsts:
                if other is not device:
                    await device.send(other.account, f"{device.name} is still there")

    async def _end(self) -> None:
        """Record what everybody holds."""
        alive = [device for device in self.world.devices if not device.removed]
        await self._cast.record_server(alive)
        for device in alive:
            await device.ask("final")

    async def _waits_for(self, device: DeviceProcess) -> list[str]:
        state, pending = await device.ask("state"), await device.ask("pending")
        found = [] if state == "online" else [f"{device.name} is {state}"]
        return found + ([f"{device.name} has {pending} pending"] if pending else [])
