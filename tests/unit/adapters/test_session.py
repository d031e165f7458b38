"""What ``Cassandra`` repeats, what it never repeats, and when it gives up: without a server."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from cassandra import InvalidRequest, OperationTimedOut, ReadTimeout, Unavailable, WriteTimeout, WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.policies import HostDistance
from cassandra.protocol import OverloadedErrorMessage, ServerError
from chat.adapters.cassandra import session as module
from chat.adapters.cassandra.policies import MAX_HOSTS, REQUEST_TIMEOUT, FewHosts
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from chat.ports.storage import OutcomeUnknown, StorageUnavailable

READ = Statement("SELECT used_at FROM heliograph.used_proofs WHERE proof = ?")
PLAIN = Statement("INSERT INTO heliograph.connections_by_account (account_id) VALUES (?)")
CLAIM = Statement("INSERT INTO heliograph.used_proofs (proof) VALUES (?) IF NOT EXISTS")

NO_HOST = NoHostAvailable("nobody", {})
LINK_LOST = ConnectionShutdown("reset")
SILENCE = OperationTimedOut()
REFUSED = Unavailable("no replicas", consistency=6, required_replicas=2, alive_replicas=1)
OVERLOADED = OverloadedErrorMessage(0x1001, "busy", None)
BROKEN = ServerError(0, "oops", None)
CAS_TIMEOUT = WriteTimeout("slow", write_type=WriteType.CAS)
THROTTLED = ReadTimeout("slow")


class Clock:
    """Time that passes only when somebody sleeps, or a request waits."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Driver:
    """Stands for the driver: every request takes the next answer of the script, then succeeds."""

    def __init__(self, clock: Clock) -> None:
        self.script: list[Any] = []
        self.clock = clock
        self.clusters = 0
        self.requests: list[Any] = []
        self.prepared: list[str] = []

    def build(self) -> Any:
        return SimpleNamespace(connect=self.connect)

    def connect(self) -> Any:
        self.clusters += 1
        cluster = SimpleNamespace(shutdown=lambda: None)
        return SimpleNamespace(prepare=self.prepare, execute_async=self.execute, cluster=cluster)

    def prepare(self, cql: str) -> Any:
        self.prepared.append(cql)
        prepared = SimpleNamespace(cql=cql)
        prepared.bind = lambda values: SimpleNamespace(prepared=prepared, values=list(values))
        return prepared

    def execute(self, bound: Any, paging_state: bytes | None = None, timeout: float | None = None) -> Any:
        self.requests.append(bound)
        answer = self.script.pop(0) if self.script else rows()

        def result() -> Any:
            if isinstance(answer, OperationTimedOut):
                self.clock.now += timeout or REQUEST_TIMEOUT
            if isinstance(answer, Exception):
                raise answer
            return answer

        return SimpleNamespace(result=result)


def rows(*found: dict[str, Any], more: bytes | None = None) -> Any:
    """An answer with these rows."""
    return SimpleNamespace(current_rows=list(found), paging_state=more, one=lambda: found[0])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The session's only clock."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def driver(clock: Clock) -> Driver:
    """A driver with an empty script: everything succeeds."""
    return Driver(clock)


@pytest.fixture
def database(driver: Driver) -> Iterator[Cassandra]:
    """A connected session, so that the script begins with the first statement."""
    database = Cassandra(driver.build)
    database.connect()
    driver.requests.clear()
    yield database
    database.close()


@pytest.mark.parametrize("statement", [READ, PLAIN])
@pytest.mark.parametrize("trouble", [NO_HOST, LINK_LOST, SILENCE, REFUSED, OVERLOADED, BROKEN, THROTTLED])
def test_reads_and_plain_writes_are_repeated(
    database: Cassandra, driver: Driver, statement: Statement, trouble: Exception
) -> None:
    """Whatever happened to the first attempt, the second one is safe and its answer counts."""
    driver.script = [trouble, rows({"x": 1})]
    assert database.run(statement, "a") == [{"x": 1}]


@pytest.mark.parametrize("trouble", [NO_HOST, REFUSED, OVERLOADED])
def test_a_conditional_write_that_was_not_executed_is_repeated(
    database: Cassandra, driver: Driver, trouble: Exception
) -> None:
    """Not sent, or refused before anything was done: sending it again is the first time."""
    driver.script = [trouble, rows({"[applied]": True})]
    assert database.apply(CLAIM, "a").applied


@pytest.mark.parametrize("trouble", [LINK_LOST, SILENCE, CAS_TIMEOUT, BROKEN, THROTTLED])
def test_a_conditional_write_without_verdict_is_never_repeated(
    database: Cassandra, driver: Driver, trouble: Exception
) -> None:
    """It may have been applied; the caller has to look."""
    driver.script = [trouble]
    with pytest.raises(OutcomeUnknown):
        database.apply(CLAIM, "a")
    assert len(driver.requests) == 1


def test_a_mistake_is_not_repeated(database: Cassandra, driver: Driver) -> None:
    """What the server calls invalid stays invalid."""
    driver.script = [InvalidRequest("no such column")]
    with pytest.raises(InvalidRequest):
        database.run(READ, "a")
    assert len(driver.requests) == 1


def test_gives_up_well_before_the_handler_does(database: Cassandra, driver: Driver, clock: Clock) -> None:
    """However long the trouble lasts, the caller hears of it with seconds to spare for its answer."""
    driver.script = [SILENCE] * 1_000
    started = clock.now
    with pytest.raises(StorageUnavailable):
        database.run(READ, "a")
    assert clock.now - started < 8


