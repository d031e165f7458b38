"""What flows cost, and who counts the counting: proxies on the wires, against what the meter wrote down."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from heliograph.transport import Channel, WebSocketTransport

from bench import report
from bench.counting import FRAME_BYTES, Line, count, metered
from bench.flows import connect, idle, keys, offline, one_to_one, online_hour
from bench.flows.result import Result
from bench.flows.stage import Stage, people
from local.cloud import LocalCloud
from local.ports import free_ports
from tests.integration.bench.tap import HOST, Sent, Tap, messages, statements


class Tapped:
    """The SDK's own transport, by way of a tap."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self, url: str) -> Channel:
        """The same URL at the tap's port."""
        there = urlsplit(url)._replace(netloc=f"{HOST}:{self._port}")
        return await WebSocketTransport().open(urlunsplit(there))


@dataclass(frozen=True, slots=True)
class Played:
    """All flows, what both taps saw meanwhile, and what the meter wrote down."""

    results: list[Result]
    sockets: Tap
    storage: Tap
    lines: list[Line]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Every flow of ``make bench``, shorter, and then large messages and a second device."""
    folder = tmp_path_factory.mktemp("counts")
    ports = free_ports()
    sockets, storage = Tap(ports.gateway), Tap(ports.cassandra)
    meter = folder / "meter.jsonl"
    environ = {"HELIOGRAPH_METER": str(meter), "HELIOGRAPH_STORAGE_TAP": str(storage.port)}
    tapped = "tests.integration.bench.inside:decorate"
    with LocalCloud(folder / "cloud", ports, extra_env=environ, decorate=tapped) as cloud:
        stage = Stage(cloud.base_url, meter, folder, Tapped(sockets.port))
        results = asyncio.run(_play(stage))
        lines = asyncio.run(stage.lines(0))  # the ends of the last sockets, too
    sockets.close()
    storage.close()
    return Played(results, sockets, storage, lines)


async def _play(stage: Stage) -> list[Result]:
    results = [
        *await one_to_one.measure(stage, messages=80),
        *await offline.measure(stage, rounds=2),
        *await connect.measure(stage, number=8),
        *await online_hour.measure(stage),
        *await idle.measure(stage),
        *await keys.measure(stage, number=4),
    ]
    async with people(stage, 2, 1) as ([alice, _], [bob]):
        to_bob = await alice.client.conversation(bob.client.handle)
        for number in range(12):
            last = await to_bob.send("x" * 3_000 if number % 2 else "short")
        await last.reached("delivered", 30)
        await stage.settled()
    return results


def test_every_flow_is_within_budget(played: Played) -> None:
    """Frames, HTTPS requests, invocations and dollars of one message, one connect, one hour, one month."""
    assert [line for one in played.results for line in one.over()] == []


def test_nothing_costs_a_tenth_more_than_the_committed_counts(played: Played) -> None:
    """Every count of every flow; ``make bench ACCEPT=1`` commits a growth that is meant."""
    committed = report.committed()
    assert {report.key(one) for one in played.results} == set(committed)
    assert report.growth(played.results, committed) == []


def test_frames_agree(played: Played) -> None:
    """Messages both ways, and their bytes, between the clients and the socket API: to the last one."""
    sockets, lines = played.sockets, played.lines
    up = [size for link in sockets.links for size in messages(bytes(link.sent))]
    down = [size for link in sockets.links for size in messages(bytes(link.got))]
    calls = [line for line in lines if line["kind"] == "invocation" and line["trigger"] == "message"]
    posts = [line["size"] for line in lines if line["kind"] == "post" and line["status"] == 200]
    answers = [line["answer_size"] for line in calls if line["answer_size"]]
    assert Counter(up) == Counter(line["size"] for line in calls)
    assert Counter(down) == Counter(answers + posts)
    counts = count(lines)
    assert counts.frames_in == sum(metered(size, FRAME_BYTES) for size in up)
    assert counts.frames_out - counts.refused_posts == sum(metered(size, FRAME_BYTES) for size in down)
    assert len(up) > 300
    assert max(down) > 10_000


def test_statements_agree(played: Played) -> None:
    """Every statement that reached Cassandra, with the sizes of texts and blobs, is recorded once."""
    storage, lines = played.storage, played.lines
    meter = [line for line in lines if line["kind"] == "statement"]
    weighed = {line["cql"]: [isinstance(value, str | dict) for value in line["values"]] for line in meter}
    wire = Counter(
        _sizes(sent, weighed.get(sent[0], [])) for link in storage.links for sent in statements(link)
    )
    assert wire == Counter((line["cql"], tuple(map(_size, line["values"]))) for line in meter)
    assert wire.total() > 1_000
    assert {line["verb"] for line in meter} == {"select", "insert", "update", "delete"}


def _sizes(sent: Sent, weighed: list[bool]) -> tuple[str, tuple[int, ...]]:
    cql, sizes = sent
    return cql, tuple(size if counts else 0 for size, counts in zip(sizes, weighed, strict=True))


def _size(value: Any) -> int:
    """Bytes of a text or blob; of a number nothing, as the wire has its type's width."""
    if isinstance(value, dict):
        return int(value["bytes"])
    return len(value.encode()) if isinstance(value, str) else 0


def test_frames_are_read_as_the_standard_says() -> None:
    """The reading of frames itself: fragments are one message, control frames none, lengths of all widths."""
    head = b"HTTP/1.1 101 x\r\n\r\n"
    short = bytes([0x81, 2]) + b"ab"
    masked = bytes([0x81, 0x80 | 3]) + b"mask" + b"xyz"
    middle = bytes([0x81, 126]) + (300).to_bytes(2, "big") + bytes(300)
    fragments = bytes([0x01, 1]) + b"a" + bytes([0x89, 0]) + bytes([0x80, 127]) + (70_000).to_bytes(8, "big")
    assert messages(head + short + masked + middle + fragments + bytes(70_000)) == [2, 3, 300, 70_001]
