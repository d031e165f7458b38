"""Prekeys: claiming those of others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pytest
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.limits import CLAIM_TARGET
from chat.domain.prekeys import Kind, Left, Prekey
from chat.errors import ChatError, Code
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases import keys
from chat.usecases.keys import TRIES, Claimed
from chat.wire.frames import event_frames

from tests.fakes.dying import crashes
from tests.fakes.prekeys import FakePrekeys, made, some
from tests.fakes.world import World, address

PORTS = ("cards", "prekeys", "connections", "sockets")


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


@pytest.fixture
def alice(world: World) -> Address:
    """The first of two devices, without any keys."""
    return address(world.account("alice", 2))


def leave(world: World, device: Address, **ids: Any) -> None:
    """Leave good keys of these ids."""
    keys.upload(
        device,
        world.cards.lists[device.account],
        some(world.keys[device], device, **ids),
        cards=world.cards,
        prekeys=world.prekeys,
        check_signature=world.check_signature,
    )


def claim(world: Any, account: AccountId, *devices: int) -> Claimed:
    """Claim keys of devices; chance takes the one in the middle."""
    return keys.claim(
        account,
        [DeviceId(device) for device in devices or (1,)],
        cards=world.cards,
        prekeys=world.prekeys,
        limits=world.limits,
        connections=world.connections,
        sockets=world.sockets,
        encode=event_frames,
        choose=lambda below: below // 2,
        now=world.time,
    )


def refusal(call: Callable[..., Any], *args: Any, **named: Any) -> tuple[Code, Any]:
    """The code, and the place that a refusal names."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    return refused.value.code, (refused.value.details or {}).get("path")


def ids(world: World, device: Address, kind: Kind) -> list[int]:
    """What is stored."""
    return [number for of, number in sorted(world.prekeys.rows.get(device, {})) if of is kind]


