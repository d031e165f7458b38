"""The device chain: texts, hashes, and what may follow what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat.adapters.ed25519 import check_signature
from chat.domain.base64url import decode
from chat.domain.device_chain import EMPTY, Chain, ChainEntry, first_chain, text_or_dash
from chat.domain.ids import AccountId, DeviceId

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "schemas/vectors/device_chain.json").read_text()
)["vectors"]
ACCOUNT = AccountId(VECTORS[0]["account"])


def entry_of(vector: dict[str, Any]) -> ChainEntry:
    """The entry as the server holds it."""
    raw = vector["entry"]
    key, signature = (b"" if raw[name] == "-" else decode(raw[name]) for name in ("auth_key", "signature"))
    number, time = raw["number"], raw["time"]
    device, signer = DeviceId(raw["device"]), DeviceId(raw["signer"])
    return ChainEntry(number, raw["change"], device, key, signer, time, signature)


def test_the_golden_chain() -> None:
    """Every text, every hash, and signatures by the keys that earlier entries added."""
    chain, keys = EMPTY, {}
    for vector in VECTORS:
        entry = entry_of(vector)
        statement = chain.statement(ACCOUNT, entry)
        assert statement.decode() == vector["text"]
        assert text_or_dash(chain.head) == vector["previous"]
        if entry.signer:
            assert check_signature(keys[entry.signer], entry.signature, statement)
        keys[entry.device] = entry.auth_key or keys[entry.device]
        chain = chain.with_entry(ACCOUNT, entry)
        assert (text_or_dash(chain.head), chain.length, chain.last) == (vector["hash"], entry.number, entry)


def test_the_first_entry_is_the_device_that_registers() -> None:
    """Unsigned, with the key that registered."""
    first = entry_of(VECTORS[0])

    assert first_chain(ACCOUNT, DeviceId(1), first.auth_key, first.time) == Chain(
        first, decode(VECTORS[0]["hash"])
    )


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_entry_out_of_turn(number: int) -> None:
    """Refused: no number is used twice, and none is left out."""
    first = first_chain(ACCOUNT, DeviceId(1), bytes(32), 5)

    with pytest.raises(ValueError, match="after 1"):
        first.with_entry(ACCOUNT, replace(entry_of(VECTORS[1]), number=number))


@pytest.mark.parametrize(
    "change",
    [
        {"change": "remove"},
        {"device": 3},
        {"auth_key": bytes(32)},
        {"signer": 3},
        {"time": 1},
        {"signature": bytes(64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_head_covers_everything(change: dict[str, Any]) -> None:
    """Whatever differs in an entry, the head differs."""
    first, second = first_chain(ACCOUNT, DeviceId(1), bytes(32), 5), entry_of(VECTORS[1])

    assert first.with_entry(ACCOUNT, second).head != first.with_entry(ACCOUNT, replace(second, **change)).head
