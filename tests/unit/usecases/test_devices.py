"""``devices``: taking one in, removing one, telling the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chat.domain.device_chain import CHAIN_LIMIT, EMPTY, ChainEntry
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.prekeys import Kind, Prekey
from chat.errors import ChatError, Code
from chat.ports.storage import OutcomeUnknown
from chat.usecases import devices
from chat.usecases.account import device_chain
from chat.wire.frames import event_frames

from tests.fakes.dying import Crash, Dying
from tests.fakes.world import NOW, World, address

NEW = b"n" * 32


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def link(world: Any, by: Address, key: bytes = NEW, own: DeviceList | None = None, **says: Any) -> DeviceList:
    """Take a device in. ``own`` is what the request read; ``says`` differs from what was signed."""
    own = own or world.cards.lists[by.account]
    signer = says.pop("signer", by)
    return devices.link(
        world.signed("add", signer, own, key, **says),
        by,
        own,
        cards=world.cards,
        chains=world.chains,
        connect_numbers=world.connect_numbers,
        connections=world.connections,
        links=world.links,
        sockets=world.sockets,
        encode=event_frames,
        check_signature=world.check_signature,
        now=world.time,
    )


def remove(
    world: Any, account: AccountId, device: int, own: DeviceList | None = None, by: int = 1, **says: Any
) -> DeviceList:
    """Take a device off the list. ``own`` is what the request read; ``says`` differs from what was signed."""
    own = own or world.cards.lists[account]
    signer = address(account, by)
    return devices.remove(
        world.signed("remove", says.pop("signer", signer), own, device=device, **says),
        signer,
        own,
        cards=world.cards,
        chains=world.chains,
        connections=world.connections,
        prekeys=world.prekeys,
        sockets=world.sockets,
        encode=event_frames,
        check_signature=world.check_signature,
        now=world.time,
    )


def chain(world: World, account: AccountId) -> list[tuple[int, str, int, int]]:
    """All entries of an account's chain: number, change, device, signer. Each hangs on the one before."""
    listed, entries = device_chain(account, cards=world.cards, chains=world.chains)
    again = EMPTY
    for entry in entries:
        again = again.with_entry(account, entry)
    assert again == listed.chain
    return [(entry.number, entry.change, entry.device, entry.signer) for entry in entries]


def code(call: Any, *args: Any, **named: Any) -> Code:
    """The code of the refusal."""
    with pytest.raises(ChatError) as refused:
        call(*args, **named)
    code: Code = refused.value.code
    return code


