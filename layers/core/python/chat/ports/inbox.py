"""Undelivered rows: what each device has not acknowledged yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.domain.ids import Address, MessageId, MessageName

DROPPED_TTL = 1
"""Seconds that an empty row for nobody lives: what a blocked account sends costs as many writes."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One row: for which device, its name, its blob (chat.domain.envelope), and its life in seconds."""

    device: Address
    name: MessageName
    envelope: bytes
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as read back."""

    name: MessageName
    envelope: bytes


class Inbox(Protocol):
    """Rows go in before connections are read, and leave only by full key."""

    def put(self, rows: Sequence[InboxRow]) -> None:
        """Write all rows at LOCAL_QUORUM and wait for them: accounts side by side, an account's in order.

        Writing a row again overwrites it. Raises ``RowsMissing`` where some accounts failed: repeat all
        rows of those. Of an account's rows a later one is never there for good while an earlier one of
        another batch failed.
        """
        ...

    def remove(self, device: Address, names: Collection[MessageName]) -> None:
        """Delete these rows of one device by full key; a missing row is no error."""
        ...

    def page(self, device: Address, week: int, since: MessageId, limit: int) -> list[StoredRow]:
        """At most ``limit`` rows of one week with ``id >= since``, in order of (id, sender)."""
        ...

    def present(self, device: Address, week: int, ids: Collection[MessageId]) -> set[MessageName]:
        """Which rows with one of these ids (at most 20) are still there."""
        ...
