"""Identifiers against the golden vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat.domain import ids
from chat.domain.ids import AccountId, Address, DeviceId, MessageId, MessageName

VECTORS = Path(__file__).parents[3] / "schemas" / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """The vectors of a file."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["vectors"]
    return found


@pytest.mark.parametrize("vector", vectors("ids.json"), ids=lambda vector: vector["id"])
def test_uuid7_is_the_golden_one(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same time and the same random bits; time and week come out of it again."""
    monkeypatch.setattr(ids.secrets, "randbits", lambda _bits: int(vector["random"], 16))

    made = ids.new_uuid7(vector["ms"])

    assert made == vector["id"]
    assert ids.milliseconds_of(made) == vector["ms"]
    assert ids.week_of(vector["ms"]) == vector["week"]


def test_ids_sort_by_time_as_text() -> None:
    """The order of the texts is that of the vectors, which rise."""
    golden = [vector["id"] for vector in vectors("ids.json")]

    assert sorted(golden) == golden


def test_ids_of_one_millisecond_differ() -> None:
    """74 fresh random bits."""
    assert len({ids.new_uuid7(5) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("vector", vectors("conversation.json"))
def test_conversation_is_the_golden_one(vector: dict[str, Any]) -> None:
    """The same from both sides."""
    mine, other = AccountId(vector["mine"]), AccountId(vector["other"])

    assert ids.conversation_of(mine, other) == ids.conversation_of(other, mine) == vector["conversation"]


def test_addresses_and_names_take_themselves_apart() -> None:
    """Text and back; the account of a stored receipt's name is that of the acknowledging device."""
    account = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
    address = Address(account, DeviceId(3))

    assert Address.parse(str(address)) == address
    assert MessageName(MessageId("x"), f"{address}/delivered").account == account
