"""Prekeys: leaving them, what is held, and losing them with their device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.ids import Address
from chat.domain.prekeys import Held, Kind, Left, Prekey, digest
from chat.errors import ChatError, Code
from chat.usecases import keys

from tests.fakes.dying import crashes
from tests.fakes.prekeys import made, some
from tests.fakes.world import World, address

Keys = Mapping[Kind, tuple[Prekey, ...]]


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


@pytest.fixture
def alice(world: World) -> Address:
    """The first of two devices, without any keys."""
    return address(world.account("alice", 2))


def upload(world: Any, device: Address, brought: Keys) -> Held:
    """Leave keys."""
    return keys.upload(
        device,
        world.cards.lists[device.account],
        brought,
        cards=world.cards,
        prekeys=world.prekeys,
        check_signature=world.check_signature,
    )


def leave(world: World, device: Address, **ids: Any) -> Held:
    """Leave good keys of these ids."""
    return upload(world, device, some(world.keys[device], device, **ids))


def refusal(call: Callable[..., Any], *args: Any, **named: Any) -> tuple[Code, Any]:
    """The code, and the place that a refusal names."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    return refused.value.code, (refused.value.details or {}).get("path")


def ids(world: World, device: Address, kind: Kind) -> list[int]:
    """What is stored."""
    return [number for of, number in sorted(world.prekeys.rows.get(device, {})) if of is kind]


