"""What lies in the tables of the local cloud: the tests of delivery look where no client can."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, NamedTuple, Self

from cassandra.cluster import Cluster, NoHostAvailable
from cassandra.policies import ConstantReconnectionPolicy

from schemas.tables import TABLES
from tests.e2e.client import ANSWER_SECONDS, Device, now

WEEK = 7 * 24 * 3600 * 1000
"""Milliseconds in a partition of the inbox."""


class Row(NamedTuple):
    """One row of an inbox."""

    device: int
    id: str
    sender: str


class Tables:
    """Reads ``inbox_by_account`` and ``connections_by_account``."""

    def __init__(self, port: int) -> None:
        reconnect = ConstantReconnectionPolicy(0.2, None)
        self._cluster = Cluster(["127.0.0.1"], port=port, protocol_version=4, reconnection_policy=reconnect)

    def __enter__(self) -> Self:
        self._session = self._cluster.connect("heliograph")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.shutdown()

    def run(self, cql: str, *values: object) -> list[Any]:
        """The rows of any statement, with ``%s`` for its values. Waits for a Cassandra that is starting."""
        end = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return list(self._session.execute(cql, values, timeout=ANSWER_SECONDS))
            except NoHostAvailable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def inbox(self, device: Device) -> list[Row]:
        """What waits for a device, in the order of the table."""
        cql = (
            "SELECT device_id, message_id, sender FROM inbox_by_account"
            " WHERE account_id = %s AND week = %s AND device_id = %s"
        )
        return [
            Row(*row) for week in self.weeks() for row in self.run(cql, device.account, week, device.device)
        ]

    def contents(self, *besides: str) -> set[tuple[str, str]]:
        """Every row of every table, ``besides`` apart: its table, and all its columns as JSON text."""
        return {
            (spec.name, row[0])
            for spec in TABLES
            if spec.name not in besides
            for row in self.run(f"SELECT JSON * FROM {spec.name}")  # noqa: S608, our own names
        }

    def weeks(self) -> list[int]:
        """The partitions of an inbox that a test can have written."""
        week = now() // WEEK
        return [week - 1, week, week + 1]

    def prekeys(self, device: Device) -> list[tuple[str, int]]:
        """Kind and id of the prekeys of a device."""
        cql = "SELECT kind, key_id FROM prekeys_by_device WHERE account_id = %s AND device_id = %s"
        return [tuple(row) for row in self.run(cql, device.account, device.device)]

    def sockets(self, device: Device) -> list[int]:
        """The connect numbers of the sockets of a device."""
        cql = "SELECT connect_number FROM connections_by_account WHERE account_id = %s AND device_id = %s"
        return sorted(row.connect_number for row in self.run(cql, device.account, device.device))
