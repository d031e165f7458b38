"""One Cassandra session per Lambda environment that outlives freezes, throttling and lost links.

What happens to a statement that fails:

* It was not executed for certain: no link to send it on (as after a freeze), or the node refused. It is
  sent again, conditional or not. The driver reopens the link by itself, as no host is ever convicted;
  after ``REBUILD_AFTER`` the whole cluster object is replaced, once.
* It was sent and no verdict came: link lost, timeout, throttling (which Keyspaces reports as a timeout).
  Reads and plain writes are idempotent and are repeated, with backoff and jitter when the node is
  overloaded. A conditional write raises ``OutcomeUnknown``.
* After ``DEADLINE`` the caller gets ``StorageUnavailable``, well before the handler's own ten seconds.

A session that was idle for ``IDLE`` asks the node a cheap question before anything else. That finds a link
which swallows packets in ``PROBE_TIMEOUT`` and not in ``REQUEST_TIMEOUT``, and finds it before a
conditional write is on its way.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cassandra import ConsistencyLevel, OperationTimedOut, RequestExecutionException, Unavailable
from cassandra.cluster import Cluster, NoHostAvailable, ResponseFuture, ResultSet, Session
from cassandra.connection import ConnectionException
from cassandra.protocol import (
    IsBootstrappingErrorMessage,
    OverloadedErrorMessage,
    ServerError,
)
from cassandra.query import BatchStatement, BatchType, BoundStatement, PreparedStatement

from chat import observability
from chat.adapters.cassandra.policies import PAGE_ROWS, REQUEST_TIMEOUT, new_cluster
from chat.adapters.cassandra.statement import Statement
from chat.adapters.meter import Meter
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.settings import CassandraSettings
from schemas.cql_subset import MAX_IN

Row = dict[str, Any]
"""One row, by column name."""

DEADLINE = 4.0
"""Seconds after which no further attempt begins; the last one may take as long again."""

IDLE = 30.0
"""Seconds without use after which the link is asked first."""

PROBE_TIMEOUT = 0.3
LINK_RETRY = 0.02
"""Seconds between attempts while the link is being reopened."""

REBUILD_AFTER = 0.3
"""Seconds after which the cluster object is replaced if the link did not come back."""

BACKOFF = 0.05
"""Seconds, doubled with every attempt on an overloaded node; the pause is random up to it."""

MAX_BACKOFF = 0.8

MAX_BATCH_STATEMENTS = 30
MAX_BATCH_BYTES = 50 * 1024
"""Keyspaces' limits for one unlogged batch."""

_PROBE = "SELECT key FROM system.local"
_LINK = (NoHostAvailable, ConnectionException, OperationTimedOut)
_NODE = (RequestExecutionException, OverloadedErrorMessage, IsBootstrappingErrorMessage, ServerError)
_NOT_EXECUTED = (NoHostAvailable, Unavailable, OverloadedErrorMessage, IsBootstrappingErrorMessage)

# Its reconnect loop warns thousands of times a second; what matters is in the exceptions raised here.
logging.getLogger("cassandra").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Applied:
    """The verdict on a conditional write; true in a condition if it was applied.

    ``row`` is what stood in the way: for ``IF NOT EXISTS`` the existing row, otherwise the columns that the
    condition names. Empty when applied, and when there is no row at all.
    """

    applied: bool
    row: Row = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.applied


class Pending:
    """A read or plain write under way; several run at once over the one connection."""

    def __init__(self, collect: Callable[[], list[Row]]) -> None:
        self._collect = collect

    def result(self) -> list[Row]:
        """Wait for the rows, with the repetitions and errors of ``Cassandra.run``. Call it once."""
        return self._collect()


@dataclass(slots=True)
class _Attempts:
    """The memory of one statement's repetitions."""

    started: float
    refusals: int = 0
    session: Session | None = None
    rebuilt: bool = False


Send = Callable[[Session], ResponseFuture]