class TestUpload:
    """Leaving keys."""

    def test_it_answers_what_is_held(self, world: World, alice: Address) -> None:
        """The current ids, the numbers that are left, and a digest that the device can compute itself."""
        signer = world.keys[alice]

        after = leave(world, alice, one_time=range(100), one_time_kem=range(20), signed=3, last_resort=5)

        signed, last_resort = made(signer, alice, Kind.SIGNED, 3), made(signer, alice, Kind.LAST_RESORT, 5)
        assert after == Held(3, 5, Left(100, 20), digest(alice, signed, last_resort))
        assert keys.held(alice, prekeys=world.prekeys) == after

    def test_there_is_no_digest_while_a_key_that_stays_is_missing(self, world: World, alice: Address) -> None:
        """Nothing, one of the two, both."""
        held = [keys.held(alice, prekeys=world.prekeys)]
        held += [leave(world, alice, last_resort=0), leave(world, alice, signed=0)]

        assert [(each.signed, each.last_resort, each.digest is None) for each in held] == [
            (None, None, True),
            (1, None, True),
            (1, 1, False),
        ]

    def test_a_repeat_changes_nothing(self, world: World, alice: Address) -> None:
        """The same ids with the same bytes are fine."""
        first = leave(world, alice, one_time=[1, 2], one_time_kem=[1])
        rows = dict(world.prekeys.rows[alice])

        assert leave(world, alice, one_time=[1, 2], one_time_kem=[1]) == first
        assert world.prekeys.rows[alice] == rows

    def test_a_crash_anywhere_is_repaired_by_a_repeat(self, world: World, alice: Address) -> None:
        """At each call to the store, done or not: afterwards everything is there, the older ones are gone."""
        brought = some(world.keys[alice], alice, one_time=[1, 2], one_time_kem=[3], signed=7, last_resort=8)
        leave(world, alice)
        before = dict(world.prekeys.rows[alice])
        places = 0
        for place in crashes(world, ("cards", "prekeys"), lambda dying: upload(dying, alice, brought)):
            places += 1
            upload(world, alice, brought)
            assert {kind: ids(world, alice, kind) for kind in Kind} == {
                Kind.SIGNED: [7],
                Kind.LAST_RESORT: [8],
                Kind.ONE_TIME: [1, 2],
                Kind.ONE_TIME_KEM: [3],
            }, place
            world.prekeys.rows[alice] = dict(before)
        assert places == 2 * (1 + 5 + 2 + 1 + 2)

    def test_a_higher_id_takes_over(self, world: World, alice: Address) -> None:
        """The older rows go."""
        leave(world, alice, signed=2, last_resort=2)

        after = leave(world, alice, signed=9, last_resort=0)

        assert (after.signed, after.last_resort) == (9, 2)
        assert (ids(world, alice, Kind.SIGNED), ids(world, alice, Kind.LAST_RESORT)) == ([9], [2])

    def test_a_lower_id_is_left_out(self, world: World, alice: Address) -> None:
        """Whatever its bytes: the current key stays."""
        leave(world, alice, signed=9, last_resort=9)

        after = leave(world, alice, signed=8, last_resort=1)

        assert (after.signed, after.last_resort) == (9, 9)
        assert (ids(world, alice, Kind.SIGNED), ids(world, alice, Kind.LAST_RESORT)) == ([9], [9])

    @pytest.mark.parametrize("kind", Kind)
    def test_an_id_has_one_key(self, world: World, alice: Address, kind: Kind) -> None:
        """Other bytes are KEY_CONFLICT, and the key that was there stays; a repeat without it completes."""
        leave(world, alice, one_time=[1], one_time_kem=[1])
        there = dict(world.prekeys.rows[alice])
        other = made(world.keys[alice], alice, kind, 1, salt="other")

        code, path = refusal(upload, world, alice, {kind: (other,)})

        assert (code, path.partition("[")[0]) == (Code.KEY_CONFLICT, kind.value)
        assert world.prekeys.rows[alice] == there

    def test_an_id_twice_in_one_upload(self, world: World, alice: Address) -> None:
        """With two keys it is a conflict, at the second place."""
        first = made(world.keys[alice], alice, Kind.ONE_TIME, 4)
        second = made(world.keys[alice], alice, Kind.ONE_TIME, 4, salt="other")

        assert upload(world, alice, {Kind.ONE_TIME: (first, first)}).left == Left(1, 0)
        assert refusal(upload, world, alice, {Kind.ONE_TIME: (first, second)}) == (
            Code.KEY_CONFLICT,
            "one_time[1]",
        )

    @pytest.mark.parametrize("kind", [Kind.SIGNED, Kind.LAST_RESORT, Kind.ONE_TIME_KEM])
    @pytest.mark.parametrize(
        "wrong", ["kind", "account", "device", "id", "key", "signature", "none", "signer"]
    )
    def test_a_signature_is_for_one_key_alone(
        self, world: World, alice: Address, kind: Kind, wrong: str
    ) -> None:
        """BAD_KEY where anything differs from what was signed, and nothing of the upload is stored."""
        signer = world.keys[alice]
        good = made(signer, alice, kind, 1)
        elsewhere = {
            "kind": made(signer, alice, next(each for each in Kind if each is not kind), 1),
            "account": made(signer, address(world.account("bob")), kind, 1),
            "device": made(signer, address(alice.account, 2), kind, 1),
            "id": made(signer, alice, kind, 2),
            "key": made(signer, alice, kind, 1, salt="other"),
            "signature": replace(good, signature=bytes(64)),
            "none": replace(good, signature=b""),
            "signer": made(world.keys[address(alice.account, 2)], alice, kind, 1),
        }
        forged = replace(good, signature=elsewhere[wrong].signature)
        one_time = made(signer, alice, Kind.ONE_TIME, 1)

        code, path = refusal(upload, world, alice, {Kind.ONE_TIME: (one_time,), kind: (forged,)})

        assert (code, path.partition("[")[0]) == (Code.BAD_KEY, kind.value)
        assert world.prekeys.rows == {}

    @pytest.mark.parametrize("kind", [Kind.SIGNED, Kind.ONE_TIME])
    def test_a_key_of_small_order_is_refused(self, world: World, alice: Address, kind: Kind) -> None:
        """Signed or not: whoever agreed on a secret with it would agree with everybody."""
        zero = bytes(32)
        signature = world.keys[alice].sign(signed_bytes.prekey(kind.value, alice, 3, zero))
        bad = Prekey(3, zero, b"" if kind is Kind.ONE_TIME else signature)

        assert refusal(upload, world, alice, {kind: (bad,)})[0] is Code.BAD_KEY
        assert world.prekeys.rows == {}

    @pytest.mark.parametrize(("kind", "room"), [(Kind.ONE_TIME, 100), (Kind.ONE_TIME_KEM, 20)])
    def test_a_pool_has_a_limit(self, world: World, alice: Address, kind: Kind, room: int) -> None:
        """What would be there afterwards counts: KEY_LIMIT stores nothing, a repeat of what fits is fine."""
        leave(world, alice, **{kind.value: range(1, room)})

        assert refusal(leave, world, alice, signed=5, **{kind.value: [room, room + 1]}) == (
            Code.KEY_LIMIT,
            kind.value,
        )
        assert (ids(world, alice, kind)[-1], ids(world, alice, Kind.SIGNED)) == (room - 1, [1])
        leave(world, alice, **{kind.value: range(1, room + 1)})
        leave(world, alice, **{kind.value: range(1, room + 1)})
        assert ids(world, alice, kind) == list(range(1, room + 1))

    def test_a_device_that_is_removed_meanwhile_leaves_nothing(self, world: World, alice: Address) -> None:
        """Removed while its keys are being stored: they go again, and it is told."""
        before = world.cards.lists[alice.account]
        brought = some(world.keys[alice], alice, one_time=[1, 2])
        world.cards.replace(before.without(alice.device))

        with pytest.raises(ChatError) as refused:
            keys.upload(
                alice,
                before,
                brought,
                cards=world.cards,
                prekeys=world.prekeys,
                check_signature=world.check_signature,
            )

        assert refused.value.code is Code.DEVICE_REMOVED
        assert world.prekeys.rows[alice] == {}


class TestForget:
    """The keys of a device that is gone."""

    def test_all_of_them_go(self, world: World, alice: Address) -> None:
        """Those of the other device stay."""
        second = address(alice.account, 2)
        for device in (alice, second):
            leave(world, device, one_time=[1, 2], one_time_kem=[1])

        keys.forget(alice, prekeys=world.prekeys)

        assert world.prekeys.rows[alice] == {}
        assert len(world.prekeys.rows[second]) == 5

    def test_a_crash_anywhere_is_repaired_by_a_repeat(self, world: World, alice: Address) -> None:
        """At each call to the store nothing is left afterwards."""
        brought = some(world.keys[alice], alice, one_time=[1, 2])
        upload(world, alice, brought)
        places = 0
        for _ in crashes(world, ["prekeys"], lambda dying: keys.forget(alice, prekeys=dying.prekeys)):
            places += 1
            keys.forget(alice, prekeys=world.prekeys)
            assert world.prekeys.rows[alice] == {}
            upload(world, alice, brought)

        assert places == 2 * (1 + 4)
