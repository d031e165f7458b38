"""Undelivered rows in Cassandra: ``inbox_by_account``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chat.adapters.cassandra.session import MAX_BATCH_BYTES, MAX_BATCH_STATEMENTS, Cassandra, Pending
from chat.adapters.cassandra.statement import Statement
from chat.domain.ids import AccountId, Address, MessageId, MessageName, milliseconds_of, week_of
from chat.ports.inbox import InboxRow, StoredRow
from chat.ports.storage import RowsMissing, StorageUnavailable

_KEY_BYTES = 256
"""More than the columns of a row take besides its envelope."""
_KEY_COLUMNS = 5

_PUT = Statement(
    "INSERT INTO heliograph.inbox_by_account (account_id, week, device_id, message_id, sender, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TTL ?"
)
_REMOVE = Statement(
    "DELETE FROM heliograph.inbox_by_account"
    " WHERE account_id = ? AND week = ? AND device_id = ? AND message_id = ? AND sender = ?"
)
_PAGE = Statement(
    "SELECT message_id, sender, envelope FROM heliograph.inbox_by_account"
    " WHERE account_id = ? AND week = ? AND device_id = ? AND message_id >= ? LIMIT ?"
)
_PRESENT = Statement(
    "SELECT message_id, sender FROM heliograph.inbox_by_account"
    " WHERE account_id = ? AND week = ? AND device_id = ? AND message_id IN ?"
)


class CassandraInbox:
    """:class:`chat.ports.inbox.Inbox` on ``inbox_by_account``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def put(self, rows: Sequence[InboxRow]) -> None:
        """See the port. A request holds as many rows of one partition as fit."""
        waiting: dict[tuple[AccountId, int], list[_Batch]] = {}
        for row in rows:
            batches = waiting.setdefault((row.device.account, _week(row.name)), [_Batch()])
            if not batches[-1].takes(row.device, row.name, row.envelope):
                batches.append(_Batch())
            values = (*_key(row.device, row.name), row.envelope, row.ttl_seconds)
            batches[-1].add(_PUT, values, row.envelope)
        missing: set[AccountId] = set()
        while waiting:
            under_way: list[tuple[AccountId, Pending]] = []
            try:
                for (account, _), batches in waiting.items():
                    under_way.append((account, self._start(batches.pop(0))))
            except StorageUnavailable:  # no link at all: nothing that waits would get through
                missing.update(account for account, _ in waiting)
            for account, writing in under_way:
                try:
                    writing.result()
                except StorageUnavailable:
                    missing.add(account)
            waiting = {of: batches for of, batches in waiting.items() if batches and of[0] not in missing}
        if missing:
            raise RowsMissing(frozenset(missing))

    def remove(self, device: Address, names: Collection[MessageName]) -> None:
        """See the port."""
        batches: dict[int, list[_Batch]] = {}
        for name in names:
            of_week = batches.setdefault(_week(name), [_Batch()])
            if not of_week[-1].takes(device, name):
                of_week.append(_Batch())
            of_week[-1].add(_REMOVE, _key(device, name))
        pending = [self._start(batch) for of_week in batches.values() for batch in of_week]
        for writing in pending:
            writing.result()

    def page(self, device: Address, week: int, since: MessageId, limit: int) -> list[StoredRow]:
        """See the port."""
        rows = self._cassandra.run(_PAGE, device.account, week, device.device, since, limit)
        return [
            StoredRow(MessageName(MessageId(row["message_id"]), row["sender"]), bytes(row["envelope"]))
            for row in rows
        ]

    def present(self, device: Address, week: int, ids: Collection[MessageId]) -> set[MessageName]:
        """See the port."""
        rows = self._cassandra.run(_PRESENT, device.account, week, device.device, list(ids))
        return {MessageName(MessageId(row["message_id"]), row["sender"]) for row in rows}

    def _start(self, batch: _Batch) -> Pending:
        if len(batch.calls) == 1:
            statement, values = batch.calls[0]
            return self._cassandra.start(statement, *values)
        return self._cassandra.start_batch(batch.calls)


class _Batch:
    """Writes of one partition that fit one request; Keyspaces refuses two of one row."""

    def __init__(self) -> None:
        self.calls: list[tuple[Statement, tuple[object, ...]]] = []
        self._keys: set[tuple[object, ...]] = set()
        self._bytes = 0

    def takes(self, device: Address, name: MessageName, envelope: bytes = b"") -> bool:
        """Whether this row fits, too."""
        fits = self._bytes + len(envelope) + _KEY_BYTES < MAX_BATCH_BYTES
        fits = fits and len(self.calls) < MAX_BATCH_STATEMENTS and _key(device, name) not in self._keys
        return fits or not self.calls

    def add(self, statement: Statement, values: tuple[object, ...], envelope: bytes = b"") -> None:
        """Take it; ``values`` begin with the key."""
        self.calls.append((statement, values))
        self._keys.add(values[:_KEY_COLUMNS])
        self._bytes += len(envelope) + _KEY_BYTES


def _key(device: Address, name: MessageName) -> tuple[object, ...]:
    return (device.account, _week(name), device.device, name.id, name.sender)


def _week(name: MessageName) -> int:
    return week_of(milliseconds_of(name.id))
