"""``authorize``: who may open a socket, and how often."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.ids import AccountId, new_uuid7
from chat.usecases.authorize import CLOCK_SKEW, ConnectProof, authorize

from tests.fakes.world import AUDIENCE, NOW, World, address

ORIGIN = "https://app.example"


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def proof(
    world: World, account: AccountId, number: int = NOW, device: int = 1, signed: dict[str, Any] | None = None
) -> ConnectProof:
    """A proof of a device; ``signed`` changes what its signature says."""
    fields = {"audience": AUDIENCE, "device": address(account, device), "number": number} | (signed or {})
    key = world.keys[address(account, device)]
    return ConnectProof(address(account, device), number, key.sign(signed_bytes.connect(**fields)))


def run(world: World, shown: ConnectProof, origin: str | None = None) -> int | None:
    """Authorize at the world's time."""
    return authorize(
        shown,
        origin,
        audience=world.identity.audience,
        allowed_origins=world.identity.allowed_origins,
        cards=world.cards,
        connect_numbers=world.connect_numbers,
        check_signature=world.check_signature,
        now=world.time,
    )


def test_the_answer_is_the_number_before(world: World) -> None:
    """0 at first, then the last one that was let in: a client finds a rolled back store by it."""
    alice = world.account("alice")

    assert [run(world, proof(world, alice, NOW + i)) for i in range(3)] == [0, NOW, NOW + 1]


def test_a_number_works_once(world: World) -> None:
    """A captured proof opens nothing, nor does any lower number."""
    alice = world.account("alice")
    shown = proof(world, alice, NOW)

    assert run(world, shown) == 0
    assert run(world, shown) is None
    assert run(world, proof(world, alice, NOW - 1)) is None


def test_devices_of_an_account_count_for_themselves(world: World) -> None:
    """The number of one does not use up that of another."""
    alice = world.account("alice", 2)

    assert [run(world, proof(world, alice, NOW, device)) for device in (1, 2)] == [0, 0]


@pytest.mark.parametrize(
    ("off", "opens"),
    [(0, True), (CLOCK_SKEW, True), (-CLOCK_SKEW, True), (CLOCK_SKEW + 1, False), (-CLOCK_SKEW - 1, False)],
)
def test_the_number_lies_within_a_minute(world: World, off: int, opens: bool) -> None:
    """The edges are inside."""
    alice = world.account("alice")

    assert (run(world, proof(world, alice, NOW + off)) is not None) is opens


@pytest.mark.parametrize(
    ("origin", "opens"),
    [
        (None, True),
        (ORIGIN, True),
        ("null", False),
        ("", False),
        (ORIGIN + ":8443", False),
        (ORIGIN + ".evil.test", False),
        (ORIGIN + "/", False),
        ("http://app.example", False),
        ("https://APP.example", False),
        ("https://\u0430pp.example", False),
    ],
)
def test_a_browser_comes_from_a_listed_origin(world: World, origin: str | None, opens: bool) -> None:
    """Exactly; who is no browser sends none."""
    alice = world.account("alice")

    assert (run(world, proof(world, alice), origin) is not None) is opens


@pytest.mark.parametrize(
    "signed",
    [
        {"audience": "evil.test:443"},
        {"device": address(AccountId(new_uuid7(1)))},
        {"number": NOW + 1},
    ],
    ids=lambda signed: next(iter(signed)),
)
def test_a_signature_over_something_else(world: World, signed: dict[str, Any]) -> None:
    """For another server, another device, another number."""
    alice = world.account("alice")

    assert run(world, proof(world, alice, signed=signed)) is None


def test_a_proof_of_another_device(world: World) -> None:
    """Signed by bob, and by alice's second device: neither opens a socket of alice's first."""
    alice, bob = world.account("alice", 2), world.account("bob")

    for other in (proof(world, bob), proof(world, alice, device=2)):
        assert run(world, dataclasses.replace(other, device=address(alice))) is None


def test_an_unknown_account_and_an_unknown_device(world: World) -> None:
    """Refused like everything else."""
    alice, bob = world.account("alice"), world.account("bob")
    shown = proof(world, alice)

    assert run(world, dataclasses.replace(shown, device=address(bob, 2))) is None
    assert run(world, dataclasses.replace(shown, device=address(AccountId(new_uuid7(1))))) is None


def test_a_removed_device(world: World) -> None:
    """Its proofs fail at once, and its numbers are left alone."""
    alice = world.account("alice", 2)
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))

    assert run(world, proof(world, alice, device=2)) is None
    assert world.connect_numbers.last[address(alice, 2)] == 0


def test_a_refused_proof_costs_no_number(world: World) -> None:
    """Else anybody could lock a device out by showing high numbers."""
    alice, bob = world.account("alice"), world.account("bob")
    stolen = dataclasses.replace(proof(world, bob, NOW + 1_000), device=address(alice))

    assert run(world, stolen) is None
    assert run(world, proof(world, alice, NOW), "https://evil.test") is None
    assert run(world, proof(world, alice, NOW)) == 0