class TestClaim:
    """Keys of others."""

    def test_a_bundle_is_what_was_left(self, world: World, alice: Address) -> None:
        """The key on the list, the keys that stay, a one-time key of each sort, with their signatures."""
        leave(world, alice, one_time=[5], one_time_kem=[6], signed=3, last_resort=4)
        signer = world.keys[alice]

        [bundle] = claim(world, alice.account).bundles

        assert (bundle.device, bundle.auth_key) == (1, signer.public_key().public_bytes_raw())
        assert bundle.signed == made(signer, alice, Kind.SIGNED, 3)
        assert bundle.one_time == made(signer, alice, Kind.ONE_TIME, 5)
        assert (bundle.kem_kind, bundle.kem) == (
            Kind.ONE_TIME_KEM,
            made(signer, alice, Kind.ONE_TIME_KEM, 6),
        )

    def test_each_one_time_key_is_given_once(self, world: World, alice: Address) -> None:
        """Until none is left; from then on bundles come with the last-resort key and no one-time key."""
        leave(world, alice, one_time=range(1, 5), one_time_kem=range(1, 3))

        bundles = [claim(world, alice.account).bundles[0] for _ in range(6)]

        assert sorted(b.one_time.id for b in bundles if b.one_time) == [1, 2, 3, 4]
        assert [b.kem_kind for b in bundles] == [Kind.ONE_TIME_KEM] * 2 + [Kind.LAST_RESORT] * 4
        assert sorted(b.kem.id for b in bundles[:2]) == [1, 2]
        assert keys.left(alice, prekeys=world.prekeys) == Left(0, 0)

    def test_a_key_is_drawn_among_the_lowest(self, world: World, alice: Address) -> None:
        """Of a hundred the first 32 are in the window, and chance says which."""
        leave(world, alice, one_time=range(1, 101))

        [bundle] = claim(world, alice.account).bundles

        assert bundle.one_time is not None
        assert bundle.one_time.id == 1 + 32 // 2

    def test_the_newest_key_is_given_where_an_older_one_was_left(self, world: World, alice: Address) -> None:
        """As by an upload that died before it deleted those below."""
        leave(world, alice, signed=9, last_resort=9)
        for kind in (Kind.SIGNED, Kind.LAST_RESORT):
            world.prekeys.add(alice, kind, made(world.keys[alice], alice, kind, 8))

        [bundle] = claim(world, alice.account).bundles

        assert (bundle.signed.id, bundle.kem.id) == (9, 9)

    def test_devices_without_keys_are_left_out(self, world: World, alice: Address) -> None:
        """So are unknown ones; one that is named twice comes once. The answer has the version of the list."""
        leave(world, alice)
        second = address(alice.account, 2)

        assert [b.device for b in claim(world, alice.account, 2, 1, 3, 1).bundles] == [1]
        leave(world, second, last_resort=0)
        assert [b.device for b in claim(world, alice.account, 2, 1).bundles] == [1]
        leave(world, second)
        claimed = claim(world, alice.account, 2, 1)
        assert ([b.device for b in claimed.bundles], claimed.account.version) == ([2, 1], 1)

    def test_a_removed_device_is_left_out(self, world: World, alice: Address) -> None:
        """The list decides, not the keys that may still lie there."""
        leave(world, alice)
        world.cards.replace(world.cards.lists[alice.account].without(alice.device))

        assert claim(world, alice.account, 1).bundles == ()

    def test_nobody(self, world: World, alice: Address) -> None:
        """NOT_FOUND for an account that never was, and for a retired one."""
        world.cards.replace(world.cards.lists[alice.account].without(DeviceId(1), DeviceId(2)))

        assert refusal(claim, world, alice.account) == (Code.NOT_FOUND, None)
        assert refusal(claim, world, AccountId(alice.account[:-1] + "0")) == (Code.NOT_FOUND, None)

    @pytest.mark.parametrize("moment", ["before reading", "after reading"])
    def test_two_claims_at_once_get_different_keys(self, world: World, alice: Address, moment: str) -> None:
        """The one that comes between takes the key; the other one finds it gone and takes another."""
        leave(world, alice, one_time=[1, 2, 3], one_time_kem=[1, 2, 3])
        between: list[Claimed] = []
        plain = world.prekeys

        class Raced(FakePrekeys):
            """Another claim runs beside the first reading of a one-time key."""

            rows = plain.rows

            def read(
                self, device: Address, names: Collection[tuple[Kind, int]]
            ) -> Mapping[tuple[Kind, int], Prekey]:
                found = plain.read(device, names)
                if not between and any(kind is Kind.ONE_TIME for kind, _ in names):
                    world.prekeys = plain
                    between.append(claim(world, alice.account))
                    if moment == "before reading":
                        return plain.read(device, names)
                return found

        raced = Raced()
        raced.rows = plain.rows
        world.prekeys = raced

        [mine], [other] = claim(world, alice.account).bundles, between[0].bundles

        assert mine.one_time
        assert other.one_time
        assert {mine.one_time.id, other.one_time.id} == {2, 3}
        assert mine.kem.id != other.kem.id

    def test_an_unknown_outcome_costs_the_key(self, world: World, alice: Address) -> None:
        """Applied or not, it counts as gone: another one is given, never the same."""
        leave(world, alice, one_time=[1, 2, 3])
        asked: list[int] = []

        class Unsure(FakePrekeys):
            """The first removal is done, and nobody hears of it."""

            def remove(self, device: Address, kind: Kind, number: int) -> bool:
                done = super().remove(device, kind, number)
                asked.append(number)
                if len(asked) == 1:
                    raise OutcomeUnknown("lost")
                return done

        unsure = Unsure()
        unsure.rows = world.prekeys.rows
        world.prekeys = unsure

        [bundle] = claim(world, alice.account).bundles

        assert bundle.one_time
        assert asked == [2, bundle.one_time.id]
        assert ids(world, alice, Kind.ONE_TIME) == [number for number in (1, 3) if number != asked[1]]

    def test_who_always_loses_goes_without(self, world: World, alice: Address) -> None:
        """After some tries the pool counts as empty: nobody waits for a key."""
        leave(world, alice, one_time=range(1, 20), one_time_kem=range(1, 20))
        tried: list[tuple[Kind, int]] = []

        class Contested(FakePrekeys):
            """Somebody else is always faster."""

            def remove(self, device: Address, kind: Kind, number: int) -> bool:
                tried.append((kind, number))
                return False

        contested = Contested()
        contested.rows = world.prekeys.rows
        world.prekeys = contested

        [bundle] = claim(world, alice.account).bundles

        assert (bundle.one_time, bundle.kem_kind) == (None, Kind.LAST_RESORT)
        assert len(set(tried)) == len(tried) == 2 * TRIES

    @pytest.mark.parametrize("kind", [Kind.ONE_TIME, Kind.ONE_TIME_KEM])
    def test_a_crash_anywhere_gives_no_key_twice(self, world: World, alice: Address, kind: Kind) -> None:
        """At each call of a port: the repeat is served, with a key that nobody else has or gets."""
        leave(world, alice, **{kind.value: range(1, 21)})
        world.online(alice.account)
        given: list[int] = []

        for _ in crashes(world, PORTS, lambda dying: claim(dying, alice.account)):
            [bundle] = claim(world, alice.account).bundles
            key = bundle.one_time if kind is Kind.ONE_TIME else bundle.kem
            assert key
            given.append(key.id)

        assert len(set(given)) == len(given) == 2 * 7
        assert not set(given) & set(ids(world, alice, kind))

    def test_a_key_that_is_replaced_meanwhile_is_found_again(self, world: World, alice: Address) -> None:
        """The signed key goes between the reading of ids and of keys: the new one is given."""
        leave(world, alice, one_time=[1])
        plain = world.prekeys

        class Rotated(FakePrekeys):
            """The device uploads while somebody claims."""

            def read(
                self, device: Address, names: Collection[tuple[Kind, int]]
            ) -> Mapping[tuple[Kind, int], Prekey]:
                if (Kind.SIGNED, 1) in names:
                    world.prekeys = plain
                    leave(world, alice, signed=2, last_resort=2)
                return plain.read(device, names)

        rotated = Rotated()
        rotated.rows = plain.rows
        world.prekeys = rotated

        [bundle] = claim(world, alice.account).bundles

        assert (bundle.signed.id, bundle.kem.id) == (2, 2)


