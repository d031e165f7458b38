"""The rules of the storage ports, for whatever stands behind them.

``test_storage_ports.py`` beside this file runs them on the fakes of the unit tests, the file of that name in
``tests/integration/storage`` on the adapters and a real Cassandra: so what the fakes prove holds there too.
Both give the fixture ``ports``. Every test makes accounts of its own, so nothing needs to be emptied.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chat.adapters.cassandra import accounts as cassandra_accounts
from chat.domain.device_chain import ChainEntry, first_chain
from chat.domain.devices import FIRST_DEVICE, Device, DeviceList
from chat.domain.ids import (
    WEEK,
    AccountId,
    Address,
    ConnectionId,
    DeviceId,
    MessageId,
    MessageName,
    new_uuid7,
)
from chat.domain.limits import CONNECT, Limiter
from chat.domain.relations import STRANGER, Relation
from chat.errors import ChatError, Code
from chat.ports.accounts import Card, Cards, Chains, Claim, Handles, around
from chat.ports.connections import Connection, Connections, ConnectNumbers
from chat.ports.identity import Links, UsedProofs
from chat.ports.inbox import Inbox, InboxRow
from chat.ports.limits import Limits

from tests.fakes import storage as fake_storage

NOW = 1_764_000_000_000
MONDAY = NOW // WEEK * WEEK
AT_ONCE = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Ports:
    """One of each."""

    handles: Handles
    cards: Cards
    chains: Chains
    connections: Connections
    connect_numbers: ConnectNumbers
    inbox: Inbox
    used_proofs: UsedProofs
    links: Links
    limits: Limits


def account() -> AccountId:
    """A fresh account."""
    return AccountId(new_uuid7(NOW))


def address(device: int = 1) -> Address:
    """A device of a fresh account."""
    return Address(account(), DeviceId(device))


def device_list(devices: int = 1) -> DeviceList:
    """A first list."""
    made = tuple(
        Device(DeviceId(d), bytes([d]) * 32, NOW, "T\u00e9l\u00e9phone \U0001f4f1")
        for d in range(1, devices + 1)
    )
    mine = account()
    chain = first_chain(mine, FIRST_DEVICE, made[0].auth_key, NOW)
    return DeviceList(mine, "alice", 1, devices + 1, made, chain)


def entry(own: DeviceList, key: bytes = b"", device: int = 0) -> ChainEntry:
    """The next one of the chain: it adds a device with ``key``, or removes ``device``."""
    number, which = own.chain.length + 1, DeviceId(device or own.next_device)
    return ChainEntry(number, "add" if key else "remove", which, key, FIRST_DEVICE, NOW, b"s" * 64)


def at_once(call: Callable[[], Any], calls: int = AT_ONCE) -> list[Any]:
    """What several calls return that run at the same time."""
    with ThreadPoolExecutor(calls) as pool:
        running = [pool.submit(call) for _ in range(calls)]
    return [done.result() for done in running]


class TestHandles:
    """Of several claims one wins; a holder may be replaced by a claim that names it."""

    def test_a_claim_holds(self, ports: Ports) -> None:
        """It is returned, and the handle leads to its account; a later one gets the older back."""
        handle = f"h{account()}"
        first, second = (Claim(account(), f"open:{i}", bytes([i]) * 32) for i in range(2))
        assert ports.handles.find(handle) is None

        assert ports.handles.claim(handle, first, NOW) == first
        assert ports.handles.claim(handle, second, NOW) == first
        assert ports.handles.claim(handle, first, NOW + 1) == first
        assert ports.handles.find(handle) == first.account

    def test_of_claims_at_once_one_wins(self, ports: Ports) -> None:
        """All are told the same holder."""
        handle = f"h{account()}"

        held = at_once(lambda: ports.handles.claim(handle, Claim(account(), "open:x", bytes(32)), NOW))

        assert len(set(held)) == 1
        assert ports.handles.find(handle) == held[0].account

    def test_a_claim_is_taken_over_and_settled(self, ports: Ports) -> None:
        """It remembers what it replaces until that is settled, and the key before for good."""
        handle = f"h{account()}"
        old = Claim(account(), "oidc:x#1", b"o" * 32)
        new = Claim(account(), "oidc:x#1", b"n" * 32, replaces=old.account, replaced_key=old.auth_key)
        ports.handles.claim(handle, old, NOW)

        assert ports.handles.take_over(handle, new, NOW) == new
        assert ports.handles.find(handle) == new.account
        assert ports.handles.claim(handle, old, NOW) == new
        for _ in range(2):
            ports.handles.settle(handle, new)
            assert ports.handles.claim(handle, old, NOW) == dataclasses.replace(new, replaces=None)

    def test_only_the_holder_is_taken_over(self, ports: Ports) -> None:
        """A claim that names another account changes nothing, and is told who holds the handle."""
        handle = f"h{account()}"
        old, other = (Claim(account(), "oidc:x#1", bytes([i]) * 32) for i in range(2))
        ports.handles.claim(handle, old, NOW)

        late = dataclasses.replace(other, replaces=account())
        assert ports.handles.take_over(handle, late, NOW) == old
        ports.handles.settle(handle, late)
        assert ports.handles.claim(handle, other, NOW) == old

    def test_of_take_overs_at_once_one_wins(self, ports: Ports) -> None:
        """All are told the same holder."""
        handle = f"h{account()}"
        old = Claim(account(), "oidc:x#1", b"o" * 32)
        ports.handles.claim(handle, old, NOW)

        held = at_once(
            lambda: ports.handles.take_over(
                handle, Claim(account(), old.owner, b"n" * 32, old.account, old.auth_key), NOW
            )
        )

        assert len(set(held)) == 1
        assert ports.handles.find(handle) == held[0].account != old.account


class TestLists:
    """Device lists: one versioned value."""

    def test_a_list_comes_back_as_it_was_stored(self, ports: Ports) -> None:
        """With the newest entry of its chain, what has lapsed, and names in any script."""
        first = device_list(2)
        assert ports.cards.devices(first.account) is None

        assert ports.cards.create(first)
        assert ports.cards.devices(first.account) == first
        after = first.with_device(entry(first, bytes(32)), "", NOW)
        for following in (
            after,
            after := after.without(DeviceId(2), DeviceId(3)),
            after := after.signed_out(entry(after, device=3)),
        ):
            assert ports.cards.replace(following)
            assert ports.cards.devices(first.account) == following
        assert (after.lapsed, after.chain.length) == ((2,), 3)

    def test_a_list_without_a_chain(self, ports: Ports) -> None:
        """That of an account which was retired before it was made."""
        retired = DeviceList(account(), "alice", 1, 2, ())

        assert ports.cards.create(retired)
        assert ports.cards.devices(retired.account) == retired

    def test_an_account_is_made_once(self, ports: Ports) -> None:
        """A second first list changes nothing."""
        first = device_list()
        ports.cards.create(first)

        assert not ports.cards.create(dataclasses.replace(first, handle="bob"))
        assert ports.cards.devices(first.account) == first

    @pytest.mark.parametrize("version", [1, 3])
    def test_only_the_next_version_replaces_a_list(self, ports: Ports, version: int) -> None:
        """Whoever read an older one, or none at all, is refused."""
        first = device_list()
        ports.cards.create(first)

        assert not ports.cards.replace(dataclasses.replace(first, version=version, handle="bob"))
        assert ports.cards.devices(first.account) == first

    def test_a_list_of_nobody_is_not_replaced(self, ports: Ports) -> None:
        """And does not come into being."""
        nobody = dataclasses.replace(device_list(), version=2)

        assert not ports.cards.replace(nobody)
        assert ports.cards.devices(nobody.account) is None

    def test_of_changes_at_once_one_wins(self, ports: Ports) -> None:
        """Each adds a device to the list that all have read; the list has that of the winner."""
        first = device_list()
        ports.cards.create(first)

        def add() -> bool:
            return ports.cards.replace(first.with_device(entry(first, account().encode()), "x", NOW))

        won = at_once(add)

        assert sorted(won) == [False] * (AT_ONCE - 1) + [True]
        after = ports.cards.devices(first.account)
        assert after is not None
        assert (after.version, len(after.devices)) == (2, 2)


class TestChains:
    """Entries are kept once, and come back in order."""

    def test_entries_come_back(self, ports: Ports) -> None:
        """In the order of their numbers, whatever the order they were kept in; keeping again changes none."""
        own = device_list()
        entries = [own.chain.last]
        for _ in range(11):
            own = own.with_device(entry(own, account().encode()), "x", NOW)
            entries.append(own.chain.last)
        assert ports.chains.kept(own.account) == []

        for each in [*reversed(entries), *entries]:
            assert each is not None
            ports.chains.keep(own.account, each)

        assert ports.chains.kept(own.account) == entries
        assert ports.chains.kept(account()) == []


class TestRelations:
    """How one account stands to another."""

    def test_decisions_are_one_sided(self, ports: Ports) -> None:
        """And safe to repeat; each leaves the other decision as it is."""
        mine, peer = account(), account()

        for _ in range(2):
            assert ports.cards.accept(mine, peer) == Relation(accepted=True)
        for _ in range(2):
            assert ports.cards.block(mine, peer) == Relation(accepted=True, blocked=True)
        assert ports.cards.blocked(mine) == [peer]
        for later in range(2):
            after = ports.cards.unblock(mine, peer, NOW + later)
            assert after == Relation(accepted=True, blocked=False, unblocked_at=NOW)
        assert ports.cards.blocked(mine) == []
        assert ports.cards.read({peer: [mine]})[peer] == Card(None, {})

    def test_blocking_a_stranger(self, ports: Ports) -> None:
        """Accepts nobody; accepting while blocked lifts no block."""
        mine, peer = account(), account()

        assert ports.cards.block(mine, peer) == Relation(blocked=True)
        assert ports.cards.accept(mine, peer) == Relation(accepted=True, blocked=True)

    def test_unblocking_somebody_who_was_not_blocked(self, ports: Ports) -> None:
        """Changes nothing, for strangers and for accepted ones."""
        mine, stranger, friend = account(), account(), account()
        ports.cards.accept(mine, friend)

        assert ports.cards.unblock(mine, stranger, NOW) == STRANGER
        assert ports.cards.unblock(mine, friend, NOW) == Relation(accepted=True)

    def test_blocked_accounts_are_listed_alone(self, ports: Ports) -> None:
        """Not those that are accepted, nor those of others."""
        mine, peers = account(), sorted(account() for _ in range(3))
        ports.cards.create(dataclasses.replace(device_list(), account=mine))
        for peer in peers:
            ports.cards.block(mine, peer)
        ports.cards.accept(mine, account())
        ports.cards.block(account(), mine)

        assert sorted(ports.cards.blocked(mine)) == peers

    def test_friends_are_accepted_and_not_blocked(self, ports: Ports) -> None:
        """Of the first relations, in the order of their ids, as many as asked for."""
        mine, peers = account(), sorted(account() for _ in range(4))
        ports.cards.create(dataclasses.replace(device_list(), account=mine))
        for peer in peers[:3]:
            ports.cards.accept(mine, peer)
        ports.cards.block(mine, peers[1])
        ports.cards.block(mine, peers[3])
        ports.cards.accept(account(), mine)

        assert [ports.cards.friends(mine, limit) for limit in (1, 2, 3, 9)] == [
            [peers[0]], [peers[0]], [peers[0], peers[2]], [peers[0], peers[2]],
        ]  # fmt: skip

    def test_the_limit(self, ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
        """One more is RELATION_LIMIT; those that are related already may change."""
        for module in (cassandra_accounts, fake_storage):
            monkeypatch.setattr(module, "RELATION_LIMIT", 3)
        mine, peers = account(), [account() for _ in range(3)]
        for peer in peers:
            ports.cards.accept(mine, peer)

        for change in (ports.cards.accept, ports.cards.block):
            with pytest.raises(ChatError) as refused:
                change(mine, account())
            assert refused.value.code is Code.RELATION_LIMIT
        assert ports.cards.block(mine, peers[0]).blocked


class TestCards:
    """What one request needs of several accounts."""

    def test_a_card_holds_the_list_and_the_asked_relations(self, ports: Ports) -> None:
        """Not those to others; strangers and unknown accounts have none."""
        first, peer, other, unknown = device_list(), account(), account(), account()
        ports.cards.create(first)
        ports.cards.accept(first.account, peer)
        ports.cards.block(first.account, other)

        cards = ports.cards.read({first.account: [peer, unknown], unknown: [first.account]})

        assert cards[first.account] == Card(first, {peer: Relation(accepted=True)})
        assert cards[first.account].relation(other) == STRANGER
        assert cards[unknown] == Card(None, {})

    def test_more_peers_than_fit_one_statement(self, ports: Ports) -> None:
        """A frame may name 306: all are read."""
        first, peers = device_list(), [account() for _ in range(306)]
        ports.cards.create(first)
        for peer in (peers[0], peers[150], peers[-1]):
            ports.cards.accept(first.account, peer)

        card = ports.cards.read(around(first.account, peers))[first.account]

        assert card.devices == first
        assert set(card.relations) == {peers[0], peers[150], peers[-1]}

    def test_many_peers_tell_how_each_stands_to_the_reader(self, ports: Ports) -> None:
        """Each card is its own account's, however many are read together."""
        me, lists = account(), [device_list() for _ in range(60)]
        for devices in lists:
            ports.cards.create(devices)
        ports.cards.accept(lists[3].account, me)
        ports.cards.block(lists[55].account, me)

        cards = ports.cards.read(around(me, [devices.account for devices in lists]))

        assert cards[me] == Card(None, {})
        assert [cards[devices.account].devices for devices in lists] == lists
        assert {peer: dict(card.relations) for peer, card in cards.items() if card.relations} == {
            lists[3].account: {me: Relation(accepted=True)},
            lists[55].account: {me: Relation(blocked=True)},
        }


