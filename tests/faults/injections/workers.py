"""F3 and F19: Lambda environments that die between two steps, or are frozen between two frames."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import suppress

import psutil

from tests.faults.device import DeviceProcess
from tests.faults.injections.base import LOST, Detail, recorded, usable
from tests.faults.world import World

_TELL = (
    "limits.take cards.read connections.of_accounts sockets.post_all connections.remove"
    " inbox.put inbox.remove"
)
"""What every frame may come to that carries messages or acknowledgements."""

_CALLS = {
    "authorize": "cards.devices connect_numbers.raise_to",
    "connect": "connections.add cards.devices",
    "disconnect": "connections.remove",
    "sync": (
        "connections.of_account connections.add cards.devices connect_numbers.seen inbox.page inbox.present"
        f" sockets.close prekeys.ids {_TELL}"
    ),
    "send": f"cards.accept {_TELL}",
    "ack": _TELL,
    "keys": (
        "cards.devices prekeys.ids prekeys.read prekeys.add prekeys.remove limits.take"
        " used_proofs.use connections.of_accounts connections.remove sockets.post_all"
    ),
}
"""What the functions of the message flow call, by port."""

_STATEMENTS = {
    "authorize": "start run apply",
    "connect": "start run",
    "disconnect": "run",
    "sync": "start run batch",
    "send": "start run batch apply",
    "ack": "start run batch",
    "keys": "start run apply",
}
"""What their adapters ask of the database session: between two rows of one port call, too."""

POINTS: tuple[str, ...] = tuple(
    f"{function}.{call}.{side}"
    for function, calls in _CALLS.items()
    for call in (*calls.split(), *(f"storage.{verb}" for verb in _STATEMENTS[function].split()))
    for side in ("before", "after")
)
"""Every place of the message flow where a worker may die."""

reached: Counter[str] = Counter()
"""How many workers died at which point in this process's runs."""

WAIT_SECONDS = 2.0
"""How long a kill waits for somebody to get there: the conversation may not lead there any more."""


class KilledWorker:
    """The worker process ends at a point, as at a crash or when AWS takes the environment away."""

    name, title, weight = "F3", "a Lambda worker dies between two steps", 3.0

    async def inject(self, run: World, rng: random.Random) -> None:
        """Up to three kills at once, each at a point of its own, while devices reconnect to lead there."""
        points = rng.sample(POINTS, rng.randint(1, 3))
        candidates = usable(run)
        nudged = rng.sample(candidates, min(len(candidates), 2))
        with recorded(run, self.name, {"points": points}) as outcome:
            for point in points:
                run.barriers.once(point, "kill")
            try:
                await self._lead_there(run, points, nudged)
            finally:
                missed = [point for point in points if run.barriers.take_back(point, "kill")]
                outcome["reached"] = [point for point in points if point not in missed]
                reached.update(outcome["reached"])

    async def _lead_there(self, run: World, points: list[str], nudged: list[DeviceProcess]) -> None:
        """Sends and acks come from the conversation, key requests from new sessions, the rest from a cut."""
        end = asyncio.get_running_loop().time() + WAIT_SECONDS
        for device in nudged:
            if any(not point.startswith(("send.", "ack.", "keys.")) for point in points):
                await device.cut()
            if any(point.startswith("keys.") for point in points):
                with suppress(*LOST):  # the next messages want bundles
                    await device.ask("refill")
                    await device.ask("begin_anew")
            await asyncio.sleep(WAIT_SECONDS / 8)
        while any(run.barriers.is_set(point, "kill") for point in points):
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(0.02)

    async def heal(self, run: World) -> None:
        """Nobody is killed any more."""
        for point in POINTS:
            run.barriers.take_back(point, "kill")


class FrozenWorkers:
    """AWS freezes an environment between two invocations, for minutes, and its links die meanwhile.

    Here the freeze is short and the links are lost at its start: what the thawed worker finds is the same.
    """

    name, title, weight = "F19", "Lambda workers are frozen and thaw with dead links", 1.0

    def __init__(self) -> None:
        self._frozen: set[int] = set()

    async def inject(self, run: World, rng: random.Random) -> None:
        """Freezes all workers of some functions, loses every database link, thaws: 1 to 3 s."""
        functions = rng.sample(["authorize", "connect", "sync", "send", "ack"], rng.randint(1, 3))
        how, seconds = rng.choice(["reset", "swallow"]), rng.uniform(0.5, 2.0)
        detail: Detail = {"functions": functions, "links": how, "seconds": round(seconds, 2)}
        with recorded(run, self.name, detail) as outcome:
            pids = [pid for pid, function in workers(run).items() if function in functions]
            try:
                for pid in pids:
                    self._signal(pid, signal.SIGSTOP)
                outcome["workers"] = len(pids)
                outcome["lost"] = getattr(run.database_link, how)()
                await asyncio.sleep(seconds)
            finally:
                await self.heal(run)

    async def heal(self, run: World) -> None:
        """Thaw; what was swallowed is reset, as by a peer that forgot the link."""
        for pid in list(self._frozen):
            self._signal(pid, signal.SIGCONT)
        run.database_link.heal()

    def _signal(self, pid: int, what: signal.Signals) -> None:
        (self._frozen.add if what == signal.SIGSTOP else self._frozen.discard)(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, what)


def workers(run: World) -> dict[int, str]:
    """The processes of all functions, with the function's name in the routes."""
    found: dict[int, str] = {}
    for child in psutil.Process(run.cloud.processes["aws"]).children(recursive=True):
        with suppress(psutil.Error):
            name = child.environ().get("AWS_LAMBDA_FUNCTION_NAME", "")
            if name:
                found[child.pid] = name.rpartition("-")[2]
    return found