class TestLink:
    """An existing device takes a new one in."""

    def test_the_new_device_is_found_and_can_connect(self, world: World) -> None:
        """It is on the list and in the chain, has a connect number, and its key leads to its number."""
        alice = world.account("alice")

        after = link(world, address(alice))

        assert world.cards.lists[alice] == after
        added = after.devices[-1]
        assert (added.device, added.auth_key, added.name, after.version) == (2, NEW, "phone", 2)
        assert added.linked_by == 1
        assert chain(world, alice) == [(1, "add", 1, 0), (2, "add", 2, 1)]
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
        """Also word for word as it was sent, and when a crash lost the link row."""
        alice = world.account("alice")
        before = world.cards.lists[alice]
        after = link(world, address(alice))
        world.links.links.clear()

        said = {"number": 2, "device": DeviceId(2)}
        assert link(world, address(alice)) == link(world, address(alice), **said) == after
        assert after.chain.length == before.chain.length + 1
        assert devices.find_link(NEW, links=world.links, limits=world.limits, now=NOW) == address(alice, 2)

    def test_a_crash_before_the_list_leaves_a_number_that_harms_nobody(self, world: World) -> None:
        """The connect number comes first, so a device on the list can always connect."""
        alice = world.account("alice")
        replace, order = world.cards.replace, []
        world.cards.replace = lambda new: (order.append(dict(world.connect_numbers.last)), replace(new))[1]  # type: ignore[method-assign]

        link(world, address(alice))

        assert address(alice, 2) in order[0]

    @pytest.mark.parametrize(
        "says",
        [{"auth_key": b"o" * 32}, {"signature": bytes(64)}, {"signed_at": NOW + 1}],
        ids=lambda says: next(iter(says)),
    )
    def test_an_entry_that_was_not_signed(self, world: World, says: dict[str, Any]) -> None:
        """UNAUTHENTICATED, nothing changes."""
        alice = world.account("alice")
        if at := says.pop("signed_at", None):
            signed = world.signed("add", address(alice), world.cards.lists[alice], NEW, time=at)
            says = {"signature": signed.signature}

        assert code(link, world, address(alice), **says) is Code.UNAUTHENTICATED
        assert world.cards.lists[alice].version == 1

    def test_an_entry_that_hangs_on_another_chain(self, world: World) -> None:
        """UNAUTHENTICATED: it names the head that the device has seen, which is not the one here."""
        alice = world.account("alice")
        other = replace(world.cards.lists[alice].chain, head=bytes(32))
        own = replace(world.cards.lists[alice], chain=other)
        signature = world.signed("add", address(alice), own, NEW).signature

        assert code(link, world, address(alice), signature=signature) is Code.UNAUTHENTICATED

    def test_an_entry_of_another_device(self, world: World) -> None:
        """Of another account, or of the own account's second device when the first one asks."""
        alice, bob = world.account("alice", 2), world.account("bob")

        for signer in (address(bob), address(alice, 2)):
            assert code(link, world, address(alice), signer=signer) is Code.UNAUTHENTICATED
        assert world.links.links == {}

    @pytest.mark.parametrize("off", [-60_001, 60_001])
    def test_an_old_entry(self, world: World, off: int) -> None:
        """CLOCK_SKEW."""
        assert code(link, world, address(world.account("alice")), time=NOW + off) is Code.CLOCK_SKEW

    def test_a_sixth_device(self, world: World) -> None:
        """DEVICE_LIMIT; but one that is on the list already may be linked again."""
        alice = world.account("alice", 4)
        link(world, address(alice))

        assert code(link, world, address(alice), b"m" * 32) is Code.DEVICE_LIMIT
        assert len(link(world, address(alice)).devices) == 5

    def test_a_chain_that_is_full(self, world: World) -> None:
        """DEVICE_LIMIT: it has to fit into one answer. Devices can still be removed."""
        alice = world.account("alice", 2)
        own = world.cards.lists[alice]
        last = replace(own.chain.last, number=CHAIN_LIMIT)  # type: ignore[type-var]
        world.cards.lists[alice] = replace(own, chain=replace(own.chain, last=last))

        assert code(link, world, address(alice)) is Code.DEVICE_LIMIT
        assert len(remove(world, alice, 2).devices) == 1

    @pytest.mark.parametrize(
        "says",
        [{"number": 1}, {"number": 3}, {"device": DeviceId(1)}, {"device": DeviceId(3)}],
        ids=lambda says: str(next(iter(says.items()))),
    )
    def test_an_entry_for_another_place(self, world: World, says: dict[str, Any]) -> None:
        """DEVICE_LIST_CHANGED, with what to read; before the signature, which is for another chain."""
        alice = world.account("alice")

        with pytest.raises(ChatError) as refused:
            link(world, address(alice), signature=bytes(64), **says)

        assert refused.value.code is Code.DEVICE_LIST_CHANGED
        assert refused.value.details == {"version": 1, "number": 1}

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
        assert world.cards.lists[alice].lapsed == (2,)
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

        assert ([d.device for d in after.devices], after.lapsed) == ([1], ())
        assert chain(world, alice)[-1] == (3, "remove", 2, 1)
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

    def test_a_lapsed_device_is_signed_out(self, world: World) -> None:
        """It is off the list already; the entry is what others wait for."""
        alice = world.account("alice", 3)
        world.cards.replace(world.cards.lists[alice].without(DeviceId(3), DeviceId(2)))

        after = remove(world, alice, 3)

        assert ([d.device for d in after.devices], after.lapsed) == ([1], (2,))
        assert chain(world, alice)[-1] == (4, "remove", 3, 1)
        assert (remove(world, alice, 2).lapsed, len(chain(world, alice))) == ((), 5)

    def test_a_device_removes_itself(self, world: World) -> None:
        """The entry is signed by a device that was live before it."""
        alice = world.account("alice", 2)

        remove(world, alice, 2, by=2)

        assert chain(world, alice)[-1] == (3, "remove", 2, 2)

    @pytest.mark.parametrize(
        ("says", "refusal"),
        [
            ({"signature": bytes(64)}, Code.UNAUTHENTICATED),
            ({"number": 3}, Code.DEVICE_LIST_CHANGED),
            ({"number": 5}, Code.DEVICE_LIST_CHANGED),
            ({"time": NOW - 60_001}, Code.CLOCK_SKEW),
        ],
        ids=str,
    )
    def test_an_entry_that_is_wrong(self, world: World, says: dict[str, Any], refusal: Code) -> None:
        """Refused, nothing changes."""
        alice = world.account("alice", 3)
        world.online(alice, 2)

        assert code(remove, world, alice, 2, **says) is refusal
        assert (world.cards.lists[alice].version, world.sockets.closed) == (1, [])

    def test_a_signature_of_another_own_device(self, world: World) -> None:
        """UNAUTHENTICATED: the entry names the device that asks."""
        alice = world.account("alice", 3)

        assert code(remove, world, alice, 2, signer=address(alice, 3)) is Code.UNAUTHENTICATED

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

        assert code(remove, world, alice, 2, own=read) is Code.DEVICE_LIST_CHANGED
        assert world.sockets.closed == []
        assert chain(world, alice)[-1] == (4, "remove", 3, 1)


