"""Statements against a real Cassandra: verdicts, pages, batches, order, and what a freeze does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.proxies import TcpProxy
from tests.integration.storage.keyspaces_double import ACCESS_KEY, SECRET_KEY, KeyspacesDouble

pytestmark = pytest.mark.integration

INSERT = Statement(
    "INSERT INTO heliograph.inbox_by_account (account_id, week, device_id, message_id, sender, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
READ = Statement(
    "SELECT message_id FROM heliograph.inbox_by_account WHERE account_id = ? AND week = ? AND device_id = ?"
)
NUMBER = Statement(
    "INSERT INTO heliograph.connects_by_device (account_id, device_id, last) VALUES (?, ?, ?) IF NOT EXISTS"
)
RAISE = Statement(
    "UPDATE heliograph.connects_by_device SET last = ? WHERE account_id = ? AND device_id = ? IF last < ?"
)
DROP = Statement("DELETE FROM heliograph.connects_by_device WHERE account_id = ? AND device_id = ? IF EXISTS")
WORKER = Path(__file__).with_name("frozen_worker.py")


def test_verdict_of_a_conditional_write(database: Cassandra) -> None:
    """``apply`` tells whether it was applied and, if not, what stood in the way."""
    account = str(uuid4())
    assert database.apply(NUMBER, account, 1, 5)
    refused = database.apply(NUMBER, account, 1, 6)
    assert not refused
    assert refused.row == {"account_id": account, "device_id": 1, "last": 5, "full_at": None}
    assert database.apply(RAISE, 7, account, 1, 7)
    assert database.apply(RAISE, 6, account, 1, 6).row == {"last": 7}
    assert database.apply(DROP, account, 1).row == {}
    assert not database.apply(DROP, account, 1)


def test_conditional_and_plain_writes_of_one_row_are_ordered_by_the_server(database: Cassandra) -> None:
    """A row deleted and claimed again at once is visible every time: no client clock takes part."""
    account = str(uuid4())
    for round_number in range(50):
        database.apply(DROP, account, 1)
        assert database.apply(NUMBER, account, 1, round_number)
        assert database.apply(NUMBER, account, 1, 0).row["last"] == round_number


def test_run_returns_rows_beyond_one_page(database: Cassandra) -> None:
    """More rows than a page come back complete and in order; concurrent writes all arrive."""
    account = str(uuid4())
    names = [f"{number:08d}" for number in range(1_203)]
    for start in range(0, len(names), 100):
        pending = [
            database.start(INSERT, account, 1, 1, name, "s", b"x") for name in names[start : start + 100]
        ]
        for one in pending:
            assert one.result() == []
    assert [row["message_id"] for row in database.run(READ, account, 1, 1)] == names


def test_batch_writes_one_partition_at_once(database: Cassandra) -> None:
    """Thirty rows of a partition are one request; repeating it changes nothing."""
    account = str(uuid4())
    calls = [(INSERT, (account, 1, 1, f"{number:08d}", "s", b"x" * 1_000)) for number in range(30)]
    database.batch(calls)
    database.batch(calls)
    assert len(database.run(READ, account, 1, 1)) == 30
    with pytest.raises(ValueError, match="bytes in a batch"):
        database.batch([(INSERT, (account, 1, 1, "big", "s", b"x" * 51_200))])


@given(
    times=st.lists(
        st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1)), min_size=2, max_size=30, unique=True
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_sort_alike_in_cassandra_and_python(database: Cassandra, times: list[tuple[int, int]]) -> None:
    """UUIDv7 ids stored as ascii come back in Python's order, which is that of their time."""
    account = str(uuid4())
    ids = [_uuid7(milliseconds, noise) for milliseconds, noise in times]
    database.batch([(INSERT, (account, 1, 1, message_id, "s", b"")) for message_id in ids])
    stored = [row["message_id"] for row in database.run(READ, account, 1, 1)]
    assert stored == sorted(ids)
    assert [_milliseconds(message_id) for message_id in stored] == sorted(ms for ms, _ in times)


class Frozen:
    """A process with a live session that is stopped while its links are lost."""

    def __init__(self, process: subprocess.Popen[str], proxy: TcpProxy) -> None:
        self._process = process
        self._proxy = proxy

    def ask(self, kind: str) -> dict[str, object]:
        """Let it run one statement of a kind; what it reports, with the milliseconds that it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(kind + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer

    def freeze(self, loss: str) -> None:
        """Stop it, lose its links by ``reset`` or ``swallow``, let it go on."""
        os.kill(self._process.pid, signal.SIGSTOP)
        getattr(self._proxy, loss)()
        time.sleep(0.6)
        os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture
def frozen(keyspaces: KeyspacesDouble, tmp_path: Path) -> Iterator[Frozen]:
    """The process behind a proxy, connected, with its statements prepared."""
    proxy = TcpProxy(keyspaces.port)
    authority = tmp_path / "authority.pem"
    authority.write_text(keyspaces.authority)
    environment = os.environ | {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with subprocess.Popen(
        [sys.executable, str(WORKER), str(proxy.port), str(authority)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            worker = Frozen(process, proxy)
            for kind in ("read", "conditional"):
                worker.ask(kind)
            yield worker
        finally:
            process.kill()
            proxy.close()


@pytest.mark.parametrize("kind", ["read", "conditional"])
@pytest.mark.parametrize(("loss", "best_ms", "rebuilt"), [("reset", 150, 0), ("swallow", 1_000, 1)])
def test_first_statement_after_a_thaw_succeeds(
    frozen: Frozen, kind: str, loss: str, best_ms: float, rebuilt: int
) -> None:
    """Links lost in a freeze, with or without notice, cost the next invocation time, not an error.

    With notice the driver reopens the link at once, under the same cluster, as no host is convicted.
    """
    spent = []
    for round_number in (1, 2):
        frozen.freeze(loss)
        answer = frozen.ask(kind)
        assert answer["error"] is None
        assert answer["clusters"] == 1 + round_number * rebuilt
        spent.append(float(str(answer["ms"])))
    print(f"after a thaw, {loss}, {kind}: {spent} ms")
    assert min(spent) < best_ms


def _uuid7(milliseconds: int, noise: int) -> str:
    value = (milliseconds << 80) | (0x7 << 76) | ((noise >> 62) << 64) | (0b10 << 62) | (noise & (2**62 - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _milliseconds(message_id: str) -> int:
    return int(message_id.replace("-", "")[:12], 16)