class TestTarget:
    """An account that many claim from."""

    def test_beyond_its_limit_bundles_come_without_one_time_keys(self, world: World, alice: Address) -> None:
        """Nobody is refused, the pool is spared, and nothing is posted."""
        leave(world, alice, one_time=range(1, 10), one_time_kem=range(1, 10))
        socket = world.online(alice.account)
        assert not world.limits.take(CLAIM_TARGET, alice.account, world.time, CLAIM_TARGET.burst)

        [bundle] = claim(world, alice.account).bundles

        assert (bundle.one_time, bundle.kem_kind) == (None, Kind.LAST_RESORT)
        assert keys.left(alice, prekeys=world.prekeys) == Left(9, 9)
        assert world.sockets.events(socket.connection_id) == []

    def test_other_accounts_are_not_concerned(self, world: World, alice: Address) -> None:
        """The bucket is the account's, and it fills again."""
        bob = address(world.account("bob"))
        for device in (alice, bob):
            leave(world, device, one_time=range(1, 10))
        world.limits.take(CLAIM_TARGET, alice.account, world.time, CLAIM_TARGET.burst)

        assert claim(world, bob.account).bundles[0].one_time
        world.time += CLAIM_TARGET.refill_ms
        assert claim(world, alice.account).bundles[0].one_time


class TestKeysLow:
    """The hint that few are left."""

    def test_the_device_is_told_and_no_other(self, world: World, alice: Address) -> None:
        """Below twenty of a sort, with both numbers as they are after the claim."""
        leave(world, alice, one_time=range(1, 41), one_time_kem=range(1, 21))
        first, second = world.online(alice.account), world.online(alice.account, 2)

        claim(world, alice.account)

        assert world.sockets.events(first.connection_id) == [
            {"type": "keys_low", "one_time": 39, "one_time_kem": 19}
        ]
        assert world.sockets.events(second.connection_id) == []

    def test_an_empty_pool_is_told_as_well(self, world: World, alice: Address) -> None:
        """Nothing was taken, and there is nothing to take."""
        leave(world, alice)
        socket = world.online(alice.account)

        claim(world, alice.account)

        assert world.sockets.events(socket.connection_id) == [
            {"type": "keys_low", "one_time": 0, "one_time_kem": 0}
        ]

    def test_it_does_not_spoil_the_claim(self, world: World, alice: Address) -> None:
        """Where connections cannot be read, the keys are given all the same: they are gone from the pool."""
        leave(world, alice, one_time=[1])

        def fails(_accounts: Collection[AccountId]) -> dict[AccountId, Any]:
            raise StorageUnavailable("no answer")

        world.connections.of_accounts = fails  # type: ignore[method-assign]

        assert claim(world, alice.account).bundles[0].one_time
