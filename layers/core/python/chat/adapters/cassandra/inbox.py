"""Undelivered rows in Cassandra: ``inbox_by_account``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from chat.domain.ids import Address, MessageId, MessageName, milliseconds_of, week_of
from chat.ports.inbox import InboxRow, StoredRow

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
        """See the port. The rows travel side by side over the one connection."""
        pending = [
            self._cassandra.start(
                _PUT,
                row.device.account,
                _week(row.name),
                row.device.device,
                row.name.id,
                row.name.sender,
                row.envelope,
                row.ttl_seconds,
            )
            for row in rows
        ]
        for writing in pending:
            writing.result()

    def remove(self, device: Address, names: Collection[MessageName]) -> None:
        """See the port."""
        pending = [
            self._cassandra.start(_REMOVE, device.account, _week(name), device.device, name.id, name.sender)
            for name in names
        ]
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


def _week(name: MessageName) -> int:
    return week_of(milliseconds_of(name.id))
