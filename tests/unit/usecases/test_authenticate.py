"""``authenticate``: which signed requests are served."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.ids import AccountId, new_uuid7
from chat.errors import ChatError, Code
from chat.usecases.authenticate import CLOCK_SKEW, SignedRequest, authenticate

from tests.fakes.world import AUDIENCE, NOW, World, address

NONCE = "A" * 22


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def request(world: World, account: AccountId, device: int = 1, **changes: Any) -> SignedRequest:
    """A request that this device signed."""
    signer = address(account, device)
    fields: dict[str, Any] = {
        "device": signer,
        "method": "POST",
        "path": "/v1/devices",
        "body": b"{}",
        "time": NOW,
        "nonce": NONCE,
    } | changes
    return SignedRequest(**fields, signature=world.keys[signer].sign(signed_bytes.http(AUDIENCE, **fields)))


def run(world: World, shown: SignedRequest, audience: str = AUDIENCE) -> Code | None:
    """Authenticate at the world's time; the code of a refusal."""
    try:
        authenticate(
            shown,
            audience=audience,
            cards=world.cards,
            used_proofs=world.used_proofs,
            check_signature=world.check_signature,
            now=world.time,
        )
    except ChatError as error:
        return error.code
    return None


def test_a_signed_request_is_served_once(world: World) -> None:
    """The same again is REPLAYED; the same nonce of another device is not."""
    alice = world.account("alice", 2)
    shown = request(world, alice)

    assert [run(world, shown), run(world, shown)] == [None, Code.REPLAYED]
    assert run(world, request(world, alice, 2)) is None


def test_a_get_may_come_again(world: World) -> None:
    """It changes nothing and uses no nonce up."""
    shown = request(world, world.account("alice"), method="GET", body=b"", nonce="-")

    assert [run(world, shown), run(world, shown)] == [None, None]
    assert world.used_proofs.used == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"path": "/v1/devices?x=1"},
        {"path": "/v1/account"},
        {"body": b"{ }"},
        {"body": b""},
        {"time": NOW + 1},
        {"nonce": "B" * 22},
        {"signature": b""},
        {"signature": bytes(64)},
    ],
    ids=str,
)
def test_nothing_that_was_signed_may_change(world: World, changes: dict[str, Any]) -> None:
    """UNAUTHENTICATED, and the nonce of the true request is not used up by a forged one."""
    true = request(world, world.account("alice"))

    assert run(world, dataclasses.replace(true, **changes)) is Code.UNAUTHENTICATED
    assert run(world, true) is None


def test_a_request_for_another_server(world: World) -> None:
    """What a malicious server was shown is of no use here."""
    assert run(world, request(world, world.account("alice")), "evil.test:443") is Code.UNAUTHENTICATED


def test_a_request_in_the_name_of_another_device(world: World) -> None:
    """Of another account, of another device of the account, of a device or account that never was."""
    alice, bob = world.account("alice", 2), world.account("bob")
    true = request(world, bob)

    for other in (address(alice), address(alice, 2), address(alice, 3), address(AccountId(new_uuid7(1)))):
        assert run(world, dataclasses.replace(true, device=other)) is Code.UNAUTHENTICATED


def test_a_removed_device_learns_it(world: World) -> None:
    """DEVICE_REMOVED: the client stops instead of trying again."""
    alice = world.account("alice", 2)
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))

    assert run(world, request(world, alice, 2)) is Code.DEVICE_REMOVED


@pytest.mark.parametrize(
    ("off", "code"),
    [
        (CLOCK_SKEW, None),
        (-CLOCK_SKEW, None),
        (CLOCK_SKEW + 1, Code.CLOCK_SKEW),
        (-CLOCK_SKEW - 1, Code.CLOCK_SKEW),
    ],
)
def test_the_time_lies_within_a_minute(world: World, off: int, code: Code | None) -> None:
    """The edges are inside."""
    assert run(world, request(world, world.account("alice"), time=NOW + off)) is code


def test_a_wrong_clock_is_told_the_time(world: World) -> None:
    """By ``details.time`` the client corrects itself."""
    with pytest.raises(ChatError) as refused:
        authenticate(
            request(world, world.account("alice"), time=0),
            audience=AUDIENCE,
            cards=world.cards,
            used_proofs=world.used_proofs,
            check_signature=world.check_signature,
            now=NOW,
        )

    assert refused.value.details == {"time": NOW}
