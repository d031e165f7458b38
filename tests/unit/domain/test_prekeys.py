"""Prekeys: what is signed and hashed, which keys are worthless, and what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat.adapters.ed25519 import check_signature
from chat.domain import base64url, signed_bytes
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.prekeys import Ids, Kind, Left, Prekey, digest, is_small_order
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "schemas/vectors/prekeys.json").read_text("utf-8")
)
P = 2**255 - 19
SMALL = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
    P,
    P + 1,
]


def device(vector: dict[str, Any]) -> Address:
    """Whose keys they are."""
    return Address(AccountId(vector["account"]), DeviceId(vector["device"]))


@pytest.mark.parametrize("vector", GOLDEN["vectors"], ids=lambda vector: vector["kind"])
def test_the_golden_text(vector: dict[str, Any]) -> None:
    """The same text, and the golden signature fits it."""
    key = base64url.decode(vector["key"])

    text = signed_bytes.prekey(Kind(vector["kind"]).value, device(vector), vector["id"], key)

    assert text.decode() == vector["text"]
    assert check_signature(base64url.decode(GOLDEN["auth_key"]), base64url.decode(vector["signature"]), text)


def test_the_golden_digest() -> None:
    """Over the signed and the last-resort key."""
    held = GOLDEN["digest"]
    signed = Prekey(held["signed"], base64url.decode(held["signed_key"]))
    last_resort = Prekey(held["last_resort"], base64url.decode(held["last_resort_key"]))

    assert base64url.encode(digest(device(held), signed, last_resort)) == held["digest"]


@pytest.mark.parametrize("u", SMALL)
@pytest.mark.parametrize("top", [0, 1])
def test_a_key_of_small_order_is_known(u: int, top: int) -> None:
    """Each of the seven, with either highest bit, makes a secret of zeros; OpenSSL refuses that as well."""
    key = (u | top << 255).to_bytes(32, "little")

    assert is_small_order(key)
    with pytest.raises(ValueError, match="computing shared key"):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))


@pytest.mark.parametrize("u", [2, 9, P - 2, P + 2, 2**255 - 1])
def test_other_keys_pass(u: int) -> None:
    """The neighbours, too."""
    key = u.to_bytes(32, "little")

    assert not is_small_order(key)
    X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))


def test_of_the_keys_that_stay_the_highest_counts() -> None:
    """None where there is none."""
    ids = Ids({Kind.SIGNED: (3, 7), Kind.ONE_TIME: (1, 2, 5)})

    assert (ids.current(Kind.SIGNED), ids.current(Kind.LAST_RESORT)) == (7, None)
    assert ids.left == Left(3, 0)


@pytest.mark.parametrize(
    ("left", "low"), [((20, 20), False), ((19, 20), True), ((100, 19), True), ((0, 0), True)]
)
def test_low_is_below_twenty_of_either_kind(left: tuple[int, int], low: bool) -> None:
    """With exactly twenty nobody is told yet."""
    assert Left(*left).is_low is low
