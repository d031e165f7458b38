"""``register`` by the owner of a taken handle: a new account, and the one before is retired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, Address
from chat.errors import ChatError, Code
from chat.ports.identity import Verification
from chat.usecases import removal
from chat.usecases.connect import connect
from chat.usecases.register import Registration, register
from chat.wire.frames import event_frames
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.dying import Crash, Dying
from tests.fakes.world import AUDIENCE, World

OLD, NEW, NEWEST = (Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in range(3))
PORTS = ("handles", "cards", "connect_numbers", "connections", "sockets")


class Vouches:
    """A verifier that takes the token for the person."""

    method = "oidc"

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        return f"oidc:issuer#{verification.token}"


@pytest.fixture
def world() -> World:
    """A backend of fakes with a verifier that knows people."""
    made = World()
    made.verifier = Vouches()  # type: ignore[assignment]
    return made


def run(world: Any, key: Ed25519PrivateKey, person: str = "alice") -> tuple[Address, DeviceList]:
    """Register the handle ``alice`` with a key, as a person."""
    public = key.public_key().public_bytes_raw()
    signature = key.sign(signed_bytes.register(AUDIENCE, "alice", public, world.time))
    return register(
        Registration("alice", public, "phone", world.time, signature, Verification("oidc", person)),
        audience=AUDIENCE,
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


def code(world: Any, key: Ed25519PrivateKey, person: str = "alice") -> Code:
    """The code of the refusal."""
    with pytest.raises(ChatError) as refused:
        run(world, key, person)
    return refused.value.code


def befriend(world: World, account: AccountId, *names: str) -> list[AccountId]:
    """Accounts that ``account`` accepted."""
    made = [world.account(name) for name in names]
    for peer in made:
        world.cards.accept(account, peer)
    return made


class TestRetiring:
    """What becomes of both accounts."""

    def test_the_handle_leads_to_a_new_account(self, world: World) -> None:
        """With one device, number 1, and nothing of the old one: no relation, no block."""
        (old, _), peer = run(world, OLD), world.account("bob")
        world.cards.block(old.account, peer)

        new, devices = run(world, NEW)

        assert world.handles.find("alice") == new.account != old.account
        assert world.cards.lists[new.account] == devices
        assert [d.auth_key for d in devices.devices] == [NEW.public_key().public_bytes_raw()]
        assert (new.device, devices.version, world.connect_numbers.last[new]) == (1, 1, 0)
        assert world.cards.blocked(new.account) == []

    def test_the_old_account_has_no_devices_any_more(self, world: World) -> None:
        """An empty next version; the number of no device is free again, and the chain stays as it was."""
        old, _ = run(world, OLD)
        world.keys[old] = OLD
        before = world.add_device(old.account, b"2" * 32)

        run(world, NEW)

        after = world.cards.lists[old.account]
        assert (after.version, after.next_device, after.devices) == (3, 3, ())
        assert (after.chain, after.lapsed) == (before.chain, (1, 2))

    def test_its_sockets_are_told_and_closed(self, world: World) -> None:
        """All of them, and no others."""
        (old, _), other = run(world, OLD), world.account("bob")
        mine = [world.online(old.account, device) for device in (1, 2)]
        theirs = world.online(other)

        run(world, NEW)

        assert sorted(world.sockets.closed) == sorted(socket.connection_id for socket in mine)
        for socket in mine:
            assert world.sockets.events(socket.connection_id)[0] == {
                "type": "session_closed",
                "reason": "ACCOUNT_REPLACED",
            }
        assert world.connections.rows == {theirs}

    def test_accounts_that_it_accepted_are_told(self, world: World) -> None:
        """Live ones, of the new version of the list; those that it blocked are not."""
        old, _ = run(world, OLD)
        bob, carol = befriend(world, old.account, "bob", "carol")
        world.cards.block(old.account, carol)
        for peer in (bob, carol, world.account("dave")):
            world.online(peer, name=peer)

        run(world, NEW)

        changed = {"type": "device_list_changed", "account": old.account, "version": 2}
        assert world.sockets.frames == {bob: [{"events": [changed]}]}

    def test_the_list_is_emptied_before_anything_is_read_or_made(self, world: World) -> None:
        """Never two live accounts with one handle; a connecting socket sees the empty list, or is seen."""
        old, _ = run(world, OLD)
        world.online(old.account)
        left: list[int] = []

        def note(real: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *args: (left.append(len(world.cards.lists[old.account].devices)), real(*args))[1]

        world.cards.create = note(world.cards.create)  # type: ignore[method-assign]
        world.connections.of_account = note(world.connections.of_account)  # type: ignore[method-assign]
        run(world, NEW)

        assert left
        assert set(left) == {0}

    def test_a_device_that_connects_meanwhile_is_refused(self, world: World) -> None:
        """Its connection was written before the list was emptied, and it reads the list afterwards."""
        old, _ = run(world, OLD)
        socket = world.online(old.account)
        world.connections.rows.clear()
        world.connections.add = lambda row: (
            type(world.connections).add(world.connections, row),
            run(world, NEW),
        )  # type: ignore[method-assign]

        assert not connect(socket, cards=world.cards, connections=world.connections)

        assert world.connections.rows == set()

    def test_a_change_of_the_list_meanwhile_is_retired_with_it(self, world: World) -> None:
        """A device linked between reading the list and emptying it does not save the account."""
        old, before = run(world, OLD)
        world.keys[old] = OLD
        linked = world.grown(before, world.signed("add", old, before, b"2" * 32))
        replace = world.cards.replace

        def late(devices: DeviceList) -> bool:
            world.cards.replace = replace  # type: ignore[method-assign]
            assert replace(linked)
            return replace(devices)

        world.cards.replace = late  # type: ignore[method-assign]
        emptied = removal.empty_list(old.account, "alice", cards=world.cards)

        assert (emptied.devices, emptied.version) == ((), 3)
        assert world.cards.lists[old.account] == emptied


class TestWhoMay:
    """Only a proof of ownership takes a handle over."""

    def test_somebody_else(self, world: World) -> None:
        """HANDLE_TAKEN; the account is as it was."""
        old, devices = run(world, OLD)
        world.online(old.account)

        assert code(world, NEW, person="mallory") is Code.HANDLE_TAKEN
        assert world.cards.lists == {old.account: devices}
        assert world.sockets.closed == []

    def test_a_late_repeat_of_the_replaced_key_takes_nothing_back(self, world: World) -> None:
        """ACCOUNT_REPLACED: its client learns what became of its account."""
        run(world, OLD)
        new, _ = run(world, NEW)

        assert code(world, OLD) is Code.ACCOUNT_REPLACED
        assert world.handles.find("alice") == new.account

    def test_of_two_at_once_one_wins(self, world: World) -> None:
        """The other was told the same holder, comes too late, and has no account."""
        run(world, OLD)
        take_over = world.handles.take_over

        def late(*args: Any) -> Any:
            world.handles.take_over = take_over  # type: ignore[method-assign]
            run(world, NEWEST)
            return take_over(*args)

        world.handles.take_over = late  # type: ignore[method-assign]
        assert code(world, NEW) is Code.HANDLE_TAKEN
        assert world.handles.claims["alice"].auth_key == NEWEST.public_key().public_bytes_raw()
        assert sum(bool(devices.devices) for devices in world.cards.lists.values()) == 1

    def test_a_registration_that_is_overtaken_makes_no_account(self, world: World) -> None:
        """It had claimed the handle and no list yet: the one who took over made it an empty one."""
        create = world.cards.create

        def late(devices: DeviceList) -> bool:
            world.cards.create = create  # type: ignore[method-assign]
            run(world, NEW)
            return create(devices)

        world.cards.create = late  # type: ignore[method-assign]
        assert code(world, OLD) is Code.ACCOUNT_REPLACED
        assert sorted(len(devices.devices) for devices in world.cards.lists.values()) == [0, 1]


def settled(world: World, old: Address, newest: Address) -> None:
    """One live account, all others retired without sockets, nothing left to do."""
    assert world.handles.find("alice") == newest.account
    assert {a for a, devices in world.cards.lists.items() if devices.devices} == {newest.account}
    assert not [row for row in world.connections.rows if row.account == old.account]
    assert world.handles.claims["alice"].replaces is None


@pytest.mark.parametrize("made", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("comes_back", [NEW, NEWEST], ids=["same-key", "other-key"])
def test_a_crash_anywhere_is_completed(made: bool, comes_back: Ed25519PrivateKey) -> None:
    """By a repeat, which gets the account of the claim, or by the next registration of the owner.

    Every call of every port is tried as the last one of a process.
    """
    for calls in range(1, 100):
        world = World()
        world.verifier = Vouches()  # type: ignore[assignment]
        old, _ = run(world, OLD)
        world.online(old.account)
        befriend_live = world.account("bob")
        del world.cards.lists[befriend_live]
        world.cards.accept(old.account, befriend_live)
        world.online(befriend_live)
        try:
            run(Dying(world, calls, PORTS, made=made), NEW)
        except Crash:
            claimed = world.handles.claims["alice"]
            newest, _ = run(world, comes_back)
            if claimed.auth_key == comes_back.public_key().public_bytes_raw():
                assert newest.account == claimed.account
            settled(world, old, newest)
        else:
            assert calls > 10
            return
    pytest.fail("it never came through")


def test_a_socket_that_does_not_close(world: World) -> None:
    """UNAVAILABLE, although the account is made: the repeat with the same key closes it and settles."""
    old, _ = run(world, OLD)
    socket = world.online(old.account)
    world.sockets.refuses_to_close = {socket.connection_id}
    assert code(world, NEW) is Code.UNAVAILABLE

    world.sockets.refuses_to_close.clear()
    new, _ = run(world, NEW)

    settled(world, old, new)
    assert world.sockets.closed == [socket.connection_id]