class TestConnections:
    """Sockets of an account."""

    def test_rows_come_and_go_by_their_full_key(self, ports: Ports) -> None:
        """Written twice it is one row; removed, the others of the device stay."""
        mine = account()
        rows = [
            Connection(mine, DeviceId(d), ConnectionId(name), NOW)
            for d, name in ((1, "a="), (1, "b="), (2, "a="))
        ]
        for row in (*rows, rows[0]):
            ports.connections.add(row)
        ports.connections.add(Connection(account(), DeviceId(1), ConnectionId("a="), NOW))

        assert sorted(ports.connections.of_account(mine), key=repr) == sorted(rows, key=repr)
        for _ in range(2):
            ports.connections.remove(rows[0])
        assert sorted(ports.connections.of_account(mine), key=repr) == sorted(rows[1:], key=repr)
        assert ports.connections.of_account(account()) == []

    def test_sockets_of_many_accounts_come_by_account(self, ports: Ports) -> None:
        """Of more than fit one statement; nobody's sockets are another's, and some have none."""
        everybody = [account() for _ in range(120)]
        rows = [Connection(one, DeviceId(1), ConnectionId("a="), NOW) for one in everybody[::2]]
        rows += [Connection(everybody[0], DeviceId(2), ConnectionId("b="), NOW)]
        for row in rows:
            ports.connections.add(row)
        for wanted in ([], everybody[:1], everybody[1:2], everybody):
            found = ports.connections.of_accounts(wanted)
            assert list(found) == wanted
            assert {one: set(sockets) for one, sockets in found.items()} == {
                one: {row for row in rows if row.account == one} for one in wanted
            }


