"""``devices``: taking one in, removing one, telling the others."""

from __future__ import annotations

from typing import Any

import pytest
from chat.domain import signed_bytes
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, Address, DeviceId
from chat.errors import ChatError, Code
from chat.usecases import devices
from chat.wire.frames import event_frames

from tests.fakes.world import AUDIENCE, NOW, World, address

NEW = b"n" * 32


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def link(
    world: World, by: Address, key: bytes = NEW, own: DeviceList | None = None, **signed: Any
) -> DeviceList:
    """Take a device in. ``signed`` changes what the statement says; ``own`` is what the request read."""
    own = own or world.cards.lists[by.account]
    time, version = signed.pop("at", NOW), signed.pop("after", own.version + 1)
    fields = {"audience": AUDIENCE, "device": by, "auth_key": key, "version": version, "time": time} | signed
    signer = signed.get("device", by)
    return devices.link(
        by,
        own,
        key,
        "phone",
        version,
        time,
        world.keys[signer].sign(signed_bytes.link(**fields)),
        audience=AUDIENCE,
        cards=world.cards,
        connect_numbers=world.connect_numbers,
        connections=world.connections,
        links=world.links,
        sockets=world.sockets,
        encode=event_frames,
        check_signature=world.check_signature,
        now=world.time,
    )


def remove(world: World, account: AccountId, device: int) -> DeviceList:
    """Take a device off the list as it stands."""
    return devices.remove(
        DeviceId(device),
        world.cards.lists[account],
        cards=world.cards,
        connections=world.connections,
        prekeys=world.prekeys,
        sockets=world.sockets,
        encode=event_frames,
    )


def code(call: Any, *args: Any, **named: Any) -> Code:
    """The code of the refusal."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    code: Code = refused.value.code
    return code


class TestLink:
    """An existing device takes a new one in."""

    def test_the_new_device_is_found_and_can_connect(self, world: World) -> None:
        """It is on the list with its statement, has a connect number, and its key leads to its number."""
        alice = world.account("alice")

        after = link(world, address(alice))

        assert world.cards.lists[alice] == after
        added = after.devices[-1]
        assert (added.device, added.auth_key, added.name, after.version) == (2, NEW, "phone", 2)
        assert added.linked_by is not None
        assert (added.linked_by.device, added.linked_by.time) == (1, NOW)
        assert world.connect_numbers.last[address(alice, 2)] == 0
        assert devices.find_link(NEW, links=world.links, limits=world.limits, now=NOW) == address(alice, 2)

    def test_the_other_devices_are_told(self, world: World) -> None:
        """With the new version."""
        alice = world.account("alice")
        socket = world.online(alice)

        link(world, address(alice))

        assert world.sockets.events(socket.connection_id) == [
            {"type": "device_list_changed", "account": alice, "version": 2}
        ]

    def test_a_repeat_changes_nothing(self, world: World) -> None:
        """Also when its statement names the old version, and when a crash lost the link row."""
        alice = world.account("alice")
        after = link(world, address(alice))
        world.links.links.clear()

        assert link(world, address(alice), after=2) == after
        assert devices.find_link(NEW, links=world.links, limits=world.limits, now=NOW) == address(alice, 2)

    def test_a_crash_before_the_list_leaves_a_number_that_harms_nobody(self, world: World) -> None:
        """The connect number comes first, so a device on the list can always connect."""
        alice = world.account("alice")
        replace, order = world.cards.replace, []
        world.cards.replace = lambda new: (order.append(dict(world.connect_numbers.last)), replace(new))[1]  # type: ignore[method-assign]

        link(world, address(alice))

        assert address(alice, 2) in order[0]

    @pytest.mark.parametrize(
        "signed",
        [
            {"audience": "evil.test:443"},
            {"auth_key": b"o" * 32},
            {"version": 9},
            {"time": NOW + 1},
        ],
        ids=lambda signed: next(iter(signed)),
    )
    def test_a_statement_over_something_else(self, world: World, signed: dict[str, Any]) -> None:
        """UNAUTHENTICATED, nothing changes."""
        alice = world.account("alice")

        assert code(link, world, address(alice), **signed) is Code.UNAUTHENTICATED
        assert world.cards.lists[alice].version == 1

    def test_a_statement_of_another_device(self, world: World) -> None:
        """Of another account, or of the own account's second device when the first one asks."""
        alice, bob = world.account("alice", 2), world.account("bob")

        for signer in (address(bob), address(alice, 2)):
            assert code(link, world, address(alice), device=signer) is Code.UNAUTHENTICATED
        assert world.links.links == {}

    @pytest.mark.parametrize("off", [-60_001, 60_001])
    def test_an_old_statement(self, world: World, off: int) -> None:
        """CLOCK_SKEW."""
        assert code(link, world, address(world.account("alice")), at=NOW + off) is Code.CLOCK_SKEW

    def test_a_sixth_device(self, world: World) -> None:
        """DEVICE_LIMIT; but one that is on the list already may be linked again."""
        alice = world.account("alice", 4)
        link(world, address(alice))

        assert code(link, world, address(alice), b"m" * 32) is Code.DEVICE_LIMIT
        assert len(link(world, address(alice)).devices) == 5

    @pytest.mark.parametrize("after", [1, 3])
    def test_a_statement_for_another_version(self, world: World, after: int) -> None:
        """DEVICE_LIST_CHANGED, with the version to read."""
        alice = world.account("alice")

        assert code(link, world, address(alice), after=after) is Code.DEVICE_LIST_CHANGED

    def test_of_two_links_at_once_one_wins(self, world: World) -> None:
        """Both read the same list; the second finds it changed and has no device."""
        alice = world.account("alice", 2)
        read = world.cards.lists[alice]
        link(world, address(alice, 1), own=read)

        assert code(link, world, address(alice, 2), b"m" * 32, own=read) is Code.DEVICE_LIST_CHANGED
        assert world.links.find(b"m" * 32) is None

    def test_a_device_that_another_account_took_in(self, world: World) -> None:
        """LINK_TAKEN, and the list is as it was: somebody else saw the code first, and the owner learns."""
        alice, mallory = world.account("alice"), world.account("mallory")
        link(world, address(mallory))

        assert code(link, world, address(alice)) is Code.LINK_TAKEN
        assert world.cards.lists[alice].version == 1
        assert world.links.find(NEW) == address(mallory, 2)

    def test_another_account_takes_it_in_at_the_same_moment(self, world: World) -> None:
        """LINK_TAKEN too; the device that will never come is off the list again, and nobody is told."""
        alice, mallory = world.account("alice"), world.account("mallory")
        socket, add = world.online(alice), world.links.add

        def late(key: bytes, device: Address) -> Address:
            add(key, address(mallory, 2))
            return add(key, device)

        world.links.add = late  # type: ignore[method-assign]

        assert code(link, world, address(alice)) is Code.LINK_TAKEN
        assert [d.device for d in world.cards.lists[alice].devices] == [1]
        assert world.sockets.events(socket.connection_id) == []

    def test_nobody_was_taken_in(self, world: World) -> None:
        """NOT_FOUND: ask again."""
        assert code(devices.find_link, NEW, links=world.links, limits=world.limits, now=NOW) is Code.NOT_FOUND


