"""How the driver behaves inside a Lambda: few connections, no opinion on dead hosts, no repetitions."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import (
    ConstantReconnectionPolicy,
    ConvictionPolicy,
    HostDistance,
    RetryPolicy,
    RoundRobinPolicy,
)
from cassandra.pool import Host
from cassandra.query import dict_factory

REQUEST_TIMEOUT = 2.0
"""Seconds until an attempt without an answer counts as lost."""

CONNECT_TIMEOUT = 2.0

PAGE_ROWS = 500

MAX_HOSTS = 2
"""Keyspaces shows nine peers. One request at a time needs one connection; the second is the spare."""


class NeverConvict(ConvictionPolicy):  # type: ignore[misc]  # the driver has no types
    """A lost connection says nothing about the host: a frozen Lambda loses all of them.

    A convicted host gets no statements until the driver's own schedule has reconnected it, which is
    seconds. An unconvicted one gets a new connection at once.
    """

    def add_failure(self, connection_exc: Exception) -> bool:
        """Never down."""
        return False

    def reset(self) -> None:
        """Nothing to forget."""


class NeverRetry(RetryPolicy):  # type: ignore[misc]
    """Hand every failure up: only ``Cassandra`` knows what may be repeated, and until when."""

    def on_read_timeout(self, *_: Any, **__: Any) -> tuple[int, None]:
        """A read got no verdict in time, or was throttled."""
        return self.RETHROW, None

    def on_write_timeout(self, *_: Any, **__: Any) -> tuple[int, None]:
        """A write got no verdict in time, or was throttled."""
        return self.RETHROW, None

    def on_unavailable(self, *_: Any, **__: Any) -> tuple[int, None]:
        """Too few replicas; nothing was done."""
        return self.RETHROW, None

    def on_request_error(self, *_: Any, **__: Any) -> tuple[int, None]:
        """The link broke, or the node refused."""
        return self.RETHROW, None


class FewHosts(RoundRobinPolicy):  # type: ignore[misc]
    """Round robin over the first ``MAX_HOSTS`` hosts seen: each one costs a TLS handshake at cold start."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: set[Host] = set()

    def distance(self, host: Host) -> int:
        """Local for the chosen hosts; the driver opens no connection to ignored ones."""
        if host in self._chosen or len(self._chosen) < MAX_HOSTS:
            self._chosen.add(host)
            return int(HostDistance.LOCAL)
        return int(HostDistance.IGNORED)

    def make_query_plan(self, working_keyspace: str | None = None, query: Any = None) -> Iterator[Host]:
        """The chosen hosts, another one first each time."""
        plan: Iterable[Host] = super().make_query_plan(working_keyspace, query)
        return (host for host in plan if self.distance(host) != HostDistance.IGNORED)

    def on_remove(self, host: Host) -> None:
        """Make room for another host."""
        self._chosen.discard(host)
        super().on_remove(host)


def new_cluster(contact_points: tuple[str, ...], port: int, **security: Any) -> Cluster:
    """An unconnected driver cluster under our rules; ``security`` adds TLS and the sign-in."""
    profile = ExecutionProfile(
        load_balancing_policy=FewHosts(),
        retry_policy=NeverRetry(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=REQUEST_TIMEOUT,
        row_factory=dict_factory,
    )
    return Cluster(
        list(contact_points),
        port=port,
        protocol_version=4,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        conviction_policy_factory=NeverConvict,
        reconnection_policy=ConstantReconnectionPolicy(0.05, None),
        connect_timeout=CONNECT_TIMEOUT,
        control_connection_timeout=CONNECT_TIMEOUT,
        schema_metadata_enabled=False,
        token_metadata_enabled=False,
        idle_heartbeat_interval=0,  # a frozen process sends none, a thawed one asks before it writes
        prepare_on_all_hosts=False,
        reprepare_on_up=False,
        monitor_reporting_enabled=False,
        compression=False,
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else a batch waits 40 ms for an ack
        **security,
    )
