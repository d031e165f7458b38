"""Measure everything and write it into ``docs/performance.md``: ``run`` is all that a command needs."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.conversations import register_many
from bench.cpu import run as cpu
from bench.encryption import run as encryption
from bench.speed import growth, idle, operations, report, through
from bench.speed.loads import Loaded, World
from bench.speed.page import PAGE, Page
from bench.speed.processes import Processes
from local import deploy
from local.cloud import LocalCloud
from local.places import Places

ECHO = deploy.App("python -m bench.echo.app", ("bench/echo",))
PEER = deploy.App("python -m bench.peer.app", ("bench/peer",))


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the whole takes some seven minutes on two cores."""

    in_flight: tuple[int, ...] = (1, 10, 100, 250)
    seconds: float = 3.0
    rates: tuple[int, ...] = (20, 50, 100, 150)
    rate_lanes: int = 20
    rate_seconds: float = 6.0
    rooms: tuple[int, ...] = (2, 20, 100)
    idle_sockets: int = 500
    idle_clients: int = 20
    growth: growth.Size = field(default_factory=growth.Size)
    cpu_calls: int = 200
    cold_starts: int = 5
    sealing_calls: int = encryption.CALLS
    stored_messages: int = encryption.MESSAGES
    sent_messages: int = through.MESSAGES


def run(plan: Plan | None = None, page: Path | None = PAGE) -> list[str]:
    """Measure, print the tables and write the page (``None``: do not). Returns what is over budget, in words.

    Nothing is written unless everything was measured. Raises ``StepError`` where the local cloud does not
    come up and ``RuntimeError`` where something does not do its work.
    """
    plan = plan or Plan()
    with tempfile.TemporaryDirectory() as folder:
        found = _counted(plan, Path(folder) / "counted")
        _timed(plan, Path(folder) / "timed", found)
        with _step("encryption"):
            sealing = Path(folder) / "encryption"
            sealing.mkdir()
            found.encryption = encryption.measure(sealing, plan.sealing_calls, plan.stored_messages)
    sections = report.sections(found)
    for name, parts in sections.items():
        print(f"\n{name}\n\n" + "\n\n".join(str(part) for part in parts if isinstance(part, str)))
    if page is not None:
        written = Page(page)
        report.write(written, sections)
        written.write()
    return report.over(found)


def _counted(plan: Plan, state: Path) -> report.Found:
    """Billable operations: with the meter on, which takes time of its own."""
    found = report.Found()
    meter = state.parent / "meter.jsonl"
    environ = {"HELIOGRAPH_LIMITS": "wide", "HELIOGRAPH_METER": str(meter)}
    with _step("operations"), LocalCloud(state, extra_env=environ) as cloud:
        peer_url = _deployed(PEER, cloud, state / "peer")
        accounts = register_many(cloud.base_url, max(plan.rooms))
        for clients in plan.rooms:
            ours = operations.of_ours(cloud.base_url, meter, accounts[:clients])
            found.ours.append(asyncio.run(ours))
            found.peer.append(asyncio.run(operations.of_peer(cloud.lambda_log, peer_url, clients)))
    return found


def _timed(plan: Plan, state: Path, found: report.Found) -> None:
    """Everything that takes time, in a cloud that is like the one of ``make up`` but for its limits."""
    with LocalCloud(state, extra_env={"HELIOGRAPH_LIMITS": "wide"}) as cloud:
        with _step("deploying"):
            echo_url = _deployed(ECHO, cloud, state / "echo")
            peer_url = _deployed(PEER, cloud, state / "peer")
            processes = Processes(cloud.processes["aws"], cloud.processes["cassandra"])
            sockets = max(plan.idle_sockets, 2 * max(plan.in_flight), 2 * plan.rate_lanes)
            accounts = register_many(cloud.base_url, sockets)
            world = World(cloud.base_url, echo_url, peer_url, accounts, processes)
        with _step("fixed rates"):
            found.steady = asyncio.run(_steady(world, plan))
        with _step("highest rates"):
            found.fastest = asyncio.run(_fastest(world, plan))
        with _step("idle connections"):
            found.bare = asyncio.run(idle.bare(echo_url, plan.idle_sockets, processes))
            found.signed = asyncio.run(idle.signed(cloud.base_url, accounts[: plan.idle_sockets], processes))
            found.clients = idle.clients(cloud.base_url, plan.idle_clients)
        with _step("processor time"):
            found.warm = cpu.measure(cloud, plan.cpu_calls)
            found.cold = cpu.cold(cloud, plan.cold_starts)
            found.sizes = cpu.sizes()
        with _step("real clients"):
            found.through = asyncio.run(through.measure(cloud.base_url, state.parent, plan.sent_messages))
        with _step("growth"):  # the last: it restarts Cassandra
            found.growth = growth.measure(cloud.cassandra_port, plan.growth, cloud.restart_cassandra)


async def _steady(world: World, plan: Plan) -> list[Loaded]:
    await world.steady(plan.rates[0], plan.rate_lanes, plan.rate_seconds / 2)  # functions get warm
    return [
        one for rate in plan.rates for one in await world.steady(rate, plan.rate_lanes, plan.rate_seconds)
    ]


async def _fastest(world: World, plan: Plan) -> list[Loaded]:
    return [one for count in plan.in_flight for one in await world.fastest(count, plan.seconds)]


def _deployed(app: deploy.App, cloud: LocalCloud, state: Path) -> str:
    """Deploy a small stack beside the real ones; its socket URL."""
    state.mkdir()
    return deploy.deploy(app, Places(state), cloud.ports).outputs["SocketUrl"]


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"  {name:<20} {time.perf_counter() - started:5.0f} s", flush=True)
