"""Who plays in a run: devices that register, are linked and removed, and what the server holds of them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.device import DeviceProcess, DeviceRefused, Options
from tests.faults.world import World

REMOVE_TRIES = 3
WEEK = 7 * 24 * 3600 * 1000

_INBOX = "SELECT device_id, message_id, sender FROM inbox_by_account WHERE account_id = %s AND week = %s"
_CONNECTIONS = (
    "SELECT device_id, connection_id, connect_number FROM connections_by_account WHERE account_id = %s"
)


class Cast:
    """The devices of one run, by name: ``a2`` is the second device of account ``a``."""

    def __init__(self, world: World, label: str, history: Path, mutants: Sequence[str] = ()) -> None:
        """``label`` tells the doors of this run from others'; ``mutants`` are what its devices run as."""
        self.world = world
        self._label = label
        self._history = history
        self._mutants = tuple(mutants)
        self._by_name: dict[str, DeviceProcess] = {}
        self._made: list[DeviceProcess] = []
        self._sockets_before = set(world.cloud.open_sockets())

    def __getitem__(self, name: str) -> DeviceProcess:
        return self._by_name[name]

    def account(self, name: str) -> str:
        """The id of account ``a``."""
        return self[f"{name}1"].account

    async def register(self, name: str, **options: Any) -> DeviceProcess:
        """The first device of a new account."""
        device = self._new(name)
        await device.start(**options)
        handle = f"f{secrets.token_hex(8)}"
        account, number = await device.ask("register", handle)
        self.world.recorder.record("account", account=account, handle=handle)
        return self._joined(device, account, number)

    async def link(self, name: str, **options: Any) -> DeviceProcess:
        """A further device of an account, taken in by its first."""
        device, first = self._new(name), self[f"{name[0]}1"]
        await device.start(**options)
        code = await device.ask("start_linking")
        await first.ask("link", code)
        return self._joined(device, *await device.ask("linked"))

    async def remove(self, by: DeviceProcess, device: DeviceProcess) -> None:
        """Take a device off the list; a refusal that may pass is tried again."""
        device.removed = True
        fields = {"who": device.address, "device": device.address, "what": "removed"}
        self.world.recorder.record("device", phase="invoke", **fields)
        phase = "unknown"
        for _ in range(REMOVE_TRIES):
            try:
                await by.ask("remove_device", device.number)
            except DeviceRefused as problem:
                if problem.code != "NOT_FOUND":
                    continue
            phase = "ok"
            break
        self.world.recorder.record("device", phase=phase, **fields)

    async def end(self) -> None:
        """Kill every process, of devices that never joined too."""
        for device in self._made:
            await device.kill()

    async def inbox(self, devices: Sequence[DeviceProcess]) -> list[dict[str, str]]:
        """The rows that wait for these devices."""
        week = time.time_ns() // 1_000_000 // WEEK
        rows = [
            {"device": f"{account}:{row.device_id}", "id": row.message_id, "sender": row.sender}
            for account in {device.account for device in devices}
            for each in (week - 1, week, week + 1)
            for row in await asyncio.to_thread(self.world.stage.tables.run, _INBOX, account, each)
        ]
        live = {device.address for device in devices}
        return [row for row in rows if row["device"] in live]

    async def record_server(self, devices: Sequence[DeviceProcess]) -> None:
        """Record what the server holds of the accounts of these devices, as the ``server`` record."""
        sockets = set(self.world.cloud.open_sockets()) - self._sockets_before
        rows = [
            {
                "account": account,
                "device": row.device_id,
                "connection_id": row.connection_id,
                "number": row.connect_number,
            }
            for account in {device.account for device in devices}
            for row in await asyncio.to_thread(self.world.stage.tables.run, _CONNECTIONS, account)
        ]
        self.world.recorder.record(
            "server", connections=rows, sockets=sorted(sockets), inbox=await self.inbox(devices)
        )

    def _new(self, name: str) -> DeviceProcess:
        store = self.world.folder / name / "profile.db"
        store.parent.mkdir()
        link = self.world.client_link.of(f"{self._label}-{name}")
        base_url = self.world.cloud.base_url
        options = Options(str(store), base_url, link.port, str(self._history), mutants=self._mutants)
        device = DeviceProcess(name, options, link, self.world.recorder)
        self._made.append(device)
        return device

    def _joined(self, device: DeviceProcess, account: str, number: int) -> DeviceProcess:
        device.account, device.number = account, number
        record = self.world.recorder.record
        record("client", who=device.address, what="start")
        record("device", who=device.address, device=device.address, what="added", phase="ok")
        self._by_name[device.name] = device
        self.world.devices.append(device)
        return device
