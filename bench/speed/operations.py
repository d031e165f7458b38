"""What AWS would bill for a message: ours and the peer's, sent by the same kind of client."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliograph.signing import Identity

from bench import pricing
from bench.conversations import Conversation, Line
from bench.counting import Counts, count, read_lines
from bench.peer.room import Room
from bench.speed.lanes import each

MESSAGES = 20
PRINTED_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Operations:
    """Averages of one message with so many clients connected. Units are of Keyspaces, or of DynamoDB.

    Both have the same price. ``dollars`` are for a million messages, connections not included.
    """

    clients: int
    frames: float
    invokes: float
    writes: float
    reads: float
    dollars: float

    @property
    def averages(self) -> tuple[float, float, float, float]:
        """Frames, invocations, write and read units."""
        return self.frames, self.invokes, self.writes, self.reads


async def of_ours(
    base_url: str, meter: Path, accounts: Sequence[Identity], messages: int = MESSAGES
) -> Operations:
    """A conversation of the first two accounts, each message acknowledged on the answer; the others idle."""
    bystanders = [Line(base_url, who) for who in accounts[2:]]
    talk = Conversation(base_url, (accounts[0], accounts[1]))
    await each([*bystanders, talk], lambda lane: lane.open())
    try:
        before = _end(meter)
        for _ in range(messages):
            await talk.exchange()
        counts = count(read_lines(meter, before))  # a function writes its line before it answers
    finally:
        await each([*bystanders, talk], lambda lane: lane.close())
    return average(counts, len(accounts), messages)


async def of_peer(log: Path, url: str, clients: int, messages: int = MESSAGES) -> Operations:
    """The peer's in a room of so many. ``log`` is what the functions print."""
    before = _end(log)
    async with Room(url, clients) as room:
        await room.exchange(count=True)  # the rows of sockets that are gone go with it
        first = room.heard
        for _ in range(messages):
            await room.exchange(count=True)
        heard = room.heard - first
        async with asyncio.timeout(PRINTED_SECONDS):  # a function prints when everybody has heard
            while len(printed := _printed(log, before)) <= messages:  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.02)
    printed = printed[1:]
    if sum(line["posts"] for line in printed) != heard:
        raise RuntimeError(f"{messages} messages, {heard} heard, and the functions printed {printed}")
    counts = Counts(
        frames_in=messages,
        frames_out=heard,
        invocations=Counter(send=messages),  # with the memory of ours
        wru=sum(line["writes"] for line in printed),
        rru=sum(line["reads"] for line in printed),
    )
    return average(counts, clients, messages)


def average(counts: Counts, clients: int, messages: int) -> Operations:
    """What one of so many messages took."""
    return Operations(
        clients,
        counts.frames / messages,
        counts.invokes / messages,
        counts.wru / messages,
        counts.rru / messages,
        1e6 * pricing.dollars(counts) / messages,
    )


def _printed(log: Path, since: int) -> list[dict[str, Any]]:
    texts = [line["text"] for line in read_lines(log, since)]
    return [json.loads(text) for text in texts if text.startswith('{"reads"')]


def _end(path: Path) -> int:
    return path.stat().st_size
