"""``account``: looking others up, and what one decides about them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, new_uuid7
from chat.domain.relations import RELATION_LIMIT, Relation
from chat.errors import ChatError, Code
from chat.ports.accounts import Claim
from chat.usecases import account

from tests.fakes.calls import record
from tests.fakes.world import NOW, World

NOBODY = AccountId(new_uuid7(1))


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def code(call: Any, *args: Any, **named: Any) -> Code:
    """The code of the refusal."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    code: Code = refused.value.code
    return code


def test_a_handle_is_found_exactly(world: World) -> None:
    """Its account's list; a prefix, a longer or an unclaimed handle is NOT_FOUND."""
    alice = world.account("alice")
    world.handles.claim("alice", Claim(alice, "open:alice", b""), NOW)

    found = account.look_up_handle("alice", handles=world.handles, cards=world.cards)

    assert found.account == alice
    for other in ("alic", "alice1", "bob"):
        refusal = code(account.look_up_handle, other, handles=world.handles, cards=world.cards)
        assert refusal is Code.NOT_FOUND


def test_a_claim_whose_account_was_never_made(world: World) -> None:
    """A crash in a registration leaves one: NOT_FOUND, as for a free handle."""
    world.handles.claim("alice", Claim(NOBODY, "open:alice", b""), NOW)

    assert code(account.look_up_handle, "alice", handles=world.handles, cards=world.cards) is Code.NOT_FOUND


def test_the_chain_of_an_account(world: World) -> None:
    """All entries, of a retired account too: NOT_FOUND is for one that never was."""
    alice, retired = world.account("alice", 3), world.account("bob", 0)
    ports = {"cards": world.cards, "chains": world.chains}

    devices, entries = account.device_chain(alice, **ports)
    assert (devices, entries[-1]) == (world.cards.lists[alice], devices.chain.last)
    assert [entry.device for entry in entries] == [1, 2, 3]

    devices, entries = account.device_chain(retired, **ports)
    assert (devices.devices, [entry.device for entry in entries]) == ((), [1])

    assert code(account.device_chain, NOBODY, **ports) is Code.NOT_FOUND
    world.cards.create(DeviceList(NOBODY, "carol", 1, 2, ()))  # retired before it was made
    assert code(account.device_chain, NOBODY, **ports) is Code.NOT_FOUND


def test_an_account_without_devices_is_not_there(world: World) -> None:
    """Retired."""
    alice = world.account("alice", 0)

    assert code(account.look_up_account, alice, cards=world.cards) is Code.NOT_FOUND


def test_blocking_is_one_sided_and_safe_to_repeat(world: World) -> None:
    """The other's relation stays as it was; what was accepted is still accepted after the unblock."""
    alice, bob = world.account("alice"), world.account("bob")
    account.accept(alice, bob, cards=world.cards)

    for _ in range(2):
        assert account.block(alice, bob, cards=world.cards) == Relation(accepted=True, blocked=True)
    assert account.blocked(alice, cards=world.cards) == [bob]
    assert account.blocked(bob, cards=world.cards) == []
    for _ in range(2):
        after = account.unblock(alice, bob, cards=world.cards, now=NOW)
        assert after == Relation(accepted=True, blocked=False, unblocked_at=NOW)


def test_unblocking_somebody_who_was_not_blocked(world: World) -> None:
    """Changes nothing: no time of an unblock that never was."""
    alice, bob = world.account("alice"), world.account("bob")

    assert account.unblock(alice, bob, cards=world.cards, now=NOW) == Relation()
    assert world.cards.stands == {}


@pytest.mark.parametrize("verb", ["block", "unblock", "accept"])
def test_oneself(world: World, verb: str) -> None:
    """BAD_REQUEST; nothing is written."""
    alice = world.account("alice")
    call, named = getattr(account, verb), {"cards": world.cards} | ({"now": NOW} if verb == "unblock" else {})

    assert code(call, alice, alice, **named) is Code.BAD_REQUEST
    assert world.cards.stands == {}


@pytest.mark.parametrize("call", [account.block, account.accept])
def test_nobody(world: World, call: Callable[..., Relation]) -> None:
    """NOT_FOUND; nothing is written."""
    alice = world.account("alice")

    assert code(call, alice, NOBODY, cards=world.cards) is Code.NOT_FOUND
    assert world.cards.stands == {}


def test_a_block_outlives_the_account_and_can_be_lifted(world: World) -> None:
    """Whoever registers again leaves the blocked account behind; the list can still be cleaned up."""
    alice, bob = world.account("alice"), world.account("bob")
    account.block(alice, bob, cards=world.cards)
    world.cards.replace(DeviceList(bob, "bob", 2, 2, ()))

    assert account.blocked(alice, cards=world.cards) == [bob]
    assert not account.unblock(alice, bob, cards=world.cards, now=NOW).blocked
    assert account.blocked(alice, cards=world.cards) == []


def test_a_lookup_is_the_same_whoever_asks_and_whatever_it_finds(world: World) -> None:
    """One read of the handle and one of a card: found, retired and never heard of take as long."""
    calls = record(world)
    alice, retired = world.account("alice"), world.account("retired", 0)
    for handle, held_by in (("alice", alice), ("retired", retired)):
        world.handles.claim(handle, Claim(held_by, "", b""), NOW)
    seen = []
    for handle in ("alice", "retired", "nobody"):
        calls.clear()
        with nullcontext() if handle == "alice" else pytest.raises(ChatError, match="NOT_FOUND"):
            account.look_up_handle(handle, handles=world.handles, cards=world.cards)
        seen.append(list(calls))

    assert seen == [["handles.find", "cards.devices"]] * 3


def test_a_related_account_may_be_changed_at_the_limit(world: World) -> None:
    """5,000 others are enough; an old one may still be blocked."""
    alice, bob, carol = world.account("alice"), world.account("bob"), world.account("carol")
    account.accept(alice, bob, cards=world.cards)
    for number in range(RELATION_LIMIT - 1):
        world.cards.stands[alice, AccountId(str(number))] = Relation(accepted=True)

    assert code(account.accept, alice, carol, cards=world.cards) is Code.RELATION_LIMIT
    assert account.block(alice, bob, cards=world.cards).blocked
