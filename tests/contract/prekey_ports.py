"""The rules of the port for prekeys, for whatever stands behind it.

Run on the fake by ``test_prekey_ports.py`` beside this file, on the adapter and a real Cassandra by the file
of that name in ``tests/integration/storage``. Both give the fixture ``prekeys``; every test makes devices of
its own.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from chat.domain.ids import AccountId, Address, DeviceId, new_uuid7
from chat.domain.prekeys import KEM_BYTES, Kind, Left, Prekey
from chat.ports.prekeys import Prekeys
from chat.ports.storage import OutcomeUnknown, StorageUnavailable

NOW = 1_764_000_000_000
HIGHEST = 2**31 - 1
AT_ONCE = 8


def device(number: int = 1) -> Address:
    """A device of a fresh account."""
    return Address(AccountId(new_uuid7(NOW)), DeviceId(number))


def key(number: int, kind: Kind = Kind.ONE_TIME_KEM) -> Prekey:
    """A key with random bytes."""
    if kind is Kind.ONE_TIME:
        return Prekey(number, secrets.token_bytes(32))
    return Prekey(number, secrets.token_bytes(KEM_BYTES), secrets.token_bytes(64))


class TestPrekeys:
    """Rows by device, kind and id."""

    @pytest.mark.parametrize("kind", Kind)
    def test_what_was_added_is_read(self, prekeys: Prekeys, kind: Kind) -> None:
        """Byte for byte, under the lowest and the highest id; what is not there is missing."""
        mine = device()
        made = [key(number, kind) for number in (1, HIGHEST)]
        for each in made:
            assert prekeys.add(mine, kind, each)

        found = prekeys.read(mine, [(kind, 1), (kind, 2), (kind, HIGHEST)])

        assert found == {(kind, each.id): each for each in made}
        assert prekeys.read(device(), [(kind, 1)]) == prekeys.read(mine, []) == {}

    def test_ids_rise_within_their_kind(self, prekeys: Prekeys) -> None:
        """As numbers do, not as texts; other devices have their own, and nobody's are empty."""
        mine, other, empty = device(), device(2), device()
        for number in (100, 9, HIGHEST, 10):
            prekeys.add(mine, Kind.ONE_TIME, key(number, Kind.ONE_TIME))
        prekeys.add(mine, Kind.SIGNED, key(7))
        prekeys.add(other, Kind.ONE_TIME_KEM, key(1))

        found = prekeys.ids([mine, other, empty])

        assert {kind: found[mine].of(kind) for kind in Kind} == {
            Kind.SIGNED: (7,),
            Kind.LAST_RESORT: (),
            Kind.ONE_TIME: (9, 10, 100, HIGHEST),
            Kind.ONE_TIME_KEM: (),
        }
        assert (found[mine].left, found[other].left, found[empty].left) == (
            Left(4, 0),
            Left(0, 1),
            Left(0, 0),
        )
        assert prekeys.ids([]) == {}

    def test_an_id_has_one_key(self, prekeys: Prekeys) -> None:
        """Adding it again is fine; another key, or another signature, is refused and changes nothing."""
        mine, first = device(), key(3)
        others = [
            key(3),
            Prekey(3, first.key, secrets.token_bytes(64)),
            Prekey(3, key(3).key, first.signature),
        ]

        assert [prekeys.add(mine, Kind.ONE_TIME_KEM, each) for each in (first, *others, first)] == [
            True,
            False,
            False,
            False,
            True,
        ]
        assert prekeys.read(mine, [(Kind.ONE_TIME_KEM, 3)]) == {(Kind.ONE_TIME_KEM, 3): first}

    def test_kinds_and_devices_are_apart(self, prekeys: Prekeys) -> None:
        """The same id names another key under another kind, and at another device of the account."""
        mine = device()
        second = Address(mine.account, DeviceId(2))
        for kind in Kind:
            assert prekeys.add(mine, kind, key(1, kind))
            assert prekeys.add(second, kind, key(1, kind))

        assert prekeys.remove(mine, Kind.SIGNED, 1)

        assert prekeys.ids([mine, second])[mine].of(Kind.LAST_RESORT) == (1,)
        assert prekeys.ids([second])[second].of(Kind.SIGNED) == (1,)

    def test_a_key_is_removed_once(self, prekeys: Prekeys) -> None:
        """Then it is not there; its id is free again."""
        mine = device()
        prekeys.add(mine, Kind.ONE_TIME, key(1, Kind.ONE_TIME))

        assert [prekeys.remove(mine, Kind.ONE_TIME, 1) for _ in range(3)] == [True, False, False]
        assert prekeys.ids([mine])[mine].of(Kind.ONE_TIME) == ()
        assert prekeys.add(mine, Kind.ONE_TIME, key(1, Kind.ONE_TIME))

    def test_of_many_at_once_one_removes_it(self, prekeys: Prekeys) -> None:
        """Or nobody knows who did: never two."""
        mine = device()
        for number in range(1, 6):
            prekeys.add(mine, Kind.ONE_TIME, key(number, Kind.ONE_TIME))

            def remove(number: int = number) -> bool:
                try:
                    return prekeys.remove(mine, Kind.ONE_TIME, number)
                except (OutcomeUnknown, StorageUnavailable):
                    return False

            with ThreadPoolExecutor(AT_ONCE) as pool:
                running = [pool.submit(remove) for _ in range(AT_ONCE)]

            assert [done.result() for done in running].count(True) <= 1
            assert not prekeys.remove(mine, Kind.ONE_TIME, number)

    def test_of_two_keys_at_once_one_is_stored(self, prekeys: Prekeys) -> None:
        """Of an id, for all to see."""
        mine = device()
        made = [key(1) for _ in range(AT_ONCE)]

        def add(each: Prekey) -> bool:
            try:
                return prekeys.add(mine, Kind.LAST_RESORT, each)
            except (OutcomeUnknown, StorageUnavailable):
                return False

        with ThreadPoolExecutor(AT_ONCE) as pool:
            stored = [each for each, done in zip(made, pool.map(add, made), strict=True) if done]

        there = list(prekeys.read(mine, [(Kind.LAST_RESORT, 1)]).values())
        assert stored in ([], there)
        assert len(there) <= 1
