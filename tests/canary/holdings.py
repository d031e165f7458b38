"""What a device must never give away: read out of its store by the SDK's own functions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from heliograph.ids import base64url
from heliograph.store import profile

Secret = tuple[str, bytes]
"""What it is, and its bytes."""


def _auth_key(connection: sqlite3.Connection) -> Iterator[Secret]:
    yield "auth seed", profile.key(connection).seed


HOLDINGS: tuple[Callable[[sqlite3.Connection], Iterator[Secret]], ...] = (_auth_key,)
"""One for each kind of secret that a store holds. A new kind of secret needs one here."""


def secrets_of(connection: sqlite3.Connection) -> list[tuple[str, str | bytes]]:
    """Every secret in a store, as bytes and as the text that the SDK would write."""
    found: list[tuple[str, str | bytes]] = []
    for holding in HOLDINGS:
        for what, value in holding(connection):
            found += [(what, value), (f"{what} as text", base64url(value))]
    return found
