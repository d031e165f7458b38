"""Every injection bites, and heals: what it does is felt from outside, and nothing of it is left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.client import Device, Socket, shown
from tests.e2e.steps import ids
from tests.faults.device import DeviceProcess
from tests.faults.injections import INJECTIONS, NOT_YET
from tests.faults.injections.workers import POINTS
from tests.faults.proxies import Doors, Links
from tests.faults.world import Injection
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.local_only]

T = TypeVar("T")

BY_NAME: dict[str, Injection] = {injection.name: injection for injection in INJECTIONS}


class Chosen(random.Random):
    """Draws what the test wants wherever it is among the choices."""

    def __init__(self, *wanted: object, seed: int = 1) -> None:
        super().__init__(seed)
        self._wanted = wanted

    def choice(self, seq: Sequence[T]) -> T:  # type: ignore[override]
        """One of the wanted, else any."""
        return next((item for item in seq if item in self._wanted), super().choice(seq))


class Stage:
    """A run without devices: the injections of the server need none."""

    def __init__(self, cloud: LocalCloud, barriers: Barriers, links: Links) -> None:
        self.cloud = cloud
        self.barriers = barriers
        self.database_link = links.database
        self.connections_link = links.connections
        self.client_link: Doors = links.clients
        self.devices: list[DeviceProcess] = []
        self.faults: list[tuple[str, str, dict[str, Any]]] = []

    def fault(self, name: str, what: str, detail: dict[str, Any]) -> None:
        """Remember what is recorded."""
        self.faults.append((name, what, detail))

    @property
    def outcome(self) -> dict[str, Any]:
        """The detail of the last end."""
        name, what, detail = self.faults[-1]
        assert (name, what) == (self.faults[0][0], "end")
        return detail


@pytest.fixture
def stage(cloud: LocalCloud, barriers: Barriers, links: Links) -> Iterator[Stage]:
    """The run, which records a begin and an end."""
    made = Stage(cloud, barriers, links)
    yield made
    assert [what for _, what, _ in made.faults] == ["begin", "end"]


class Traffic:
    """Alice sends to Bob all the time, insisting; what is accepted must be there."""

    def __init__(self, alice: Socket, bob: Device) -> None:
        self.alice, self.bob = alice, bob
        self.accepted: list[str] = []
        self.slowest = 0.0
        self.refused = 0

    async def until_done(self, work: asyncio.Task[None]) -> None:
        """Send as long as the fault lasts, and once more afterwards."""
        loop = asyncio.get_running_loop()
        while True:
            last = work.done()
            message = self.alice.device.message(self.bob)
            start = loop.time()
            while True:
                answer = await self.alice.insist({"action": "send", "messages": [message]})
                result = answer["results"][0]
                if result.get("accepted"):
                    break
                self.refused += 1
                message = self.alice.device.message(self.bob)
            self.slowest = max(self.slowest, loop.time() - start)
            self.accepted.append(message["id"])
            if last:
                return


async def under(stage: Stage, name: str, rng: random.Random, alice: Device, bob: Device) -> Traffic:
    """Inject under traffic and heal; all that was accepted is in Bob's inbox then."""
    async with await alice.connect() as socket:
        traffic = Traffic(socket, bob)
        await socket.send(alice.message(bob))
        injecting = asyncio.create_task(BY_NAME[name].inject(stage, rng))
        await traffic.until_done(injecting)
        await injecting
        await BY_NAME[name].heal(stage)
    async with await bob.open() as reader:
        await reader.drain()
        found = [event["id"] for event in shown(reader.events)]
    assert set(traffic.accepted) <= set(found)
    return traffic


def test_every_fault_has_a_name_of_its_own() -> None:
    """What is injected and what has nothing to break yet are all the faults there are."""
    names = [injection.name for injection in INJECTIONS]
    assert sorted([*names, *NOT_YET], key=lambda name: int(name[1:])) == [f"F{n}" for n in range(1, 20)]
    assert all(injection.weight > 0 for injection in INJECTIONS)