class TestCrashes:
    """Every call of every port is tried as the last one of a process."""

    PORTS = ("cards", "chains", "connect_numbers", "connections", "links", "prekeys", "sockets")

    @pytest.mark.parametrize("made", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("other", [False, True], ids=["same-change", "other-change"])
    def test_a_link_is_completed(self, made: bool, other: bool) -> None:
        """By a repeat; or another device changes the list instead, and the chain has no gap either way."""
        for calls in range(1, 50):
            world = World()
            alice = world.account("alice", 2)
            world.online(alice)
            try:
                link(Dying(world, calls, self.PORTS, made=made), address(alice))
            except Crash:
                if other:
                    remove(world, alice, 1, by=2)
                    assert chain(world, alice)[-1][1:] == ("remove", 1, 2)
                else:
                    after = link(world, address(alice))
                    assert [d.device for d in after.devices] == [1, 2, 3]
                    assert chain(world, alice)[2:] == [(3, "add", 3, 1)]
                    assert world.links.find(NEW) == address(alice, 3)
                    assert world.connect_numbers.last[address(alice, 3)] == 0
            else:
                assert calls > 7
                return
        pytest.fail("it never came through")

    @pytest.mark.parametrize("made", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("other", [False, True], ids=["same-change", "other-change"])
    def test_a_removal_is_completed(self, made: bool, other: bool) -> None:
        """By a repeat, which closes the sockets; or another device is taken in instead."""
        for calls in range(1, 50):
            world = World()
            alice = world.account("alice", 2)
            world.online(alice)
            goes = world.online(alice, 2)
            world.prekeys.add(goes.address, Kind.ONE_TIME, Prekey(1, bytes(32)))
            try:
                remove(Dying(world, calls, self.PORTS, made=made), alice, 2)
            except Crash:
                if other:
                    link(world, address(alice))
                    assert chain(world, alice)[-1][1:] == ("add", 3, 1)
                else:
                    assert [d.device for d in remove(world, alice, 2).devices] == [1]
                    assert chain(world, alice)[2:] == [(3, "remove", 2, 1)]
                    assert set(world.sockets.closed) == {goes.connection_id}
                    assert not world.prekeys.rows.get(goes.address)
                    assert goes not in world.connections.rows
            else:
                assert calls > 5
                return
        pytest.fail("it never came through")

    def test_an_entry_is_kept_before_another_takes_its_place(self, world: World) -> None:
        """Where that is unknown the list stays as it was: a chain with a gap convinces nobody."""
        alice = world.account("alice")

        def unknown(*_: object) -> None:
            raise OutcomeUnknown

        world.chains.keep, keep = unknown, world.chains.keep  # type: ignore[method-assign, assignment]
        with pytest.raises(OutcomeUnknown):
            link(world, address(alice))
        assert world.cards.lists[alice].version == 1

        world.chains.keep = keep  # type: ignore[method-assign]
        link(world, address(alice))
        assert chain(world, alice) == [(1, "add", 1, 0), (2, "add", 2, 1)]

    @pytest.mark.parametrize("first", ["link", "remove", "lapse"])
    def test_of_two_changes_at_once_one_wins(self, world: World, first: str) -> None:
        """The other one read the same list: it is told, leaves no trace, and may sign anew."""
        alice = world.account("alice", 3)
        replaced = world.cards.replace

        def late(after: DeviceList) -> bool:
            world.cards.replace = replaced  # type: ignore[method-assign]
            if first == "link":
                link(world, address(alice, 2), b"m" * 32)
            elif first == "remove":
                remove(world, alice, 3, by=2)
            else:
                replaced(world.cards.lists[alice].without(DeviceId(3)))
            return replaced(after)

        world.cards.replace = late  # type: ignore[method-assign]
        assert code(link, world, address(alice)) is Code.DEVICE_LIST_CHANGED
        assert world.links.find(NEW) is None

        before = chain(world, alice)
        after = link(world, address(alice))
        assert chain(world, alice) == [*before, (len(before) + 1, "add", after.devices[-1].device, 1)]

    def test_a_chain_is_whole_while_it_grows(self, world: World) -> None:
        """Read between the list and the entries: a change that comes then is not shown yet."""
        alice = world.account("alice", 2)
        kept = world.chains.kept

        def late(account: AccountId) -> list[ChainEntry]:
            world.chains.kept = kept  # type: ignore[method-assign]
            link(world, address(alice))
            remove(world, alice, 2)
            return kept(account)

        world.chains.kept = late  # type: ignore[method-assign]
        assert chain(world, alice) == [(1, "add", 1, 0), (2, "add", 2, 1)]
        assert len(chain(world, alice)) == 4