class TestConnectNumbers:
    """Each number once, and only upwards."""

    def test_numbers_rise(self, ports: Ports) -> None:
        """The number before is returned; an equal or lower one is None, and so is a device without a row."""
        mine = address()
        assert ports.connect_numbers.raise_to(mine, NOW, NOW) is None
        ports.connect_numbers.start(mine)

        raised = [ports.connect_numbers.raise_to(mine, n, NOW) for n in (NOW, NOW, NOW - 1, NOW + 1)]

        assert raised == [0, None, None, NOW]

    def test_when_devices_were_seen(self, ports: Ports) -> None:
        """Their last numbers; 0 for one that has not connected, and for one that nobody knows."""
        mine = [Address(account(), DeviceId(d)) for d in (1, 2, 3)]
        for device in mine[:2]:
            ports.connect_numbers.start(device)
        ports.connect_numbers.raise_to(mine[0], NOW, NOW)

        assert ports.connect_numbers.seen(mine) == dict(zip(mine, (NOW, 0, 0), strict=True))
        assert ports.connect_numbers.seen([]) == {}

    def test_starting_again_takes_nothing_back(self, ports: Ports) -> None:
        """A repeated registration must not make old proofs good again."""
        mine = address()
        ports.connect_numbers.start(mine)
        ports.connect_numbers.raise_to(mine, NOW, NOW)
        ports.connect_numbers.start(mine)

        assert ports.connect_numbers.raise_to(mine, NOW, NOW) is None

    def test_of_connects_with_one_number_one_is_let_in(self, ports: Ports) -> None:
        """However many come at once."""
        mine = address()
        ports.connect_numbers.start(mine)

        raised = at_once(lambda: ports.connect_numbers.raise_to(mine, NOW, NOW))

        assert sorted(raised, key=str) == [0] + [None] * (AT_ONCE - 1)

    def test_a_device_connects_so_often_and_no_more(self, ports: Ports) -> None:
        """Then it is told how long to wait; its number stays, so the same proof is good afterwards."""
        mine = address()
        ports.connect_numbers.start(mine)
        for i in range(CONNECT.burst):
            assert ports.connect_numbers.wait(mine, NOW) == 0
            ports.connect_numbers.raise_to(mine, NOW + i, NOW)
        last = NOW + CONNECT.burst

        with pytest.raises(ChatError) as refused:
            ports.connect_numbers.raise_to(mine, last, NOW)

        assert (refused.value.code, refused.value.retry_after) == (
            Code.RATE_LIMITED,
            CONNECT.refill_ms / 1000,
        )
        assert ports.connect_numbers.wait(mine, NOW) == CONNECT.refill_ms
        assert ports.connect_numbers.wait(address(), NOW) == 0
        assert ports.connect_numbers.raise_to(mine, last, NOW + CONNECT.refill_ms) == last - 1

    def test_a_replay_takes_no_token(self, ports: Ports) -> None:
        """Who captured a proof cannot keep its device out by showing it again."""
        mine = address()
        ports.connect_numbers.start(mine)
        ports.connect_numbers.raise_to(mine, NOW, NOW)

        for _ in range(CONNECT.burst):
            assert ports.connect_numbers.raise_to(mine, NOW, NOW) is None

        assert ports.connect_numbers.raise_to(mine, NOW + 1, NOW) == NOW