class TestRemove:
    """A device goes, and its sockets with it."""

    def test_the_list_changes_and_the_sockets_close(self, world: World) -> None:
        """Told why, closed, forgotten; the remaining devices learn of the new list."""
        alice = world.account("alice", 2)
        stays, goes = world.online(alice, 1, name="stays"), world.online(alice, 2, name="goes")

        after = remove(world, alice, 2)

        assert [d.device for d in after.devices] == [1]
        assert world.sockets.closed == [goes.connection_id]
        assert world.sockets.events("goes")[0] == {"type": "session_closed", "reason": "DEVICE_REMOVED"}
        assert world.sockets.events("stays") == [
            {"type": "device_list_changed", "account": alice, "version": 2}
        ]
        assert world.connections.rows == {stays}

    def test_the_list_is_written_before_connections_are_read(self, world: World) -> None:
        """A socket that opens in between reads the new list; the other order would miss it."""
        alice = world.account("alice", 2)
        of_account = world.connections.of_account
        versions: list[int] = []
        world.connections.of_account = lambda account: (  # type: ignore[method-assign]
            versions.append(world.cards.lists[account].version),
            of_account(account),
        )[1]

        remove(world, alice, 2)

        assert set(versions) == {2}

    def test_removing_again_closes_what_was_left_open(self, world: World) -> None:
        """The first time the gateway refused: UNAVAILABLE, the row stays; the repeat closes it."""
        alice = world.account("alice", 2)
        world.online(alice, 2, name="goes")
        world.sockets.refuses_to_close = {"goes"}
        assert code(remove, world, alice, 2) is Code.UNAVAILABLE

        world.sockets.refuses_to_close.clear()
        after = remove(world, alice, 2)

        assert (world.sockets.closed, after.version) == (["goes"], 2)
        assert world.connections.rows == set()

    def test_the_last_device(self, world: World) -> None:
        """LAST_DEVICE: nobody could come back."""
        alice = world.account("alice")

        assert code(remove, world, alice, 1) is Code.LAST_DEVICE

    @pytest.mark.parametrize("device", [3, 32_767])
    def test_a_device_that_never_was(self, world: World, device: int) -> None:
        """NOT_FOUND."""
        assert code(remove, world, world.account("alice", 2), device) is Code.NOT_FOUND

    def test_a_change_that_came_first(self, world: World) -> None:
        """DEVICE_LIST_CHANGED, and no socket closes."""
        alice = world.account("alice", 3)
        read = world.cards.lists[alice]
        world.online(alice, 2)
        remove(world, alice, 3)
        world.cards.lists[alice], newer = read, world.cards.lists[alice]
        replace = world.cards.replace
        world.cards.replace = lambda new: (world.cards.lists.update({alice: newer}), replace(new))[1]  # type: ignore[method-assign]

        assert code(remove, world, alice, 2) is Code.DEVICE_LIST_CHANGED
        assert world.sockets.closed == []
