"""Does a ``send`` or a ``sync`` take longer once there is a hundred times more of everything?

``python -m bench.speed.growth --cassandra <port>`` fills the tables, runs the real handlers on them, without
an emulator, and prints what it found. At ``RESTART`` it waits for a line: Cassandra is to be restarted, so
that what was filled in lies on disk, as it would after a day.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from subprocess import PIPE

from cassandra.concurrent import execute_concurrent_with_args
from chat.adapters.cassandra.policies import new_cluster
from chat.adapters.cassandra.session import Cassandra
from chat.bootstrap import services
from chat.domain.devices import FIRST_DEVICE
from chat.domain.envelope import StoredMessage
from chat.domain.ids import AccountId, Address, MessageId, MessageName, new_uuid7
from chat.ports.inbox import InboxRow

from bench.cpu.handlers import AUDIENCE, environment
from bench.cpu.world import SHORT, Event, Person, World
from bench.speed.tracing import Tracing
from local.places import ROOT

RESTART = "restart"

AFTER_ACKS = "sync after so many acked rows"
WITHOUT_MARK = "the same by a device without a mark"

WARM_UP = 40
"""Calls of each kind before the measured ones: a Cassandra that has just started is slow."""

MINUTE = 60_000
WAITING_SINCE = 30 * MINUTE
"""Waiting rows are newer than the mark of ``World.sync``, which is an hour ago."""

ACKED_SINCE = 120 * MINUTE
AT_ONCE = 200

_CARD = "INSERT INTO heliograph.account_card (account_id, entry, version, body) VALUES (?, 'devices', 1, ?)"


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is at first, how many times more later, and how often each kind of call is timed."""

    users: int = 100
    rows: int = 500
    own: int = 100
    times: int = 100
    calls: int = 100