@pytest.mark.parametrize(
    ("how", "seconds"), [("frozen", 0.2), ("slow", 0.4), ("swallowed", 0.2), ("reset", 0), ("refused", 0.2)]
)
async def test_a_stricken_cassandra_is_felt(
    stage: Stage, links: Links, alice: Device, bob: Device, how: str, seconds: float
) -> None:
    """A send takes longer or has to be repeated; nothing accepted is lost."""
    traffic = await under(stage, "F2", Chosen(how, 400, seed=5), alice, bob)
    assert traffic.slowest > seconds
    if how in ("reset", "swallowed", "refused"):
        assert stage.outcome["links"] > 0
    if how == "refused":
        assert links.database.refused > 0


async def test_a_killed_cassandra_keeps_what_was_accepted(
    stage: Stage, cloud: LocalCloud, alice: Device, bob: Device
) -> None:
    """There is another process, and sends waited for it."""
    before = cloud.processes["cassandra"]
    traffic = await under(stage, "F1", Chosen(), alice, bob)
    assert cloud.processes["cassandra"] != before
    assert traffic.slowest > 1


async def test_a_worker_dies_where_it_is_told(stage: Stage, alice: Device, bob: Device) -> None:
    """The points that were reached are recorded, and the sender heard of the death."""

    class Sends(Chosen):
        def sample(self, population: Any, k: int, **_: Any) -> list[Any]:
            wanted = ["send.inbox.put.after", "send.sockets.post_all.before", "ack.inbox.put.after"]
            return [point for point in wanted if point in population]

    async with await alice.connect() as socket:
        injecting = asyncio.create_task(BY_NAME["F3"].inject(stage, Sends()))
        await Traffic(socket, bob).until_done(injecting)
        await injecting
        assert socket.failures == 2
    assert stage.outcome["reached"] == ["send.inbox.put.after", "send.sockets.post_all.before"]
    assert not list(stage.barriers.folder.glob("*.kill"))


async def test_every_kill_point_is_one_that_workers_pass(barriers: Barriers) -> None:
    """The list of places to die at names every call that the message flow made in these tests."""
    flow = {point.split(".")[0] for point in POINTS}
    passed = {point for point in barriers.points_passed() if point.split(".")[0] in flow}
    assert passed <= set(POINTS)


async def test_a_restarted_gateway_drops_sockets(stage: Stage, alice: Device, bob: Device) -> None:
    """Everybody has to come back; nothing in the inbox is lost."""
    async with await alice.connect() as socket:
        message = alice.message(bob)
        await socket.send(message)
        await BY_NAME["F4"].inject(stage, Chosen())
        await asyncio.wait_for(socket.closed.wait(), 5)
    await BY_NAME["F4"].heal(stage)
    async with await bob.connect() as reader:
        assert ids(reader) == [message["id"]]


async def test_failing_posts_are_counted(stage: Stage, alice: Device, bob: Device) -> None:
    """Live delivery meets the fault; the inbox has it all."""
    async with await bob.connect():
        await under(stage, "F14", Chosen("THROTTLED", (1.0, 4)), alice, bob)
    assert stage.outcome["hit"] > 0


async def test_frozen_workers_thaw_with_dead_links(stage: Stage, alice: Device, bob: Device) -> None:
    """Workers were stopped, links were lost, and the frame that waited is answered well."""
    traffic = await under(stage, "F19", Chosen("swallow"), alice, bob)
    assert stage.outcome["workers"] > 0
    assert stage.outcome["lost"] > 0
    assert traffic.accepted


async def test_a_storm_leaves_one_socket_a_device(stage: Stage) -> None:
    """Forty sockets of four devices at once; the injection itself looks which ones stay."""
    await BY_NAME["F10"].inject(stage, Chosen("raw storm"))
    assert stage.outcome["opened"] > 5


async def test_what_is_never_acknowledged_stays(stage: Stage) -> None:
    """The injection itself looks that every message comes again."""
    await BY_NAME["F8"].inject(stage, Chosen("never acks"))
    assert stage.outcome["kept"] > 0


async def test_a_worker_hours_off_refuses_until_it_is_right(stage: Stage, bob: Device) -> None:
    """Nobody gets in by a wrong clock; once it is right everybody does."""
    injecting = asyncio.create_task(
        BY_NAME["F13"].inject(stage, Chosen("one worker by hours", "authorize", 2))
    )
    await until(lambda: len(stage.faults) == 1)
    with pytest.raises(Exception, match="403"):
        await bob.open()
    await injecting
    async with await bob.connect():
        pass
