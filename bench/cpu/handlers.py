"""``python -m bench.cpu.handlers --cassandra <port> --gateway <port>``: the warm handlers, a JSON row a line.

With ``--profile`` and the name of a row, that row alone under cProfile.
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import json
import os
import pstats
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from chat.bootstrap import services

from bench.cpu.rows import measured
from bench.cpu.world import Event, World

AUDIENCE = "127.0.0.1:4566"
FULL_PAGE = 100
WARM_UP = 30


@dataclass(slots=True)
class Case:
    """One kind of call: which function, how its next event is made, and what its answer must look like."""

    name: str
    function: str
    event: Callable[[], Event]
    fits: Callable[[dict[str, Any]], bool]
    scale: float = 1.0
    """Its share of the calls that are asked for."""


def cases(world: World) -> Iterator[Case]:
    """In the order in which they run: the inbox is filled last."""
    me, *peers = world.people

    def accepted(answer: dict[str, Any]) -> bool:
        return all("accepted" in result for result in json.loads(answer["body"])["results"])

    def taken(answer: dict[str, Any]) -> bool:
        return answer == {"statusCode": 200}

    def page(rows: int) -> Callable[[dict[str, Any]], bool]:
        return lambda answer: len(json.loads(answer["body"])["events"]) == rows

    acked = {"delivered": world.names(peers[0], 1)}
    yield Case("send: 1 message", "send", lambda: world.send(me, peers[:1]), accepted)
    yield Case("send: 1 message and an ack", "send", lambda: world.send(me, peers[:1], acked), accepted)
    yield Case("send: 10 messages to one peer", "send", lambda: world.send(me, peers[:1] * 10), accepted, 0.5)
    yield Case("send: 10 messages to 10 peers", "send", lambda: world.send(me, peers[:10]), accepted, 0.5)
    yield Case("ack: 1 message", "ack", lambda: world.ack(me, peers[0], 1), taken)
    yield Case("ack: 20 messages", "ack", lambda: world.ack(me, peers[0], 20), taken, 0.5)
    yield Case("ack: 20 messages read", "ack", lambda: world.read(me, peers[0], 20), taken, 0.5)
    yield Case("authorize", "authorize", lambda: world.authorize(me), lambda a: a["principalId"] != "nobody")
    yield Case("connect", "connect", lambda: world.connect(me), taken)
    yield Case("sync: nothing new", "sync", lambda: world.sync(me), page(0))
    world.fill_inbox(me, peers[0], FULL_PAGE)
    yield Case(f"sync: {FULL_PAGE} messages", "sync", lambda: world.sync(me), page(FULL_PAGE), 0.5)


def main() -> int:
    """Measure every case."""
    parser = argparse.ArgumentParser(prog="python -m bench.cpu.handlers")
    parser.add_argument("--cassandra", type=int, required=True)
    parser.add_argument("--gateway", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--profile", default="")
    options = parser.parse_args()
    os.environ.update(environment(options.cassandra, options.gateway))
    world = World(services(), AUDIENCE, people=11)
    for case in cases(world):
        if options.profile and case.name != options.profile:
            continue
        handler = importlib.import_module(f"functions.{case.function}.handler").handler
        next_event: list[Event] = []

        def prepare(case: Case = case, next_event: list[Event] = next_event) -> None:
            next_event[:] = [case.event()]

        def call(
            case: Case = case, next_event: list[Event] = next_event, handler: Callable[..., Any] = handler
        ) -> None:
            answer = handler(next_event[0], None)
            if not case.fits(answer):
                raise RuntimeError(f"{case.name}: {answer}")

        calls = max(1, int(options.calls * case.scale))
        measured(case.name, call, prepare, min(WARM_UP, calls))
        if options.profile:
            _profile(call, prepare, calls)
        else:
            print(json.dumps(asdict(measured(case.name, call, prepare, calls))), flush=True)
    return 0


def environment(cassandra: int, gateway: int) -> dict[str, str]:
    """What the template would tell these functions; limits are wide, as one device sends for a thousand."""
    return {
        "STAGE": "local",
        "AUDIENCE": AUDIENCE,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": f"http://127.0.0.1:{gateway}/v1",
        "CASSANDRA_CONTACT_POINTS": "127.0.0.1",
        "CASSANDRA_PORT": str(cassandra),
        "CASSANDRA_AUTH": "none",
        "HELIOGRAPH_LIMITS": "wide",
    }


def _profile(call: Callable[[], None], prepare: Callable[[], None], calls: int) -> None:
    profile = cProfile.Profile()
    for _ in range(calls):
        prepare()
        profile.runcall(call)
    stats = pstats.Stats(profile, stream=sys.stdout)
    stats.strip_dirs().sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    sys.exit(main())