class TestInbox:
    """Undelivered rows."""

    def row(self, device: Address, at: int = MONDAY, sender: str = "", text: bytes = b"x") -> InboxRow:
        """A row."""
        return InboxRow(device, MessageName(MessageId(new_uuid7(at)), sender or f"{account()}:1"), text, 3600)

    def test_rows_come_in_the_order_of_their_names(self, ports: Ports) -> None:
        """By id, then by sender as text; from an id on, that id included; no more than asked for."""
        mine, other = address(), account()
        ids = [MessageId(new_uuid7(MONDAY + i)) for i in range(4)]
        senders = (f"{other}:1", f"{other}:1/delivered", f"{other}:10", f"{other}:2")
        names = [MessageName(i, s) for i in ids for s in senders]
        rows = [InboxRow(mine, name, name.sender.encode(), 3600) for name in names]
        ports.inbox.put(rows[::-1])

        week = MONDAY // WEEK
        page = ports.inbox.page(mine, week, ids[1], 6)

        assert [row.name for row in page] == sorted(names[4:10])
        assert [row.envelope for row in page] == [row.name.sender.encode() for row in page]
        assert len(ports.inbox.page(mine, week, ids[0], 100)) == len(names)

    def test_weeks_and_devices_are_apart(self, ports: Ports) -> None:
        """A page is of one week of one device."""
        mine = address()
        second = Address(mine.account, DeviceId(2))
        rows = [self.row(mine, MONDAY - 1), self.row(mine, MONDAY), self.row(second, MONDAY)]
        ports.inbox.put(rows)
        first = MessageId("0" * 36)

        for row, week in zip(rows, (MONDAY // WEEK - 1, MONDAY // WEEK, MONDAY // WEEK), strict=True):
            assert [r.name for r in ports.inbox.page(row.device, week, first, 10)] == [row.name]

    def test_a_row_that_is_written_again_is_one_row(self, ports: Ports) -> None:
        """With the newer bytes; another sender's row of the same id is another row."""
        mine = address()
        row = self.row(mine, text=b"old")
        theirs = dataclasses.replace(row, name=MessageName(row.name.id, f"{account()}:1"))
        ports.inbox.put([row, theirs])
        ports.inbox.put([dataclasses.replace(row, envelope=b"new")])

        found = {r.name: r.envelope for r in ports.inbox.page(mine, MONDAY // WEEK, row.name.id, 10)}

        assert found == {row.name: b"new", theirs.name: b"old"}

    def test_rows_are_removed_by_their_full_key(self, ports: Ports) -> None:
        """One device's row, of one sender; what is not there is no error."""
        mine = address()
        second = Address(mine.account, DeviceId(2))
        row = self.row(mine)
        copies = [
            row,
            dataclasses.replace(row, device=second),
            dataclasses.replace(row, name=MessageName(row.name.id, "x:1")),
        ]
        ports.inbox.put(copies)

        for _ in range(2):
            ports.inbox.remove(mine, [row.name, self.row(mine).name])

        week = MONDAY // WEEK
        assert [r.name for r in ports.inbox.page(mine, week, row.name.id, 10)] == [copies[2].name]
        assert [r.name for r in ports.inbox.page(second, week, row.name.id, 10)] == [row.name]

    def test_presence(self, ports: Ports) -> None:
        """Of up to 20 ids at once: every row with one of them, whoever sent it."""
        mine = address()
        rows = [self.row(mine, MONDAY + i) for i in range(20)]
        twin = dataclasses.replace(rows[0], name=MessageName(rows[0].name.id, "x:1"))
        ports.inbox.put([*rows[:10], twin])

        found = ports.inbox.present(mine, MONDAY // WEEK, [row.name.id for row in rows])

        assert found == {row.name for row in rows[:10]} | {twin.name}
        assert (
            ports.inbox.present(Address(mine.account, DeviceId(2)), MONDAY // WEEK, [rows[0].name.id])
            == set()
        )

    def test_any_bytes(self, ports: Ports) -> None:
        """As they went in."""
        mine = address()
        rows = [
            self.row(mine, MONDAY + i, text=text)
            for i, text in enumerate((b"", b"\x00\xff" * 10, bytes(8_209)))
        ]
        ports.inbox.put(rows)

        found = ports.inbox.page(mine, MONDAY // WEEK, rows[0].name.id, 10)

        assert [row.envelope for row in found] == [row.envelope for row in rows]

    def test_nothing(self, ports: Ports) -> None:
        """No rows to write or remove is fine."""
        ports.inbox.put([])
        ports.inbox.remove(address(), [])


class TestProofsAndLinks:
    """Things that are good once."""

    def test_a_nonce_is_used_once_by_a_device(self, ports: Ports) -> None:
        """Another device may have the same."""
        mine, other = address(), address()

        used = [ports.used_proofs.use(device, "n", NOW) for device in (mine, mine, other)]

        assert used == [True, False, True]

    def test_of_uses_at_once_one_counts(self, ports: Ports) -> None:
        """A captured request that is shown in parallel with the true one is served once."""
        mine = address()

        used = at_once(lambda: ports.used_proofs.use(mine, "n", NOW))

        assert sorted(used) == [False] * (AT_ONCE - 1) + [True]

    def test_a_key_is_linked_once(self, ports: Ports) -> None:
        """The first device stays; an unknown key leads nowhere."""
        key, first = account().encode()[:32], address(3)
        assert ports.links.find(key) is None

        assert ports.links.add(key, first) == first
        assert ports.links.add(key, address()) == first
        assert ports.links.add(key, first) == first

        assert ports.links.find(key) == first


class TestLimits:
    """Buckets of tokens."""

    THREE = Limiter("three", 3, 60_000, "account", "row", "closed")

    def test_a_bucket_holds_its_burst(self, ports: Ports) -> None:
        """Then the wait is told; after it there is one token. Other subjects and limiters have their own."""
        mine, other = account(), dataclasses.replace(self.THREE, name="other")

        waits = [ports.limits.take(self.THREE, mine, NOW) for _ in range(4)]

        assert waits == [0, 0, 0, 60_000]
        assert ports.limits.take(self.THREE, account(), NOW) == 0
        assert ports.limits.take(other, mine, NOW) == 0
        later = [ports.limits.take(self.THREE, mine, NOW + 60_000) for _ in range(2)]
        assert later == [0, 60_000]

    def test_several_tokens_at_once(self, ports: Ports) -> None:
        """All or none: what was refused took nothing."""
        mine = account()

        waits = [ports.limits.take(self.THREE, mine, NOW, tokens) for tokens in (2, 2, 1)]

        assert waits == [0, 60_000, 0]

    def test_of_takers_at_once_no_more_than_the_burst_are_let_in(self, ports: Ports) -> None:
        """Sixteen at the same time; a token is lost rather than handed out twice."""
        mine = account()

        waits = at_once(lambda: ports.limits.take(self.THREE, mine, NOW), 16)

        let_in = waits.count(0)
        assert 1 <= let_in <= self.THREE.burst
        rest = [ports.limits.take(self.THREE, mine, NOW) for _ in range(4)]
        assert let_in + rest.count(0) <= self.THREE.burst
