"""Probes of Amazon Keyspaces: how one gets in, and which CQL it takes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from operations.probe.app import KEYSPACE
from operations.probe.probes import Saw, Unanswered, probe
from schemas.tables import KEYSPACE as OURS
from schemas.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cassandra.cluster import Session

    from operations.probe.place import Place

_DIFFERENCES = "docs/local-cloud.md#differences-that-remain"
_SUBSET = "docs/storage.md#the-common-subset-of-cql"
_SIGNING = "docs/storage.md#signing-in-to-keyspaces"

NOT_THERE = {
    "USING TIMESTAMP": f"INSERT INTO {KEYSPACE}.rules (part, place) VALUES ('t', 1) USING TIMESTAMP 1",
    "an index": f"CREATE INDEX ON {KEYSPACE}.rules (state)",
    "TRUNCATE": f"TRUNCATE {KEYSPACE}.rules",
    "DISTINCT": f"SELECT DISTINCT part FROM {KEYSPACE}.rules",
    "UPDATE of many": f"UPDATE {KEYSPACE}.rules SET state = 1 WHERE part = 't' AND place IN (1, 2)",
}
"""Statements of Cassandra that Keyspaces is said to refuse."""


@contextmanager
def session_of(place: Place) -> Iterator[Session]:
    """A session as functions have one."""
    with place.cluster() as cluster:
        session = cluster.connect()
        session.use_client_timestamp = False
        yield session


def _write(consistency: int = ConsistencyLevel.LOCAL_QUORUM, cql: str = "") -> SimpleStatement:
    cql = cql or f"INSERT INTO {KEYSPACE}.rules (part, place, state) VALUES ('w', 1, 1)"
    return SimpleStatement(cql, consistency_level=consistency)


def _taken(act: Callable[[], Any]) -> bool:
    try:
        act()
    except DriverException:
        return False
    except Exception as error:
        if type(error).__module__.startswith(
            "cassandra"
        ):  # what a server refuses has no base class of its own
            return False
        raise
    return True


@probe(assumed="below 1 s", used="infra/routes.py", docs=_SIGNING, frames=0, reads=20)
def storage_connect(place: Place) -> Saw:
    """How long does it take to connect to the storage, TLS and signature included?

    If not: a cold start takes as long again: raise ``memory_mb``, which buys processor time.
    """
    times = []
    for _ in range(3):
        began = time.perf_counter()
        with session_of(place):
            times.append(time.perf_counter() - began)
    return Saw(
        "below 1 s" if min(times) < 1 else "above 1 s", " ".join(f"{1000 * t:.0f}" for t in times) + " ms"
    )


@probe(
    assumed="2 or more",
    local="one host",
    used="layers/core/python/chat/adapters/cassandra/policies.py",
    docs="docs/storage.md#the-session",
    frames=0,
    reads=20,
)
def storage_peers(place: Place) -> Saw:
    """How many hosts does the storage show?

    If not: with one, a lost link has no spare; check the right to read ``system.peers``.
    """
    with session_of(place) as session:
        peers = len(list(session.execute("SELECT peer FROM system.peers")))
    return Saw("2 or more" if peers > 1 else "one host", f"{peers} peers")


@probe(
    assumed="the same id",
    local="one host",
    used="layers/core/python/chat/adapters/cassandra/policies.py",
    docs="docs/storage.md#the-session",
    frames=0,
    reads=50,
)
def prepared_statement(place: Place) -> Saw:
    """Does a statement that one host prepared have the same id at another?

    If not: set ``prepare_on_all_hosts``, or each host costs a repeat; a cold start gets longer by that.
    """
    cql = f"SELECT state FROM {KEYSPACE}.rules WHERE part = ? AND place = ?"
    with session_of(place) as session:
        hosts = [str(row["peer"]) for row in session.execute("SELECT peer FROM system.peers")]
    if len(hosts) < 2:
        return Saw("one host")
    ids = set()
    for host in hosts[:2]:
        with place.cluster() as cluster:
            only = ExecutionProfile(WhiteListRoundRobinPolicy([host]))
            cluster.profile_manager.profiles[EXEC_PROFILE_DEFAULT] = only
            ids.add(cluster.connect().prepare(cql).query_id)
    return Saw("the same id" if len(ids) == 1 else "another id", ", ".join(hosts[:2]))


@probe(
    assumed="taken",
    used="layers/core/python/chat/adapters/cassandra/session.py",
    docs=_SUBSET,
    frames=0,
    writes=10,
)
def serial_consistency(place: Place) -> Saw:
    """Is a conditional write with the serial consistency LOCAL_SERIAL taken?

    If not: drop ``serial_consistency_level`` in session and policies: Keyspaces has one kind only.
    """
    statement = _write(cql=f"INSERT INTO {KEYSPACE}.rules (part, place) VALUES ('s', 1) IF NOT EXISTS")
    statement.serial_consistency_level = ConsistencyLevel.LOCAL_SERIAL
    with session_of(place) as session:
        return _verdict(_taken(lambda: session.execute(statement)))


@probe(
    assumed="taken",
    used="layers/core/python/chat/adapters/cassandra/session.py",
    docs=_SUBSET,
    frames=0,
    writes=40,
)
def batch_of_30(place: Place) -> Saw:
    """Is an unlogged batch of 30 rows of one partition taken?

    If not: lower ``MAX_BATCH_STATEMENTS``.
    """
    return _batch(place, 30)


@probe(
    assumed="refused",
    local="taken",
    used="layers/core/python/chat/adapters/cassandra/session.py",
    docs=_SUBSET,
    frames=0,
    writes=40,
)
def batch_of_31(place: Place) -> Saw:
    """Is an unlogged batch of more than 30 rows refused?

    If not: ``MAX_BATCH_STATEMENTS`` may rise, which saves requests and no units.
    """
    return _batch(place, 31)


def _batch(place: Place, rows: int) -> Saw:
    batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
    for row in range(rows):
        batch.add(_write(cql=f"INSERT INTO {KEYSPACE}.rules (part, place, state) VALUES ('b', {row}, 1)"))
    with session_of(place) as session:
        return _verdict(_taken(lambda: session.execute(batch)))


@probe(assumed="kept", used="schemas/tables.py", docs="docs/storage.md#tables", frames=0, reads=5, writes=5)
def time_to_live(place: Place) -> Saw:
    """Does a row get the TTL of its table, without one in the statement?

    If not: rows stay for ever: name the TTL in each insert, and see that the table has TTL enabled.
    """
    with session_of(place) as session:
        session.execute(_write())
        row = session.execute(
            f"SELECT ttl(state) AS left FROM {KEYSPACE}.rules WHERE part = 'w' AND place = 1"
        ).one()
    return Saw("kept" if row and 0 < (row["left"] or 0) <= 3600 else "none", f"{row and row['left']} s left")


@probe(
    assumed="all refused",
    local="all taken",
    used="schemas/cql_subset.py",
    docs=_DIFFERENCES,
    frames=0,
    reads=20,
    writes=20,
)
def missing_cql(place: Place) -> Saw:
    """Does the storage refuse the CQL that it is said to lack?

    If not: what is taken may leave the check over all CQL, ``schemas/cql_subset.py``.
    """
    return _of_all(place, {name: _write(cql=cql) for name, cql in NOT_THERE.items()})


@probe(
    assumed="all refused",
    local="all taken",
    used="schemas/cql_subset.py",
    docs=_DIFFERENCES,
    frames=0,
    writes=5,
)
def other_consistencies(place: Place) -> Saw:
    """Does the storage refuse writes that are not LOCAL_QUORUM?

    If not: nothing to change; ``Statement`` lets no other through.
    """
    levels = ("ONE", "QUORUM", "ALL")
    return _of_all(place, {name: _write(getattr(ConsistencyLevel, name)) for name in levels})


@probe(
    assumed="as in schemas/tables.py",
    used="infra/constructs/keyspace.py",
    docs="docs/operations.md#restoring-tables",
    frames=0,
)
def tables_of_the_stage(place: Place) -> Saw:
    """Are the stage's tables active, with the TTL and the point-in-time recovery that they shall have?

    If not: without recovery a lost table is lost: deploy again, or set it by hand.
    """
    if place.local:
        raise Unanswered("Cassandra's own tables, which every start compares with schemas/tables.py")
    keyspaces, wrong = place.client("keyspaces"), []
    for spec in TABLES:
        found = keyspaces.get_table(keyspaceName=OURS, tableName=spec.name)
        recovery = found.get("pointInTimeRecovery", {}).get("status") == "ENABLED"
        wanted = spec.ttl_seconds == 0 or spec.ttl_seconds > 24 * 3600
        if (found["status"], found.get("defaultTimeToLive") or 0, recovery) != (
            "ACTIVE",
            spec.ttl_seconds,
            wanted,
        ):
            wrong.append(spec.name)
    return Saw("as in schemas/tables.py" if not wrong else "others", ", ".join(wrong))


def _of_all(place: Place, statements: Mapping[str, SimpleStatement]) -> Saw:
    taken = []
    with session_of(place) as session:
        for name, statement in statements.items():
            if _taken(partial(session.execute, statement)):
                taken.append(name)
    few = f"taken: {', '.join(taken)}"
    return Saw({0: "all refused", len(statements): "all taken"}.get(len(taken), few))


def _verdict(taken: bool) -> Saw:
    return Saw("taken" if taken else "refused")
