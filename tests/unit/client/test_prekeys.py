"""Prekeys in the store: when they are replaced, and how long they open first messages."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from heliograph.crypto.envelope import Initial
from heliograph.store import prekeys

from tests.unit.client.world import plain_store

DAY = prekeys.DAY_MS


@pytest.fixture
def store(tmp_path: Path) -> sqlite3.Connection:
    """Give an empty store."""
    return plain_store(tmp_path / "keys.db")


def ids(store: sqlite3.Connection, kind: str) -> list[int]:
    """List the ids of a kind."""
    return [row[0] for row in store.execute("SELECT id FROM prekeys WHERE kind = ? ORDER BY id", (kind,))]


def initial(signed: int, one_time: int, kem: int, *, last_resort: bool = True) -> Initial:
    """Name keys as a first message does."""
    kind = "last_resort" if last_resort else "one_time_kem"
    return Initial(b"", b"", signed, one_time, kind, kem, b"")  # type: ignore[arg-type]


def test_a_replaced_key_opens_first_messages_for_thirty_days(store: sqlite3.Connection) -> None:
    """It is kept until its successor has served that long, and deleted then; the newest one always stays."""
    for age in (0, 7):
        for kind in ("signed", "last_resort"):
            prekeys.make(store, kind, 1, age * DAY)
    (old, new), (old_kem, new_kem) = ids(store, "signed"), ids(store, "last_resort")
    prekeys.prune(store, 37 * DAY)
    assert prekeys.find(store, initial(old, 0, old_kem)) is not None
    prekeys.prune(store, 37 * DAY + 1)
    assert prekeys.find(store, initial(old, 0, old_kem)) is None
    assert prekeys.find(store, initial(new, 0, new_kem)) is not None
    prekeys.prune(store, 400 * DAY)
    assert ids(store, "signed") == [new]


def test_one_time_keys_that_nobody_used_go_after_ninety_days(store: sqlite3.Connection) -> None:
    """They would only grow in number: the server was told of newer ones long ago."""
    prekeys.make(store, "one_time", 2, 0)
    prekeys.prune(store, 90 * DAY)
    assert len(ids(store, "one_time")) == 2
    prekeys.prune(store, 90 * DAY + 1)
    assert ids(store, "one_time") == []


def test_a_used_key_is_gone_and_the_long_lived_ones_stay(store: sqlite3.Connection) -> None:
    """After a session was made nobody can open its first message again with what is left here."""
    for kind in ("signed", "last_resort", "one_time", "one_time_kem"):
        prekeys.make(store, kind, 1, 0)
    signed, one_time, kem, last = (
        ids(store, kind)[0] for kind in ("signed", "one_time", "one_time_kem", "last_resort")
    )
    named = initial(signed, one_time, kem, last_resort=False)
    assert prekeys.find(store, named) is not None
    prekeys.used(store, named)
    assert prekeys.find(store, named) is None
    prekeys.used(store, initial(signed, 0, last))
    assert prekeys.find(store, initial(signed, 0, last)) is not None
