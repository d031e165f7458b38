"""The device list of an account: one versioned value, changed as a whole, and the head of its chain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from chat.domain.device_chain import EMPTY, Chain, ChainEntry
from chat.domain.ids import AccountId, DeviceId

DEVICE_LIMIT = 5
"""Live devices an account may have."""

FIRST_DEVICE = DeviceId(1)
"""The number of the device that registers an account."""

LAST_DEVICE = 32_767
"""The highest number of a device."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its number, its Ed25519 key, when the server added it (ms) and its private name.

    ``linked_by``: the device that took it in; the one that registered has none.
    """

    device: DeviceId
    auth_key: bytes
    added_at: int
    name: str
    linked_by: DeviceId | None = None


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
    ``chain`` is empty where an account was retired before it was made. ``lapsed``: devices that the server
    took off by itself; they get nothing any more, but stay in the chain until an own device signs that
    they go.
    """

    account: AccountId
    handle: str
    version: int
    next_device: int
    devices: tuple[Device, ...]
    chain: Chain = EMPTY
    lapsed: tuple[DeviceId, ...] = ()

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

    def with_device(self, entry: ChainEntry, name: str, now: int) -> DeviceList:
        """The next version, with the device that a signed entry adds."""
        device = Device(entry.device, entry.auth_key, now, name, linked_by=entry.signer)
        return replace(
            self,
            version=self.version + 1,
            next_device=self.next_device + 1,
            devices=(*self.devices, device),
            chain=self.chain.with_entry(self.account, entry),
        )

    def signed_out(self, entry: ChainEntry) -> DeviceList:
        """The next version, without the live or lapsed device that a signed entry removes."""
        return replace(
            self,
            version=self.version + 1,
            devices=tuple(d for d in self.devices if d.device != entry.device),
            chain=self.chain.with_entry(self.account, entry),
            lapsed=tuple(device for device in self.lapsed if device != entry.device),
        )

    def without(self, *devices: DeviceId) -> DeviceList:
        """The next version, without these devices, for which nobody signed: they have lapsed."""
        gone = tuple(d.device for d in self.devices if d.device in devices)
        return replace(
            self,
            version=self.version + 1,
            devices=tuple(d for d in self.devices if d.device not in gone),
            lapsed=(*self.lapsed, *gone),
        )

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
