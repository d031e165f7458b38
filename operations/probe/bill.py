"""Probes of the bill: messages that API Gateway counts, request units that Keyspaces counts.

Each acts on a stage or a table of its own, so the figures in CloudWatch are those of this probe alone. No
cheaper source is known: a CQL answer does not say what it cost.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from cassandra import ConsistencyLevel
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from operations.probe.app import KEYSPACE
from operations.probe.probes import Metered, probe
from operations.probe.sockets import ask, opened, then
from operations.probe.storage import session_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cassandra.cluster import Session

    from operations.probe.place import Place

TIMES = 100
"""How often each thing is done, so that one more or less does not show."""

PLAIN = 10
"""Frames that are certainly counted, so that a zero for the others is told from figures that are late."""

NO_FIGURES = "no figures"
"""What the local CloudWatch has of this."""

metered_messages = partial(probe, local=NO_FIGURES, docs="docs/operations.md#what-only-aws-can-tell")
metered_units = partial(probe, local=NO_FIGURES, docs="docs/storage.md#tables", frames=0)


def _messages(place: Place, stage: str, times: int, apart: int, since: float) -> Metered:
    dimensions = {"ApiId": place.outputs["RoutedApi"], "Stage": stage}
    return Metered("AWS/ApiGateway", "MessageCount", dimensions, since, times, "messages each", apart)


@metered_messages(assumed="2 messages each", used="docs/architecture.md", frames=200)
def counted_answer(place: Place) -> Metered:
    """How many messages are a frame and its answer by a route response?

    If not: at 1 the answer is free, and every post that could be an answer should be one.
    """
    since = time.time()
    with opened(place, "answered") as socket:
        for _ in range(TIMES):
            ask(socket)
    return _messages(place, "answered", TIMES, 0, since)


@metered_messages(assumed="1 messages each", used="docs/architecture.md", frames=100)
def counted_empty_answer(place: Place) -> Metered:
    """How many messages are a frame and an answer without a body?

    If not: at 2 nothing is billed as something: take the route response away where it is seldom used.
    """
    since = time.time()
    with opened(place, "empty") as socket:
        for _ in range(TIMES):
            socket.send('{"action": "call", "answer": "absent"}')
        then(socket)
    return _messages(place, "empty", TIMES, 0, since)


@metered_messages(assumed="1 messages each", used="docs/architecture.md", frames=130)
def counted_post(place: Place) -> Metered:
    """How many messages is a post to an open socket?

    If not: every figure for a posted frame changes with it.
    """
    since = time.time()
    with opened(place, "posted") as socket:
        connection, posts = _connection(socket), place.posts("posted")
        for _ in range(TIMES):
            posts.post_to_connection(ConnectionId=connection, Data=b"{}")
    return _messages(place, "posted", TIMES, 2 * PLAIN, since)


@metered_messages(assumed="1 messages each", used="docs/fault-model.md", frames=130)
def counted_failed_post(place: Place) -> Metered:
    """How many messages is a post to a socket that is gone?

    If not: at 0 a dead row of ``connections_by_account`` costs its 410 nothing; count no refused posts.
    """
    since = time.time()
    with opened(place, "gone") as socket:
        connection, posts = _connection(socket), place.posts("gone")
    for _ in range(TIMES):
        with suppress(ClientError):
            posts.post_to_connection(ConnectionId=connection, Data=b"{}")
    return _messages(place, "gone", TIMES, 2 * PLAIN, since)


@metered_messages(
    assumed="0 messages each",
    used="clients/python/src/heliograph/transport.py",
    frames=130,
)
def counted_ping(place: Place) -> Metered:
    """How many messages is a client's ping?

    If not: at 1 clients must not ping; the SDK does not.
    """
    since = time.time()
    with opened(place, "pings") as socket:
        _connection(socket)
        for _ in range(TIMES):
            socket.ping().wait(5)
    return _messages(place, "pings", TIMES, 2 * PLAIN, since)


def _connection(socket: Any) -> str:
    return {str(ask(socket)["connection"]) for _ in range(PLAIN)}.pop()


def _units(
    place: Place, table: str, what: str, act: Callable[[Session, int], object], *, rows: int = 0
) -> Metered:
    """Fill ``table`` with ``rows`` rows of 1 KB, less than a unit each, and do something to it, often."""
    with session_of(place) as session:
        insert = session.prepare(
            f"INSERT INTO {KEYSPACE}.{table} (part, place, state, text) VALUES ('p', ?, 0, ?)"
        )
        insert.consistency_level = ConsistencyLevel.LOCAL_QUORUM
        for row in range(rows):
            session.execute(insert, (row, "x" * 900))
        since = time.time()
        for number in range(TIMES):
            act(session, number)
    metric = f"Consumed{what}CapacityUnits"
    dimensions = {"Keyspace": KEYSPACE, "TableName": table}
    unit = f"{what.lower()} units each"
    return Metered("AWS/Cassandra", metric, dimensions, since, TIMES, unit)


def _cql(text: str, **options: Any) -> SimpleStatement:
    return SimpleStatement(text, consistency_level=ConsistencyLevel.LOCAL_QUORUM, **options)


def _rows(table: str, where: str, **options: Any) -> SimpleStatement:
    return _cql(f"SELECT state FROM {KEYSPACE}.{table} WHERE part = 'p' AND {where}", **options)


@metered_units(
    assumed="1 read units each",
    used="docs/storage.md",
    reads=TIMES,
    writes=TIMES,
)
def units_of_a_row(place: Place) -> Metered:
    """How many units is a read of one row of 1 KB by its whole key?

    If not: all the other figures are measured against this one: look at the size of the row first.
    """
    return _units(place, "one_row", "Read", lambda s, _: s.execute(_rows("one_row", "place = 1")), rows=3)


@metered_units(assumed="1 read units each", used="docs/storage.md", reads=TIMES)
def units_of_no_row(place: Place) -> Metered:
    """How many units is a read that finds nothing?

    If not: lookups of absent blocks and empty inboxes are cheaper or dearer than counted.
    """
    return _units(place, "no_row", "Read", lambda s, _: s.execute(_rows("no_row", "place = 1")))


@metered_units(
    assumed="1 read units each",
    used="layers/core/python/chat/adapters/cassandra/inbox.py",
    reads=30 * TIMES,
    writes=4 * TIMES,
)
def units_of_deleted_rows(place: Place) -> Metered:
    """How many units is a range over 100 rows that were deleted?

    If not: an inbox that was acknowledged still costs its reader; the low-water mark saves more than thought.
    """

    def act(session: Session, number: int) -> None:
        if number == 0:
            for row in range(TIMES):
                session.execute(
                    _cql(f"DELETE FROM {KEYSPACE}.deleted_rows WHERE part = 'p' AND place = {row}")
                )
        session.execute(_rows("deleted_rows", "place >= 0"))

    return _units(place, "deleted_rows", "Read", act, rows=TIMES)


@metered_units(
    assumed="1 read units each",
    used="layers/core/python/chat/adapters/cassandra/accounts.py",
    reads=5 * TIMES,
)
def units_of_in(place: Place) -> Metered:
    """How many units is ``IN`` over three clustering keys of small rows, a unit together?

    If not: at 3 each key counts for itself, and a ``send`` that reads three entries of a card costs three.
    """
    return _units(
        place, "in_rows", "Read", lambda s, _: s.execute(_rows("in_rows", "place IN (0, 1, 2)")), rows=3
    )


@metered_units(
    assumed="3 read units each",
    used="layers/core/python/chat/adapters/cassandra/connections.py",
    reads=5 * TIMES,
)
def units_of_in_over_partitions(place: Place) -> Metered:
    """How many units is ``IN`` over three partitions with a small row each?

    If not: at 1 the partitions share a unit, and reading several accounts at once saves units, too.
    """
    read = _cql(f"SELECT state FROM {KEYSPACE}.in_parts WHERE part IN ('p', 'q', 'r') AND place = 0")
    return _units(place, "in_parts", "Read", lambda s, _: s.execute(read), rows=1)


@metered_units(
    assumed="1 read units each",
    used="layers/core/python/chat/adapters/cassandra/inbox.py",
    reads=30 * TIMES,
    writes=TIMES,
)
def units_of_limit(place: Place) -> Metered:
    """How many units is ``LIMIT 1`` with a page size of 1 over 100 rows of 1 KB?

    If not: at 25 the whole partition is read: a page size does not save what ``LIMIT`` does not.
    """
    read = _rows("limited", "place >= 0 LIMIT 1", fetch_size=1)
    return _units(place, "limited", "Read", lambda s, _: s.execute(read).one(), rows=TIMES)


@metered_units(
    assumed="1 write units each",
    used="docs/storage.md",
    writes=2 * TIMES,
)
def units_of_a_refused_condition(place: Place) -> Metered:
    """How many write units is a condition that fails on a row of 1 KB?

    If not: at 0 a lost race is free; a limiter that refuses is cheaper than counted.
    """
    change = _cql(f"UPDATE {KEYSPACE}.refused SET state = 1 WHERE part = 'p' AND place = 1 IF state = 9")
    return _units(place, "refused", "Write", lambda s, _: s.execute(change), rows=2)


@metered_units(
    assumed="1 read units each",
    used="docs/storage.md",
    reads=2 * TIMES,
    writes=2 * TIMES,
)
def units_of_reading_a_condition(place: Place) -> Metered:
    """How many read units is ``IF NOT EXISTS`` that fails, on a table with TTL?

    If not: nonces, codes and limits are cheaper than counted, or dearer.
    """
    again = _cql(f"INSERT INTO {KEYSPACE}.refused_ttl (part, place) VALUES ('p', 0) IF NOT EXISTS")
    return _units(place, "refused_ttl", "Read", lambda s, _: s.execute(again), rows=1)


@metered_units(
    assumed="1 write units each",
    used="docs/storage.md",
    writes=2 * TIMES,
)
def units_of_a_condition(place: Place) -> Metered:
    """How many write units is a conditional insert that is applied?

    If not: at 2 every connect, claim and block costs twice what is counted.
    """

    def act(session: Session, number: int) -> None:
        session.execute(
            _cql(f"INSERT INTO {KEYSPACE}.applied (part, place) VALUES ('p', {number}) IF NOT EXISTS")
        )

    return _units(place, "applied", "Write", act)


@metered_units(
    assumed="10 write units each",
    used="layers/core/python/chat/adapters/cassandra/inbox.py",
    writes=12 * TIMES,
)
def units_of_a_batch(place: Place) -> Metered:
    """How many write units is an unlogged batch of ten small rows?

    If not: at 1 the rows of a batch share a unit, and larger frames pay more than thought.
    """

    def act(session: Session, number: int) -> None:
        batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
        for row in range(10):
            batch.add(_cql(f"INSERT INTO {KEYSPACE}.batched (part, place) VALUES ('{number}', {row})"))
        session.execute(batch)

    return _units(place, "batched", "Write", act)


@metered_units(
    assumed="1 write units each",
    used="layers/core/python/chat/adapters/cassandra/inbox.py",
    writes=2 * TIMES,
)
def units_of_a_delete(place: Place) -> Metered:
    """How many write units is the delete of a row that is not there?

    If not: an ack that is repeated costs less than counted.
    """

    def act(session: Session, number: int) -> None:
        session.execute(_cql(f"DELETE FROM {KEYSPACE}.deletes WHERE part = 'p' AND place = {number}"))

    return _units(place, "deletes", "Write", act)
