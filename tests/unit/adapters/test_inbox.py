"""Writing the inbox: what shares a request, and what a failure of one partition does to the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from chat.adapters.cassandra.inbox import CassandraInbox
from chat.domain.ids import AccountId, Address, DeviceId, MessageId, MessageName, new_uuid7
from chat.ports.inbox import InboxRow
from chat.ports.storage import RowsMissing, StorageUnavailable

NOW = 1_764_000_000_000
ALICE, BOB = (AccountId(new_uuid7(NOW)) for _ in range(2))


class FakePending:
    def __init__(self, fails: bool) -> None:
        self._fails = fails

    def result(self) -> list[object]:
        if self._fails:
            raise StorageUnavailable
        return []


class FakeCassandra:
    """Notes the requests; those of the accounts in ``broken`` fail, ``at_once`` when they are started."""

    def __init__(self, *broken: str, at_once: bool = False) -> None:
        self.requests: list[list[tuple[object, ...]]] = []
        self._broken = broken
        self._at_once = at_once

    def start(self, statement: object, *values: object) -> FakePending:
        return self.start_batch([(statement, values)])

    def start_batch(self, calls: Sequence[tuple[object, tuple[object, ...]]]) -> FakePending:
        self.requests.append([values for _, values in calls])
        fails = calls[0][1][0] in self._broken
        if fails and self._at_once:
            raise StorageUnavailable
        return FakePending(fails)


def rows(account: AccountId, count: int, size: int = 10) -> list[InboxRow]:
    """Rows of one partition."""
    return [
        InboxRow(
            Address(account, DeviceId(1)),
            MessageName(MessageId(new_uuid7(NOW + i)), f"{ALICE}:1"),
            bytes(size),
            60,
        )
        for i in range(count)
    ]


def put(cassandra: FakeCassandra, given: list[InboxRow]) -> None:
    """Write them."""
    CassandraInbox(cassandra).put(given)  # type: ignore[arg-type]


def test_rows_of_a_partition_share_requests_within_the_limits_of_keyspaces() -> None:
    """At most 30 rows and under 50 KiB; accounts are apart; nothing gets lost or changes places."""
    cassandra, given = FakeCassandra(), [*rows(ALICE, 31), *rows(BOB, 9, 8_209)]
    put(cassandra, given)
    assert [(request[0][0], len(request)) for request in cassandra.requests] == [
        (ALICE, 30), (BOB, 6), (ALICE, 1), (BOB, 3),
    ]  # fmt: skip
    for account in (ALICE, BOB):
        wanted = [row.name.id for row in given if row.device.account == account]
        assert [v[3] for request in cassandra.requests for v in request if v[0] == account] == wanted


def test_two_writes_of_one_row_never_share_a_request() -> None:
    """Keyspaces refuses such a batch; the later one wins, as it does alone."""
    cassandra, [row] = FakeCassandra(), rows(ALICE, 1)
    put(cassandra, [row, dataclasses.replace(row, envelope=b"new")])
    assert [[values[5] for values in request] for request in cassandra.requests] == [[bytes(10)], [b"new"]]


def test_an_account_that_fails_is_named_and_its_later_rows_are_not_written() -> None:
    """The others go on to the end."""
    cassandra = FakeCassandra(ALICE)
    with pytest.raises(RowsMissing) as failed:
        put(cassandra, [*rows(ALICE, 31), *rows(BOB, 31)])
    assert failed.value.accounts == {ALICE}
    assert [request[0][0] for request in cassandra.requests] == [ALICE, BOB, BOB]


def test_without_a_link_nothing_more_is_tried() -> None:
    """A request that cannot even be sent took seconds: the others would, too."""
    cassandra = FakeCassandra(ALICE, at_once=True)
    with pytest.raises(RowsMissing) as failed:
        put(cassandra, [*rows(ALICE, 31), *rows(BOB, 1)])
    assert failed.value.accounts == {ALICE, BOB}
    assert len(cassandra.requests) == 1


def test_rows_are_removed_thirty_a_request() -> None:
    """By full key each."""
    cassandra, given = FakeCassandra(), rows(ALICE, 65)
    CassandraInbox(cassandra).remove(given[0].device, [row.name for row in given])  # type: ignore[arg-type]
    assert [len(request) for request in cassandra.requests] == [30, 30, 5]
    assert [v[3] for request in cassandra.requests for v in request] == [row.name.id for row in given]
