"""Prekeys: the public keys that devices leave, so that others begin sessions with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from chat.domain.ids import Address
from chat.domain.prekeys import Ids, Kind, Prekey


class Prekeys(Protocol):
    """Rows never change; each is added once and removed once. Reads are LOCAL_QUORUM and never cached."""

    def ids(self, devices: Collection[Address]) -> Mapping[Address, Ids]:
        """What each device has, all read at once; a device without keys has no ids. StorageUnavailable."""
        ...

    def read(self, device: Address, names: Collection[tuple[Kind, int]]) -> Mapping[tuple[Kind, int], Prekey]:
        """Those of the keys that are there, all read at once. Raises StorageUnavailable."""
        ...

    def add(self, device: Address, kind: Kind, key: Prekey) -> bool:
        """Store a key where none of its id is. False if another key stands there. Safe to repeat.

        Raises StorageUnavailable or OutcomeUnknown: it may be stored.
        """
        ...

    def remove(self, device: Address, kind: Kind, number: int) -> bool:
        """Delete a key; of callers at the same time one gets True, or none. A repeat removes nothing.

        Raises StorageUnavailable, or OutcomeUnknown: it may be gone, and nobody knows to whom it went.
        """
        ...
