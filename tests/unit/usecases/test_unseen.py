"""The first sync of a day: linked devices that nobody has seen for a month are removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chat.domain.devices import DeviceList
from chat.domain.ids import DAY, MINUTE, AccountId, DeviceId
from chat.errors import ChatError, Code, unavailable
from chat.ports.connections import Connection
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases.receipts import Ack
from chat.usecases.sync import Page, SyncRequest, sync
from chat.wire.frames import event_frames, size_of

from tests.fakes.world import NOW, World, address

LONG_AGO = NOW - 40 * DAY


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


@pytest.fixture
def alice(world: World) -> AccountId:
    """Device 1 registered, 2 to 4 were linked by it 40 days ago; only 1 and 2 connected since, just now."""
    account = world.account("alice", 4, added_at=LONG_AGO)
    world.connect_numbers.last.update({address(account, 1): NOW, address(account, 2): NOW})
    return account


def run(world: World, account: AccountId, device: int = 2, previous: int = NOW - DAY, **request: Any) -> Page:
    """Sync over a fresh socket of a device."""
    return sync(
        world.online(account, device),
        previous,
        SyncRequest(**request),
        **world.delivery,
        connect_numbers=world.connect_numbers,
        prekeys=world.prekeys,
        encode=event_frames,
        size_of=size_of,
        now=world.time,
    )


def left(world: World, account: AccountId) -> list[int]:
    """The numbers on the list."""
    return [device.device for device in world.cards.lists[account].devices]


def test_the_unseen_are_removed_at_once(world: World, alice: AccountId) -> None:
    """All of them by one change; the page tells the new version, live devices and peers hear of it."""
    peer = world.account("bob")
    world.cards.accept(alice, peer)
    socket = world.online(peer)

    page = run(world, alice)

    assert left(world, alice) == [1, 2]
    assert page.caught_up is not None
    assert page.caught_up.device_list_version == 2
    changed = {"type": "device_list_changed", "account": alice, "version": 2}
    assert world.sockets.events(socket.connection_id) == [changed]


@pytest.mark.parametrize(
    ("seen", "stays"), [(NOW - 30 * DAY - 1, False), (NOW - 30 * DAY, True), (NOW, True)]
)
def test_thirty_days_count(world: World, alice: AccountId, seen: int, stays: bool) -> None:
    """From the last connect number."""
    world.connect_numbers.last[address(alice, 3)] = seen

    run(world, alice)

    assert (3 in left(world, alice)) is stays


def test_a_device_linked_lately_stays(world: World, alice: AccountId) -> None:
    """Even if it has never connected."""
    devices = world.cards.lists[alice]
    young = [replace(d, added_at=NOW - 30 * DAY) if d.device == 3 else d for d in devices.devices]
    world.cards.lists[alice] = replace(devices, devices=tuple(young))

    run(world, alice)

    assert left(world, alice) == [1, 2, 3]


def test_the_first_device_stays(world: World, alice: AccountId) -> None:
    """Nobody linked it: it may be all that is left of its owner."""
    world.connect_numbers.last[address(alice, 1)] = 0

    run(world, alice)

    assert left(world, alice) == [1, 2]


def test_the_device_that_asks_stays(world: World, alice: AccountId) -> None:
    """Whatever its row says."""
    run(world, alice, device=4)

    assert left(world, alice) == [1, 2, 4]


@pytest.mark.parametrize("previous", [0, NOW - DAY, NOW // DAY * DAY - 1])
def test_another_day_than_before(world: World, alice: AccountId, previous: int) -> None:
    """The first connect of a day (UTC), or of its life, looks."""
    run(world, alice, previous=previous)

    assert left(world, alice) == [1, 2]


def test_the_same_day_as_before(world: World, alice: AccountId) -> None:
    """It costs nothing and does nothing."""
    run(world, alice, previous=NOW // DAY * DAY)

    assert (left(world, alice), world.connect_numbers.asked) == ([1, 2, 3, 4], 0)


def test_a_keep_alive_does_not_look(world: World, alice: AccountId) -> None:
    """Nine minutes after the connect the same context says another day, all the same."""
    socket_opened = NOW
    world.time = socket_opened + 9 * MINUTE

    run(world, alice)

    assert (left(world, alice), world.connect_numbers.asked) == ([1, 2, 3, 4], 0)


@pytest.mark.parametrize("devices", [1, 2])
def test_young_accounts_cost_nothing(world: World, devices: int) -> None:
    """Where no device was linked a month ago, no number is read."""
    run(world, world.account("bob", devices), device=1)

    assert world.connect_numbers.asked == 0


@pytest.mark.parametrize(
    ("port", "method", "problem"),
    [
        ("connect_numbers", "seen", StorageUnavailable()),
        ("cards", "replace", StorageUnavailable()),
        ("cards", "friends", OutcomeUnknown()),
        ("connections", "remove", unavailable()),
    ],
)
def test_trouble_with_others_does_not_spoil_the_page(
    world: World, alice: AccountId, port: str, method: str, problem: Exception
) -> None:
    """The device that asks gets its page; what was not removed is on another day."""
    world.online(alice, 3)

    def fail(*_: object) -> None:
        raise problem

    setattr(getattr(world, port), method, fail)

    assert run(world, alice).caught_up is not None


def test_another_change_comes_first(world: World, alice: AccountId) -> None:
    """The lists that were read are old: nothing is removed, no socket closes."""
    socket = world.online(alice, 3)
    replaced = world.cards.replace

    def late(devices: DeviceList) -> bool:
        world.cards.replace = replaced  # type: ignore[method-assign]
        replaced(world.cards.lists[alice].without(DeviceId(4)))
        return replaced(devices)

    world.cards.replace = late  # type: ignore[method-assign]
    run(world, alice)

    assert left(world, alice) == [1, 2, 3]
    assert socket in world.connections.rows


def test_it_is_off_the_list_before_its_sockets_are_looked_for(world: World, alice: AccountId) -> None:
    """It connects at this moment: its socket is found, or reads the new list; closed and told either way."""
    of_account, opened = world.connections.of_account, []

    def late(account: AccountId) -> list[Connection]:
        if left(world, alice) == [1, 2] and not opened:
            opened.append(world.online(alice, 3))
        return of_account(account)

    world.connections.of_account = late  # type: ignore[method-assign]
    run(world, alice)

    [socket] = opened
    assert world.sockets.closed == [socket.connection_id]
    assert {"type": "session_closed", "reason": "DEVICE_REMOVED"} in world.sockets.events(
        socket.connection_id
    )


def test_a_removed_device_is_refused_like_any_other(world: World, alice: AccountId) -> None:
    """Its next sync gets no page."""
    run(world, alice)

    page = run(world, alice, device=3)

    assert (page.token, page.caught_up) == (None, None)


def test_an_ack_of_a_device_that_goes_meanwhile(world: World, alice: AccountId) -> None:
    """Between the list and the ack it was removed: the frame is refused, not served in part."""
    read = world.cards.read

    def late(wanted: Any, *, stale: bool = False) -> Any:
        world.cards.replace(world.cards.lists[alice].without(DeviceId(2)))
        return read(wanted, stale=stale)

    world.cards.read = late  # type: ignore[method-assign]
    with pytest.raises(ChatError) as refused:
        run(world, alice, ack=Ack())
    assert refused.value.code is Code.DEVICE_REMOVED
