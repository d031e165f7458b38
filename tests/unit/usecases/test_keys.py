"""Prekeys: leaving them, what is left, claiming them, and losing them with their device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from chat.domain import prekeys
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.prekeys import Held, Kind, Left, Prekey
from chat.errors import ChatError, Code
from chat.usecases import keys
from chat.usecases.keys import Claimed
from chat.wire.frames import event_frames

from tests.fakes.prekeys import made, some
from tests.fakes.world import World, address

SMALL_ORDER = bytes(32)


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


@pytest.fixture
def alice(world: World) -> Address:
    """The first of two devices, without any keys."""
    return address(world.account("alice", 2))


def upload(world: World, device: Address, brought: Mapping[Kind, tuple[Prekey, ...]]) -> Held:
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
    """Leave keys of these ids."""
    return upload(world, device, some(world.keys[device], device, **ids))


def claim(
    world: World, account: AccountId, *devices: int, choose: Callable[[int], int] = lambda below: below // 2
) -> Claimed:
    """Claim keys of devices."""
    return keys.claim(
        account,
        [DeviceId(device) for device in devices or (1,)],
        cards=world.cards,
        prekeys=world.prekeys,
        limits=world.limits,
        connections=world.connections,
        sockets=world.sockets,
        encode=event_frames,
        choose=choose,
        now=world.time,
    )


def refusal(call: Callable[..., Any], *args: Any, **named: Any) -> tuple[Code, Any]:
    """The code and the place that a refusal names."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    return refused.value.code, (refused.value.details or {}).get("path")


class TestUpload:
    """Leaving keys."""

    def test_it_answers_what_is_held(self, world: World, alice: Address) -> None:
        """The current ids, the numbers that are left, and the digest that the device can compute itself."""
        signer = world.keys[alice]

        after = leave(
            world, alice, one_time=range(1, 101), one_time_kem=range(1, 21), signed=3, last_resort=5
        )

        mine = [
            made(signer, alice, kind, number) for kind, number in ((Kind.SIGNED, 3), (Kind.LAST_RESORT, 5))
        ]
        assert after == Held(3, 5, Left(100, 20), prekeys.digest(alice, *mine))
        assert keys.held(alice, prekeys=world.prekeys) == after

    def test_a_repeat_changes_nothing(self, world: World, alice: Address) -> None:
        """The same ids with the same bytes are fine."""
        first = leave(world, alice, one_time=[1, 2], one_time_kem=[1])
        rows = dict(world.prekeys.rows[alice])

        assert leave(world, alice, one_time=[1, 2], one_time_kem=[1]) == first
        assert world.prekeys.rows[alice] == rows


class TestClaim:
    """Keys of others."""

    def test_each_one_time_key_is_given_once(self, world: World, alice: Address) -> None:
        """Until none is left; from then on bundles have the last-resort key and no one-time key."""
        leave(world, alice, one_time=range(1, 5), one_time_kem=range(1, 3))

        bundles = [claim(world, alice.account).bundles[0] for _ in range(6)]

        assert sorted(b.one_time.id for b in bundles if b.one_time) == [1, 2, 3, 4]
        assert [b.kem_kind for b in bundles] == [Kind.ONE_TIME_KEM] * 2 + [Kind.LAST_RESORT] * 4
        assert sorted(b.kem.id for b in bundles[:2]) == [1, 2]
        assert keys.left(alice, prekeys=world.prekeys) == Left(0, 0)