@dataclass(frozen=True, slots=True)
class Timed:
    """One kind of call: median wall time of the handler (ms), and what Cassandra read for one call.

    ``own`` is how many rows of its own the account in question has: waiting for it, or acknowledged.
    ``others`` is how many users and rows of others there are, as a multiple of the beginning.
    """

    name: str
    own: int
    others: int
    ms: float
    live: int
    tombstones: int


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call, before it is timed."""

    name: str
    own: int
    function: str
    event: Callable[[], Event]


class Tables:
    """The tables while they grow, and the people who are measured in them."""

    def __init__(self, port: int, size: Size) -> None:
        os.environ.update(environment(port, gateway=1))  # nobody has a socket, so nothing is posted
        self._tracing, self._port, self._size = Tracing(), port, size
        self._app = services()
        build = self._tracing.watch(lambda: new_cluster(("127.0.0.1",), port))
        self._app.__dict__["_cassandra"] = Cassandra(build)
        sizes = (size.own, size.own * size.times)
        middle = round(size.own * size.times**0.5)
        self._world = World(self._app, AUDIENCE, people=8)
        self._me, *others = self._world.people
        self._recipients = dict(zip(sizes, others[:2], strict=True))
        self._waiting = dict(zip(sizes, others[2:4], strict=True))
        self._acked = dict(zip((sizes[0], middle, sizes[1]), others[4:], strict=True))
        for person in others:
            self._app.connections.remove(person.connection)

    def fill(self, users: int, rows: int) -> None:
        """Strangers: accounts, and undelivered rows spread over them."""
        strangers = [AccountId(new_uuid7(self._world.stamp())) for _ in range(users)]
        body = json.dumps({"handle": "h" * 17, "next_device": 2, "devices": [{"auth_key": "k" * 43}]})
        with new_cluster(("127.0.0.1",), self._port) as cluster:
            session = cluster.connect()
            cards = [(account, body) for account in strangers]
            execute_concurrent_with_args(session, session.prepare(_CARD), cards, concurrency=64)
        for begin in range(0, rows, AT_ONCE):
            devices = (strangers[i % users] for i in range(begin, min(begin + AT_ONCE, rows)))
            self._put(
                [
                    row
                    for account in devices
                    for row in rows_for(Address(account, FIRST_DEVICE), self._me.address, 1, WAITING_SINCE)
                ]
            )

    def fill_own(self) -> None:
        """The inboxes that are measured: rows that wait, and rows that were acknowledged."""
        for count, person in (*self._recipients.items(), *self._waiting.items()):
            self._put(rows_for(person.address, self._me.address, count, WAITING_SINCE))
        for count, person in self._acked.items():
            rows = rows_for(person.address, self._me.address, count, ACKED_SINCE)
            self._put(rows)
            for begin in range(0, count, AT_ONCE):
                self._app.inbox.remove(person.address, [row.name for row in rows[begin : begin + AT_ONCE]])

    def timed(self, others: int) -> Iterator[Timed]:
        """Time all kinds of calls in turn, so that they meet the same machine; then trace each once."""
        calls = list(self._calls())
        handlers = {
            name: importlib.import_module(f"functions.{name}.handler").handler for name in ("send", "sync")
        }
        times: list[list[float]] = [[] for _ in calls]
        for number in range(WARM_UP + self._size.calls):
            for call, took in zip(calls, times, strict=True):
                event, began = call.event(), time.perf_counter()
                answer = handlers[call.function](event, None)
                if number >= WARM_UP:
                    took.append((time.perf_counter() - began) * 1000)
                if "error" in answer["body"]:
                    raise RuntimeError(f"{call.name}: {answer['body'][:200]}")
        for call, took in zip(calls, times, strict=True):
            run, event = handlers[call.function], call.event()
            read = self._tracing.during(partial(run, event, None))
            yield Timed(call.name, call.own, others, statistics.median(took), read.live, read.tombstones)

    def _calls(self) -> Iterator[Call]:
        for count, person in self._recipients.items():
            yield Call("send to an inbox of so many rows", count, "send", self._send(person))
        for count, person in self._waiting.items():
            yield Call("sync, first page of so many rows", count, "sync", self._sync(person))
        for count, person in self._acked.items():
            yield Call(AFTER_ACKS, count, "sync", self._sync(person))
            yield Call(WITHOUT_MARK, count, "sync", self._sync(person, mark=False))

    def _send(self, to: Person) -> Callable[[], Event]:
        return lambda: self._world.send(self._me, [to])

    def _sync(self, by: Person, *, mark: bool = True) -> Callable[[], Event]:
        def event() -> Event:
            made = self._world.sync(by)
            if not mark:
                made["body"] = json.dumps({"action": "sync", "ref": "1"})
            return made

        return event

    def _put(self, rows: Sequence[InboxRow]) -> None:
        for begin in range(0, len(rows), AT_ONCE):
            self._app.inbox.put(rows[begin : begin + AT_ONCE])


def rows_for(device: Address, sender: Address, count: int, age: int) -> list[InboxRow]:
    """Rows of short messages, the oldest sent ``age`` ms ago, one each ms."""
    envelope, first = StoredMessage(device.account, SHORT).encode(), time.time_ns() // 1_000_000 - age
    names = [MessageName(MessageId(new_uuid7(first + i)), str(sender)) for i in range(count)]
    return [InboxRow(device, name, envelope, 24 * 3600) for name in names]


def measure(port: int, size: Size, restart: Callable[[], None]) -> list[Timed]:
    """Run the process of its own; ``restart`` replaces Cassandra, twice. Raises ``RuntimeError``."""
    command = [sys.executable, "-m", "bench.speed.growth", "--cassandra", str(port), "--size"]
    command.append(json.dumps(asdict(size)))
    found = []
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as child:
        assert child.stdin  # noqa: S101, for the types
        for line in child.stdout or ():
            if line.strip() == RESTART:
                restart()
                child.stdin.write("\n")
                child.stdin.flush()
            else:
                found.append(Timed(**json.loads(line)))
    if child.returncode:
        raise RuntimeError("bench.speed.growth failed, see above")
    return found


def main() -> int:
    """Fill, measure, fill a hundred times more, measure again."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.growth")
    parser.add_argument("--cassandra", type=int, required=True)
    parser.add_argument("--size", type=json.loads, default={})
    options = parser.parse_args()
    size = Size(**options.size)
    tables = Tables(options.cassandra, size)
    tables.fill_own()
    filled = 0
    for others in (1, size.times):
        tables.fill(size.users * (others - filled), size.rows * (others - filled))
        filled = others
        print(RESTART, flush=True)
        sys.stdin.readline()
        for timed in tables.timed(others):
            print(json.dumps(asdict(timed)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
