"""The device list of an account: one versioned value, changed as a whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from chat.domain.ids import AccountId, DeviceId

DEVICE_LIMIT = 5
"""Live devices an account may have."""

FIRST_DEVICE = DeviceId(1)
"""The number of the device that registers an account."""

LAST_DEVICE = 32_767
"""The highest number of a device."""


@dataclass(frozen=True, slots=True)
class LinkStatement:
    """The signature of a device that took another one in, kept for peers to check the chain."""

    device: DeviceId
    time: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its number, its Ed25519 key, when the server added it (ms) and its private name."""

    device: DeviceId
    auth_key: bytes
    added_at: int
    name: str
    linked_by: LinkStatement | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How the devices that a message names differ from the list: see DEVICE_LIST_STALE in docs/errors.md."""

    version: int
    missing: tuple[int, ...]
    extra: tuple[int, ...]
    stale: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeviceList:
    """All live devices of an account. ``next_device`` only grows, so a number is never used again.

    An empty one is that of a retired account: its handle was registered again, and it never comes back.
    """

    account: AccountId
    handle: str
    version: int
    next_device: int
    devices: tuple[Device, ...]

    @property
    def refusal(self) -> Literal["DEVICE_REMOVED", "ACCOUNT_REPLACED"]:
        """Why a device that was on it and is no more gets nothing here: code and close reason."""
        return "DEVICE_REMOVED" if self.devices else "ACCOUNT_REPLACED"

    def find(self, device: DeviceId) -> Device | None:
        """The live device of that number, if there is one."""
        return next((d for d in self.devices if d.device == device), None)

    def find_key(self, auth_key: bytes) -> Device | None:
        """The live device with that key, if there is one."""
        return next((d for d in self.devices if d.auth_key == auth_key), None)

    def with_device(self, auth_key: bytes, name: str, now: int, linked_by: LinkStatement) -> DeviceList:
        """The next version, with one device more."""
        device = Device(DeviceId(self.next_device), auth_key, now, name, linked_by)
        return replace(
            self,
            version=self.version + 1,
            next_device=self.next_device + 1,
            devices=(*self.devices, device),
        )

    def without(self, *devices: DeviceId) -> DeviceList:
        """The next version, with these devices removed."""
        left = tuple(d for d in self.devices if d.device not in devices)
        return replace(self, version=self.version + 1, devices=left)

    def difference(self, named: Collection[int], *, besides: int | None = None) -> Difference | None:
        """``None`` if ``named`` is exactly the list (without ``besides``, the sending device itself)."""
        live = {int(d.device) for d in self.devices} - {besides}
        if live == set(named):
            return None
        unknown = set(named) - live
        return Difference(
            version=self.version,
            missing=tuple(sorted(live - set(named))),
            extra=tuple(sorted(d for d in unknown if d >= self.next_device or d == besides)),
            stale=tuple(sorted(d for d in unknown if d < self.next_device and d != besides)),
        )
