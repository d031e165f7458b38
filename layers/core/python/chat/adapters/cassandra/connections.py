"""Sockets and connect numbers in Cassandra: ``connections_by_account`` and ``connects_by_device``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chat.adapters.cassandra.session import Cassandra, Row
from chat.adapters.cassandra.statement import Statement
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId
from chat.domain.limits import CONNECT, Limiter, take
from chat.errors import limited
from chat.ports.connections import Connection
from chat.ports.storage import OutcomeUnknown
from schemas.cql_subset import MAX_IN

_ADD = Statement(
    "INSERT INTO heliograph.connections_by_account (account_id, device_id, connection_id, connect_number)"
    " VALUES (?, ?, ?, ?)"
)
_REMOVE = Statement(
    "DELETE FROM heliograph.connections_by_account"
    " WHERE account_id = ? AND device_id = ? AND connection_id = ?"
)
_OF_ACCOUNT = Statement(
    "SELECT account_id, device_id, connection_id, connect_number FROM heliograph.connections_by_account"
    " WHERE account_id = ?"
)
_OF_ACCOUNTS = Statement(
    "SELECT account_id, device_id, connection_id, connect_number FROM heliograph.connections_by_account"
    " WHERE account_id IN ?"
)

_START = Statement(
    "INSERT INTO heliograph.connects_by_device (account_id, device_id, last) VALUES (?, ?, 0) IF NOT EXISTS"
)
_LAST = Statement(
    "SELECT last, full_at FROM heliograph.connects_by_device WHERE account_id = ? AND device_id = ?"
)
_RAISE = Statement(
    "UPDATE heliograph.connects_by_device SET last = ?, full_at = ?"
    " WHERE account_id = ? AND device_id = ? IF last = ?"
)


class CassandraConnections:
    """:class:`chat.ports.connections.Connections` on ``connections_by_account``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def add(self, connection: Connection) -> None:
        """See the port."""
        self._cassandra.run(
            _ADD,
            connection.account,
            connection.device,
            connection.connection_id,
            connection.connect_number,
        )

    def remove(self, connection: Connection) -> None:
        """See the port."""
        self._cassandra.run(_REMOVE, connection.account, connection.device, connection.connection_id)

    def of_account(self, account: AccountId) -> list[Connection]:
        """See the port."""
        return [_connection(row) for row in self._cassandra.run(_OF_ACCOUNT, account)]

    def of_accounts(self, accounts: Collection[AccountId]) -> Mapping[AccountId, list[Connection]]:
        """See the port. A statement for up to a hundred: the driver's work is by statement."""
        found: dict[AccountId, list[Connection]] = {account: [] for account in accounts}
        if len(found) == 1:
            return {account: self.of_account(account) for account in found}
        wanted = list(found)
        reading = [
            self._cassandra.start(_OF_ACCOUNTS, wanted[i : i + MAX_IN]) for i in range(0, len(wanted), MAX_IN)
        ]
        for connection in (_connection(row) for pending in reading for row in pending.result()):
            found[connection.account].append(connection)
        return found


def _connection(row: Row) -> Connection:
    return Connection(
        AccountId(row["account_id"]),
        DeviceId(row["device_id"]),
        ConnectionId(row["connection_id"]),
        row["connect_number"],
    )


class CassandraConnectNumbers:
    """:class:`chat.ports.connections.ConnectNumbers` on ``connects_by_device``."""

    def __init__(self, cassandra: Cassandra, limiter: Limiter = CONNECT) -> None:
        self._cassandra = cassandra
        self._limiter = limiter

    def start(self, device: Address) -> None:
        """See the port. An unknown outcome is settled by a repeat: the row only ever starts at 0 once."""
        try:
            self._cassandra.apply(_START, device.account, device.device)
        except OutcomeUnknown:
            self._cassandra.apply(_START, device.account, device.device)

    def raise_to(self, device: Address, number: int, now: int) -> int | None:
        """See the port.

        Read, then write if nothing changed: the answer must hold the number before. Every change changes the
        number, so a condition on it guards the bucket beside it, too. Whoever loses to
        another connect reads again; after three losses the proof counts as used, and the device tries anew.
        An unknown outcome counts as used too: nobody may connect twice with one number.
        """
        for _ in range(3):
            rows = self._cassandra.run(_LAST, device.account, device.device)
            if not rows or rows[0]["last"] >= number:
                return None
            last: int = rows[0]["last"]
            full_at, wait = take(rows[0]["full_at"] or 0, self._limiter, now)
            if wait:
                raise limited(wait)
            try:
                if self._cassandra.apply(_RAISE, number, full_at, device.account, device.device, last):
                    return last
            except OutcomeUnknown:
                return None
        return None

    def seen(self, devices: Collection[Address]) -> Mapping[Address, int]:
        """See the port. One row each, all at once."""
        reading = {device: self._cassandra.start(_LAST, device.account, device.device) for device in devices}
        found = {device: pending.result() for device, pending in reading.items()}
        return {device: rows[0]["last"] if rows else 0 for device, rows in found.items()}

    def wait(self, device: Address, now: int) -> int:
        """See the port."""
        rows = self._cassandra.run(_LAST, device.account, device.device)
        return take(rows[0]["full_at"] or 0, self._limiter, now)[1] if rows else 0
