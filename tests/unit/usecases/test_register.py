"""``register``: a handle, an account, a first device."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.device_chain import ChainEntry
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, Address, DeviceId, new_uuid7
from chat.errors import ChatError, Code
from chat.ports.accounts import Claim
from chat.ports.identity import Verification
from chat.usecases.register import RESERVED_HANDLES, Registration, register
from chat.wire.frames import event_frames
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.world import AUDIENCE, NOW, World, address

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def public(key: Ed25519PrivateKey) -> bytes:
    """The public half."""
    return key.public_key().public_bytes_raw()


def request(
    handle: str = "alice", key: Ed25519PrivateKey = KEY, time: int = NOW, audience: str = AUDIENCE
) -> Registration:
    """A registration signed by ``key``."""
    signature = key.sign(signed_bytes.register(audience, handle, public(key), time))
    return Registration(handle, public(key), "laptop", time, signature, Verification("open"))


def run(world: World, asked: Registration) -> tuple[Address, DeviceList]:
    """Register at the world's time."""
    return register(
        asked,
        audience=world.identity.audience,
        handles=world.handles,
        cards=world.cards,
        connect_numbers=world.connect_numbers,
        connections=world.connections,
        sockets=world.sockets,
        encode=event_frames,
        verifier=world.verifier,
        limits=world.limits,
        check_signature=world.check_signature,
        now=world.time,
    )


def code(world: World, asked: Registration) -> Code:
    """The code of the refusal; nothing may have been written."""
    before = (dict(world.handles.claims), dict(world.cards.lists), dict(world.connect_numbers.last))
    with pytest.raises(ChatError) as refused:
        run(world, asked)
    assert (world.handles.claims, world.cards.lists, world.connect_numbers.last) == before
    return refused.value.code


def test_the_first_device_has_everything_it_needs(world: World) -> None:
    """The handle names the account, the list holds the device, and it has a connect number to raise."""
    device, devices = run(world, request())

    assert device == Address(devices.account, DeviceId(1))
    assert world.handles.find("alice") == devices.account
    assert world.cards.lists[devices.account] == devices
    assert [(d.device, d.auth_key, d.name) for d in devices.devices] == [(1, public(KEY), "laptop")]
    assert (devices.version, devices.next_device) == (1, 2)
    first = ChainEntry(1, "add", DeviceId(1), public(KEY), DeviceId(0), NOW, b"")
    assert (devices.chain.last, devices.chain.length, devices.lapsed) == (first, 1, ())
    assert world.connect_numbers.last == {device: 0}


def test_a_repeat_gives_the_same_account(world: World) -> None:
    """Later, signed anew, by the same key."""
    first = run(world, request())
    world.time += 3_600_000

    assert run(world, request(time=world.time)) == first


@pytest.mark.parametrize("crash_in", ["connect_numbers", "cards"])
def test_a_repeat_completes_what_a_crash_left(world: World, crash_in: str) -> None:
    """After the claim, and after the connect number: the account of the claim is made, no second one."""

    def crash(*_: object) -> None:
        raise RuntimeError

    name = "start" if crash_in == "connect_numbers" else "create"
    real = getattr(getattr(world, crash_in), name)
    setattr(getattr(world, crash_in), name, crash)
    with pytest.raises(RuntimeError):
        run(world, request())
    setattr(getattr(world, crash_in), name, real)

    device, _ = run(world, request())

    assert world.handles.claims["alice"].account == device.account
    assert len(world.cards.lists) == 1


def test_a_taken_handle(world: World) -> None:
    """Another key may not have it, whoever signs for it."""
    run(world, request())

    assert code(world, request(key=Ed25519PrivateKey.generate())) is Code.HANDLE_TAKEN


def test_a_handle_of_another_owner(world: World) -> None:
    """The same key, vouched for as somebody else: still somebody else's."""
    world.handles.claim("alice", Claim(AccountId(new_uuid7(1)), "oidc:issuer#1", public(KEY)), NOW)

    assert code(world, request()) is Code.HANDLE_TAKEN


@pytest.mark.parametrize("handle", sorted(RESERVED_HANDLES))
def test_a_reserved_handle(world: World, handle: str) -> None:
    """Nobody poses as the service."""
    assert code(world, request(handle)) is Code.HANDLE_TAKEN


@pytest.mark.parametrize(
    "changes",
    [{"handle": "bob"}, {"auth_key": bytes(32)}, {"time": NOW + 1}, {"signature": bytes(64)}],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_that_was_signed_may_change(world: World, changes: dict[str, Any]) -> None:
    """UNAUTHENTICATED."""
    assert code(world, dataclasses.replace(request(), **changes)) is Code.UNAUTHENTICATED


def test_a_registration_for_another_server(world: World) -> None:
    """UNAUTHENTICATED: it cannot be passed on."""
    assert code(world, request(audience="evil.test:443")) is Code.UNAUTHENTICATED


@pytest.mark.parametrize("off", [-60_001, 60_001])
def test_a_wrong_clock(world: World, off: int) -> None:
    """CLOCK_SKEW."""
    assert code(world, request(time=NOW + off)) is Code.CLOCK_SKEW


def test_another_method_of_verification(world: World) -> None:
    """A stage offers one; any other is VERIFICATION_FAILED."""
    asked = dataclasses.replace(request(), verification=Verification("oidc", "token"))

    assert code(world, asked) is Code.VERIFICATION_FAILED


class TestAfterTheListChanged:
    """A repeated registration never answers with another device's number."""

    def test_the_own_device_is_no_longer_the_first(self, world: World) -> None:
        """The key was removed and linked anew: its device is the one with this key now."""
        device, _ = run(world, request())
        world.keys |= {device: KEY, address(device.account, 2): KEY}
        second = world.add_device(device.account, b"other")
        world.cards.replace(second.without(DeviceId(1)))
        world.add_device(device.account, public(KEY), by=2)

        assert run(world, request())[0] == address(device.account, 3)

    def test_the_own_device_was_removed(self, world: World) -> None:
        """DEVICE_REMOVED: only a remaining device can take it in again."""
        device, _ = run(world, request())
        world.keys[device] = KEY
        world.cards.replace(world.add_device(device.account, b"other").without(DeviceId(1)))

        assert code(world, request()) is Code.DEVICE_REMOVED