class Cassandra:
    """The one session of an environment. Connects with the first statement, or by ``connect``.

    ``build`` makes an unconnected driver cluster; ``for_settings`` chooses the one the environment names.
    Threads may share an object.
    """

    def __init__(self, build: Callable[[], Cluster], meter: Meter | None = None) -> None:
        self._build = build
        self._meter = meter
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._prepared: dict[Statement, PreparedStatement] = {}
        self._used_at = 0.0

    @classmethod
    def for_settings(cls, settings: CassandraSettings, meter: Meter | None = None) -> Cassandra:
        """Amazon Keyspaces over TLS and SigV4, or a plain local Cassandra."""
        security: dict[str, Any] = {}
        if settings.auth == "sigv4":
            # Imported here: a local function needs neither TLS nor a signer.
            from chat.adapters.cassandra.keyspaces_auth import security_options  # noqa: PLC0415

            security = security_options(settings.region)
        return cls(lambda: new_cluster(settings.contact_points, settings.port, **security), meter)

    def connect(self) -> None:
        """Connect now rather than with the first statement. Raises ``StorageUnavailable``."""
        self._ask(_probe)

    def run(self, statement: Statement, *values: object) -> list[Row]:
        """Run a read or a plain write and return all its rows (a write returns none).

        Repeated while the link or the node fails. After a crash in the middle a plain write is there or
        not there; running it again gives the same row. Raises ``StorageUnavailable``.
        """
        return self.start(statement, *values).result()

    def start(self, statement: Statement, *values: object) -> Pending:
        """Send what ``run`` would run and return at once; ``Pending.result`` collects."""
        if statement.conditional:
            raise ValueError(f"a conditional write goes through apply: {statement.cql}")

        def send(session: Session, page: bytes | None = None) -> ResponseFuture:
            return session.execute_async(self._bind(session, statement, values), paging_state=page)

        attempts = _Attempts(time.monotonic())
        first = self._send(send, attempts)

        def collect() -> list[Row]:
            answer = self._wait(first, send, attempts)
            rows: list[Row] = list(answer.current_rows)
            # Pages may be short or empty on Keyspaces; only the paging state says that there are no more.
            while page := answer.paging_state:
                answer = self._ask(lambda session: send(session, page))
                rows.extend(answer.current_rows)
            if self._meter is not None:
                self._meter.statement(statement, values, rows)
            return rows

        return Pending(collect)

    def apply(self, statement: Statement, *values: object) -> Applied:
        """Run a conditional write and return the verdict.

        Raises ``OutcomeUnknown`` when it was sent and no verdict came: read the row and decide by it.
        Raises ``StorageUnavailable`` when it was not executed.
        """
        if not statement.conditional:
            raise ValueError(f"not a conditional write: {statement.cql}")
        answer = self._ask(
            lambda session: session.execute_async(self._bind(session, statement, values)), repeatable=False
        )
        row: Row = dict(answer.one())
        applied = bool(row.pop("[applied]"))
        if self._meter is not None:
            self._meter.statement(statement, values, [row], applied=applied)
        return Applied(applied, {} if applied else row)

    def batch(self, calls: Sequence[tuple[Statement, Sequence[object]]]) -> None:
        """Run what ``start_batch`` starts, and wait for it."""
        self.start_batch(calls).result()

    def start_batch(self, calls: Sequence[tuple[Statement, Sequence[object]]]) -> Pending:
        """Write rows of ONE partition of one table in one request (an unlogged batch).

        One request, not a transaction: after a failure some rows may be there, so repeat the whole.
        Raises ``StorageUnavailable``, and ``ValueError`` for anything but 1 to 30 plain writes of one table
        under 50 KiB. The caller splits, and answers for the one partition.
        """
        if not 1 <= len(calls) <= MAX_BATCH_STATEMENTS:
            raise ValueError(f"{len(calls)} statements in a batch, not 1 to {MAX_BATCH_STATEMENTS}")
        if len({statement.table for statement, _ in calls}) > 1:
            raise ValueError("a batch writes one table")
        if any(statement.conditional or statement.verb == "select" for statement, _ in calls):
            raise ValueError("a batch holds plain writes")

        def send(session: Session) -> ResponseFuture:
            together = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
            together.is_idempotent = True
            size = 0
            for statement, values in calls:
                bound = self._bind(session, statement, values)
                size += sum(len(value) for value in bound.values if isinstance(value, bytes))
                together.add(bound)
            if size >= MAX_BATCH_BYTES:
                raise ValueError(f"{size} bytes in a batch, not under {MAX_BATCH_BYTES}")
            return session.execute_async(together)

        attempts = _Attempts(time.monotonic())
        first = self._send(send, attempts)

        def collect() -> list[Row]:
            self._wait(first, send, attempts)
            if self._meter is not None:
                for statement, values in calls:
                    self._meter.statement(statement, values)
            return []

        return Pending(collect)

    def close(self) -> None:
        """Close the connections; the next statement opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.cluster.shutdown()

    def _ask(self, send: Send, *, repeatable: bool = True) -> ResultSet:
        attempts = _Attempts(time.monotonic())
        return self._wait(self._send(send, attempts), send, attempts, repeatable=repeatable)

    def _send(self, send: Send, attempts: _Attempts) -> ResponseFuture:
        """Put a statement on a working link. Whatever fails here, the statement was not executed."""
        while True:
            try:
                return send(self._ready(attempts))
            except (*_LINK, *_NODE) as error:
                self._recover(error, attempts)

    def _wait(
        self, future: ResponseFuture, send: Send, attempts: _Attempts, *, repeatable: bool = True
    ) -> ResultSet:
        """The answer to a statement under way, which is sent again as far as that is safe."""
        while True:
            try:
                return future.result()
            except (*_LINK, *_NODE) as error:
                if not (repeatable or isinstance(error, _NOT_EXECUTED)):
                    observability.storage_gave_up()
                    raise OutcomeUnknown(str(error)) from error
                self._recover(error, attempts)
            future = self._send(send, attempts)

    def _ready(self, attempts: _Attempts) -> Session:
        """A connected session whose link was in use a moment ago."""
        with self._lock:
            if self._session is None:
                self._session = self._build().connect()
                # Preparing has no timeout argument, and the driver's own ten seconds outlive the handler.
                self._session._default_timeout = REQUEST_TIMEOUT
                self._session.use_client_timestamp = False
                self._used_at = time.time()
            attempts.session = self._session
            # Wall clock: a freeze may stop the monotonic one.
            if time.time() - self._used_at > IDLE:
                _probe(self._session).result()
            self._used_at = time.time()
            return self._session

    def _recover(self, error: Exception, attempts: _Attempts) -> None:
        """Pause before the next attempt, on a new cluster if need be. Raises ``StorageUnavailable`` late."""
        spent = time.monotonic() - attempts.started
        if spent >= DEADLINE:
            observability.storage_gave_up()
            raise StorageUnavailable(str(error)) from error
        observability.storage_retried()
        if isinstance(error, _LINK):
            pause = LINK_RETRY
            if attempts.rebuilt:
                pause = random.uniform(LINK_RETRY, 10 * LINK_RETRY)  # noqa: S311, spreads load
            elif spent > REBUILD_AFTER or isinstance(error, OperationTimedOut):
                attempts.rebuilt = True
                self._discard(attempts.session)
        else:
            limit = min(MAX_BACKOFF, BACKOFF * 2**attempts.refusals)
            pause = random.uniform(0, limit)  # noqa: S311, spreads load
            attempts.refusals += 1
        time.sleep(pause)

    def _discard(self, session: Session | None) -> None:
        """Forget a session that lost its link; another thread's newer one stays."""
        if session is None:
            return
        cluster: Cluster = session.cluster
        with self._lock:
            if self._session is not session:
                return
            self._session = None
        # In the background, because it waits for the dead sockets.
        threading.Thread(target=cluster.shutdown, daemon=True).start()

    def _bind(self, session: Session, statement: Statement, values: Sequence[object]) -> BoundStatement:
        if any(isinstance(value, (list, tuple)) and len(value) > MAX_IN for value in values):
            raise ValueError(f"more than {MAX_IN} values in one IN: {statement.cql}")
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = session.prepare(statement.cql)
            prepared.consistency_level = getattr(ConsistencyLevel, statement.consistency)
            prepared.serial_consistency_level = ConsistencyLevel.LOCAL_SERIAL
            prepared.is_idempotent = statement.idempotent
            prepared.fetch_size = PAGE_ROWS
            self._prepared[statement] = prepared
        bound = prepared.bind(values)
        if statement.limited:  # Keyspaces bills what it reads for a page, asked for or not
            bound.fetch_size = min(PAGE_ROWS, int(str(values[-1])))
        return bound


def _probe(session: Session) -> ResponseFuture:
    """Ask the node for one word."""
    return session.execute_async(_PROBE, timeout=PROBE_TIMEOUT)
