"""Limits in a whole local cloud, narrowed so that they act within seconds."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from heliograph import Client, Plain
from heliograph.transport import Channel, WebSocketTransport
from websockets import ConnectionClosed

from local.cloud import LocalCloud
from tests.e2e.client import ANSWER_SECONDS, Device, HandshakeRefused, Json, Socket

pytestmark = pytest.mark.integration

NARROW = "send=60/10,sync=30/100,refusals=20/100,connect=4/3000,lookup=5/60000,register=3/60000"
TEXTS = 1_000


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud with narrow limits."""
    with LocalCloud(tmp_path_factory.mktemp("narrow"), extra_env={"HELIOGRAPH_LIMITS": NARROW}) as running:
        yield running


def person(cloud: LocalCloud) -> Device:
    """Somebody with an account."""
    device = Device(cloud.base_url)
    status, answer = device.register()
    assert status == 200, answer
    return device


class Watched(WebSocketTransport):
    """Counts what a client meets: sockets, frames, refusals; and what was sent while it was to wait."""

    def __init__(self) -> None:
        self.opened = 0
        self.events: list[Json] = []
        self.refusals: list[tuple[float, float]] = []
        self.sends: list[float] = []

    async def open(self, url: str) -> Channel:
        self.opened += 1
        return _WatchedChannel(await super().open(url), self)


class _WatchedChannel:
    def __init__(self, channel: Channel, watched: Watched) -> None:
        self._channel = channel
        self._watched = watched

    async def send(self, text: str) -> None:
        if json.loads(text)["action"] == "send":
            self._watched.sends.append(time.monotonic())
        await self._channel.send(text)

    async def receive(self):  # type: ignore[no-untyped-def]
        async for text in self._channel.receive():
            frame = json.loads(text)
            self._watched.events += frame.get("events", [])
            if frame.get("error", {}).get("code") == "RATE_LIMITED":
                self._watched.refusals.append((time.monotonic(), frame["error"]["retry_after"]))
            yield text

    async def close(self) -> None:
        await self._channel.close()


def test_a_thousand_texts_at_once_arrive_whole_and_in_order(cloud: LocalCloud, tmp_path: Path) -> None:
    """The device is limited on the way, waits as told, and keeps its socket."""
    watched = Watched()

    async def story() -> tuple[list[str], int]:
        async with (
            Client(tmp_path / "bob.db", cloud.base_url, seal=Plain(), synchronous="normal") as bob,
            Client(
                tmp_path / "alice.db", cloud.base_url, seal=Plain(), synchronous="normal", transport=watched
            ) as alice,
        ):
            await bob.register("bob")
            await alice.register("alice")
            await bob.accept(alice.account)
            conversation = await alice.conversation("bob")
            for number in range(TEXTS):
                last = await conversation.send(str(number))
            await last.reached("delivered", 120)
            history = [m async for m in (await bob.conversation("alice")).history(limit=TEXTS + 100)]
            failed = [m async for m in conversation.history(limit=TEXTS + 100) if m.status == "failed"]
            return [m.text for m in history][::-1], len(failed)

    got, failed = asyncio.run(story())

    assert got == [str(number) for number in range(TEXTS)]
    assert failed == 0
    assert watched.refusals
    assert watched.opened == 1
    assert not [event for event in watched.events if event["type"] == "session_closed"]
    early = [
        (told, sent) for told, wait in watched.refusals for sent in watched.sends if told < sent < told + wait
    ]
    assert early == []


async def _hammer(socket: Socket) -> None:
    """Send syncs without waiting for anything, then see the socket closed."""
    with suppress(ConnectionClosed):
        for _ in range(600):
            await socket.send_frame({"action": "sync"})
            await asyncio.sleep(0)
    await asyncio.wait_for(socket.closed.wait(), ANSWER_SECONDS)


def test_who_hammers_is_refused_then_closed_and_nobody_else_notices(cloud: LocalCloud) -> None:
    """Refusals say how long to wait; the socket is told why it is closed; others chat on meanwhile."""
    mallory, carol, dave = (person(cloud) for _ in range(3))

    async def story() -> tuple[Socket, list[float]]:
        async with await mallory.open() as loud, await carol.open() as c, await dave.open() as d:
            await d.drain()
            hammering = asyncio.create_task(_hammer(loud))
            times = []
            for _ in range(10):
                begun = time.monotonic()
                [result] = await c.send(carol.message(dave))
                assert result.get("accepted"), result
                times.append(time.monotonic() - begun)
            await hammering
            await d.wait_for(10)
            return loud, times

    loud, times = asyncio.run(story())

    refusals = [frame["error"] for frame in loud.frames if "error" in frame]
    assert len(refusals) >= 20
    assert {refusal["code"] for refusal in refusals} == {"RATE_LIMITED"}
    assert all(refusal["retry_after"] >= 0.1 for refusal in refusals)
    closed = [event for event in loud.events if event["type"] == "session_closed"]
    assert closed[0] == {"type": "session_closed", "reason": "RATE_LIMITED", "retry_after": 30}
    assert max(times) < 5


def test_a_device_that_connects_too_often_is_told_when_it_may(cloud: LocalCloud) -> None:
    """403 at the handshake, the time in its device list, and then it is let in."""
    device = person(cloud)

    async def story() -> int:
        for _ in range(4):
            await (await device.open()).close()
        with pytest.raises(HandshakeRefused) as refused:
            await device.open()
        _, listed = device.request("GET", "/v1/devices")
        await asyncio.sleep(listed["connect_after"])
        async with await device.open() as socket:
            await socket.drain()
        return refused.value.status

    assert asyncio.run(story()) == 403


def test_looking_up_handles_is_counted_for_the_account(cloud: LocalCloud) -> None:
    """After five the sixth is 429, for handles that exist and others alike; another account is not held."""
    mine, other = person(cloud), person(cloud)

    statuses = [mine.request("GET", f"/v1/handles/nobody{i}")[0] for i in range(5)]
    status, answer = mine.request("GET", f"/v1/handles/{other.handle}")

    assert statuses == [404] * 5
    assert (status, answer["error"]["code"]) == (429, "RATE_LIMITED")
    assert 50 < answer["error"]["retry_after"] <= 60
    assert other.request("GET", f"/v1/handles/{mine.handle}")[0] == 200
