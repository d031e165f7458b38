"""Bodies of ``/v1/keys``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chat.domain.devices import Device, DeviceList
from chat.domain.ids import AccountId, DeviceId
from chat.domain.prekeys import Bundle, Held, Kind, Left, Prekey
from chat.errors import ChatError, Code
from chat.usecases.keys import Claimed
from chat.wire import keys_bodies

from schemas import frames as schemas
from tests.fakes import shapes

ALICE = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
CURVE, KEM, SIGNATURE = bytes(32), bytes(1_568), bytes(64)


def example(name: str, index: int = 0) -> Any:
    """An example of the schema."""
    return schemas.load(name)["examples"][index]


def refusal(parse: Callable[[bytes], Any], body: bytes) -> Code:
    """The code of a refusal."""
    with pytest.raises(ChatError) as refused:
        parse(body)
    code: Code = refused.value.code
    return code


def parse(body: Any) -> Code:
    """The refusal of an upload."""
    return refusal(keys_bodies.parse_keys, json.dumps(body).encode())


def test_an_upload_is_read_by_kind() -> None:
    """All that is there, with lengths as decoded; a one-time X25519 key has no signature."""
    brought = keys_bodies.parse_keys(json.dumps(example("keys_request")).encode())

    sizes = {
        kind: [(key.id, len(key.key), len(key.signature)) for key in keys] for kind, keys in brought.items()
    }
    assert sizes == {
        Kind.SIGNED: [(1, 32, 64)],
        Kind.LAST_RESORT: [(1, 1_568, 64)],
        Kind.ONE_TIME: [(1, 32, 0), (2, 32, 0)],
        Kind.ONE_TIME_KEM: [(1, 1_568, 64)],
    }


def test_a_part_is_enough() -> None:
    """And what is not there stays out."""
    brought = keys_bodies.parse_keys(json.dumps(example("keys_request", 1)).encode())

    assert set(brought) == {Kind.ONE_TIME}


@pytest.mark.parametrize(
    "change",
    [
        {"id": 0},
        {"id": 2**31},
        {"id": "1"},
        {"id": True},
        {"key": "A" * 42},
        {"key": "A" * 42 + "B"},
        {"signature": "A" * 85 + "B"},
        {"signature": None},
    ],
)
def test_a_key_has_its_shape(change: dict[str, Any]) -> None:
    """Its id in range, bytes of the right number, unused bits of zero."""
    signed = example("keys_request")["signed"]

    assert parse({"signed": signed | change}) is Code.BAD_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ones": []},
        {"one_time": {}},
        {"one_time": [{"id": 1, "key": "A" * 43}] * 101},
        {"last_resort": {"id": 1, "key": "A" * 43, "signature": "A" * 86}},
        {"signed": {"id": 1, "key": "A" * 43}},
        [],
    ],
)
def test_other_bodies_are_refused(body: Any) -> None:
    """Nothing at all, too many, a key of the other sort, one without its signature."""
    assert parse(body) is Code.BAD_REQUEST


def test_twenty_kem_keys_at_most() -> None:
    """Of those that are used once."""
    [kem] = example("keys_request")["one_time_kem"]

    brought = keys_bodies.parse_keys(json.dumps({"one_time_kem": [kem] * 20}).encode())

    assert len(brought[Kind.ONE_TIME_KEM]) == 20
    assert parse({"one_time_kem": [kem] * 21}) is Code.BAD_REQUEST


def test_an_upload_may_be_larger_than_other_bodies() -> None:
    """As large as its limit, which the largest useful one keeps well below."""
    [kem] = example("keys_request")["one_time_kem"]
    full = {"signed": example("keys_request")["signed"], "last_resort": kem, "one_time_kem": [kem] * 20}
    full["one_time"] = [{"id": 2**31 - 1 - number, "key": "A" * 43} for number in range(100)]

    assert len(json.dumps(full)) < 64 * 1024 < keys_bodies.KEYS_BYTES
    keys_bodies.parse_keys(json.dumps(full).encode())
    assert refusal(keys_bodies.parse_keys, b"[" * (keys_bodies.KEYS_BYTES + 1)) is Code.TOO_LARGE
    assert refusal(keys_bodies.parse_keys, b"[" * keys_bodies.KEYS_BYTES) is Code.BAD_REQUEST
    assert refusal(keys_bodies.parse_claim, b"[" * keys_bodies.KEYS_BYTES) is Code.TOO_LARGE


def test_a_claim_is_read() -> None:
    """Account and devices."""
    asked = keys_bodies.parse_claim(json.dumps(example("claim_request")).encode())

    assert asked == keys_bodies.ClaimRequest(ALICE, (DeviceId(1), DeviceId(2)))


@pytest.mark.parametrize("devices", [[], [0], [1, 2, 3, 4, 5, 6], ["1"], [1.5], None, 1, [32_768]])
def test_a_claim_names_one_to_five_devices(devices: Any) -> None:
    """By their numbers."""
    body = json.dumps({"account": ALICE, "devices": devices}).encode()

    assert refusal(keys_bodies.parse_claim, body) is Code.BAD_REQUEST


@pytest.mark.parametrize("digest", [None, bytes(32)])
def test_what_is_held_fits_the_contract(digest: bytes | None) -> None:
    """What there is none of is absent."""
    answer = keys_bodies.keys_answer(Held(3 if digest else None, 2, Left(4, 0), digest))

    shapes.demand("keys_answer", answer)
    assert ("digest" in answer, "signed" in answer) == (bool(digest), bool(digest))


@pytest.mark.parametrize("one_time", [None, Prekey(4, CURVE)])
def test_bundles_fit_the_contract(one_time: Prekey | None) -> None:
    """With a one-time key or without; the KEM key says its kind."""
    own = DeviceList(ALICE, "alice", 3, 2, (Device(DeviceId(1), CURVE, 1, "phone"),))
    kind = Kind.ONE_TIME_KEM if one_time else Kind.LAST_RESORT
    bundle = Bundle(
        DeviceId(1), CURVE, Prekey(2, CURVE, SIGNATURE), one_time, kind, Prekey(9, KEM, SIGNATURE)
    )

    answer = keys_bodies.claim_answer(Claimed(own, (bundle,)))

    shapes.demand("claim_answer", answer)
    [shown] = answer["bundles"]
    assert (shown.get("one_time"), shown["kem"]["kind"], shown["kem"]["id"], answer["version"]) == (
        {"id": 4, "key": "A" * 43} if one_time else None,
        kind.value,
        9,
        3,
    )