def test_an_overloaded_node_is_asked_less_and_less(database: Cassandra, driver: Driver, clock: Clock) -> None:
    """Throttling, which looks like a timeout, is met with growing random pauses on the same link."""
    driver.script = [THROTTLED] * 1_000
    with pytest.raises(StorageUnavailable):
        database.run(READ, "a")
    assert all(pause <= limit for pause, limit in zip(clock.slept, (0.05, 0.1, 0.2, 0.4), strict=False))
    assert max(clock.slept) <= module.MAX_BACKOFF
    assert len(driver.requests) < 40
    assert driver.clusters == 1


def test_a_dead_link_is_retried_quickly_then_replaced_once(
    database: Cassandra, driver: Driver, clock: Clock
) -> None:
    """The driver gets 0.3 s to reopen the link; then a new cluster object does it."""
    driver.script = [NO_HOST] * 20
    database.run(READ, "a")
    assert driver.clusters == 2
    assert clock.slept[:5] == [module.LINK_RETRY] * 5


def test_an_idle_session_asks_before_it_writes(database: Cassandra, driver: Driver, clock: Clock) -> None:
    """A link that swallows packets is found by a question, and the write goes out once, on a new one."""
    clock.now += module.IDLE + 1
    driver.script = [SILENCE, rows({"[applied]": True})]
    before = clock.now
    assert database.apply(CLAIM, "a")
    probe, write = driver.requests
    assert probe == "SELECT key FROM system.local"
    assert write.values == ["a"]
    assert driver.clusters == 2
    assert clock.now - before < 0.5


def test_a_session_in_use_asks_nothing(database: Cassandra, driver: Driver) -> None:
    """No question while statements follow each other."""
    database.run(READ, "a")
    database.run(READ, "a")
    assert len(driver.requests) == 2
    assert driver.prepared == [READ.cql]


def test_prepared_statements_carry_their_rules(database: Cassandra, driver: Driver) -> None:
    """Consistency, serial consistency, idempotence and page size are set on what is prepared."""
    driver.script = [rows(), rows({"[applied]": True})]
    database.run(READ, "a")
    database.apply(CLAIM, "a")
    read, claim = (request.prepared for request in driver.requests)
    assert (read.consistency_level, read.serial_consistency_level, read.fetch_size) == (6, 9, 500)
    assert (read.is_idempotent, claim.is_idempotent) == (True, False)


def test_follows_pages_even_empty_ones(database: Cassandra, driver: Driver) -> None:
    """A page may be empty before the last one; each is repeated on its own."""
    driver.script = [rows({"x": 1}, more=b"1"), rows(more=b"2"), THROTTLED, rows({"x": 2})]
    assert database.run(READ, "a") == [{"x": 1}, {"x": 2}]


def test_started_statements_are_on_their_way_before_the_first_is_collected(
    database: Cassandra, driver: Driver
) -> None:
    """``start`` sends at once; a failed one is repeated when it is collected."""
    driver.script = [LINK_LOST, rows({"x": 2}), rows({"x": 1})]
    first, second = database.start(READ, "a"), database.start(READ, "b")
    assert [request.values for request in driver.requests] == [["a"], ["b"]]
    assert (first.result(), second.result()) == ([{"x": 1}], [{"x": 2}])


def test_each_kind_of_statement_has_its_door(database: Cassandra) -> None:
    """A conditional write has a verdict that ``run`` would lose, a plain one has none for ``apply``."""
    with pytest.raises(ValueError, match="goes through apply"):
        database.run(CLAIM, "a")
    with pytest.raises(ValueError, match="not a conditional write"):
        database.apply(PLAIN, "a")


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [(PLAIN, ("a",))] * 31,
        [(READ, ("a",))],
        [(CLAIM, ("a",))],
        [
            (PLAIN, ("a",)),
            (Statement(PLAIN.cql.replace("connections_by_account", "inbox_by_account")), ("a",)),
        ],
        [(PLAIN, (b"x" * 30_000,)), (PLAIN, (b"x" * 30_000,))],
    ],
    ids=["empty", "31", "read", "conditional", "two tables", "60 KB"],
)
def test_refuses_batches_that_keyspaces_would_refuse(
    database: Cassandra, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Statement, tuple[Any, ...]]]
) -> None:
    """1 to 30 plain writes of one table, under 50 KiB."""
    monkeypatch.setattr(module, "BatchStatement", lambda *_, **__: SimpleNamespace(add=lambda bound: None))
    with pytest.raises(ValueError, match=r"batch"):
        database.batch(calls)


def test_refuses_an_in_of_more_than_100(database: Cassandra) -> None:
    """Keyspaces' limit, where the list is a bound value and no linter sees it."""
    with pytest.raises(ValueError, match="more than 100"):
        database.run(Statement("SELECT proof FROM heliograph.used_proofs WHERE proof IN ?"), ["x"] * 101)


def test_few_hosts_get_a_connection() -> None:
    """Of nine peers, two are used and planned for; a removed one makes room."""
    policy = FewHosts()
    hosts = [f"10.0.0.{number}" for number in range(9)]
    policy.populate(None, hosts)
    used = [host for host in hosts if policy.distance(host) == HostDistance.LOCAL]
    assert len(used) == MAX_HOSTS
    assert set(policy.make_query_plan()) == set(used)
    policy.on_remove(used[0])
    assert policy.distance(hosts[-1]) == HostDistance.LOCAL
