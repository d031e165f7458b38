"""Real conversations under load: signed connects, messages that are stored, posted and acknowledged.

Each conversation is two sockets playing ping-pong: an answer leaves when the message came, and carries its
ack. It is a closed loop, so a latency at many conversations is queueing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import websockets
from heliograph.ids import AccountId, base64url, mint
from heliograph.signing import AuthKey, Identity, audience, register_bytes
from websockets.asyncio.client import ClientConnection

CIPHERTEXT = base64url(hashlib.sha512(b"a text of usual length").digest() * 4)
"""256 bytes: a short text with its ratchet header and padding."""


@dataclass(slots=True)
class Timings:
    """Milliseconds of everything that was measured."""

    connect: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """Messages a second, and the percentiles of one kind of time (ms)."""

    conversations: int
    per_second: float
    timings: Timings


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def register(base_url: str) -> Identity:
    """A new account."""
    key, handle, now = AuthKey.generate(), f"b{secrets.token_hex(8)}", time.time_ns() // 1_000_000
    body = {
        "handle": handle,
        "auth_key": key.public,
        "name": "bench",
        "time": now,
        "signature": key.sign(register_bytes(audience(base_url), handle, key.public, now)),
        "verification": {"method": "open"},
    }
    answer = _ask(base_url + "/v1/register", json.dumps(body).encode())
    return Identity(AccountId(answer["account"]), answer["device"], handle, key)


def register_many(base_url: str, count: int) -> list[Identity]:
    """Accounts, some at a time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: register(base_url), range(count)))


async def measure(base_url: str, accounts: list[Identity], conversations: int, seconds: float) -> Result:
    """Let ``conversations`` pairs of accounts talk for ``seconds``, after one unmeasured exchange each."""
    socket_url = _ask(base_url + "/.well-known/heliograph")["socket_url"]
    timings, ready = Timings(), asyncio.Barrier(conversations)
    pairs = [(accounts[2 * i], accounts[2 * i + 1]) for i in range(conversations)]
    counts = await asyncio.gather(
        *(_converse(base_url, socket_url, pair, timings, ready, seconds) for pair in pairs)
    )
    return Result(conversations, sum(counts) / seconds, timings)


async def _converse(
    base_url: str,
    socket_url: str,
    pair: tuple[Identity, Identity],
    timings: Timings,
    ready: asyncio.Barrier,
    seconds: float,
) -> int:
    sockets = [await _connect(base_url, socket_url, who, timings) for who in pair]
    name = await _exchange(pair[0], pair[1], sockets[0], sockets[1], None, None)
    await ready.wait()
    end, turn, count = time.perf_counter() + seconds, 1, 0
    while time.perf_counter() < end:
        me, peer = turn % 2, (turn + 1) % 2
        name = await _exchange(pair[me], pair[peer], sockets[me], sockets[peer], name, timings)
        turn, count = turn + 1, count + 1
    for socket in sockets:
        await socket.close()
    return count


async def _connect(base_url: str, socket_url: str, who: Identity, timings: Timings) -> ClientConnection:
    """A signed connect and the first sync."""
    started = time.perf_counter()
    proof = who.proof(audience(base_url), time.time_ns() // 1_000_000)
    socket = await websockets.connect(
        f"{socket_url}?proof={proof}", compression=None, ping_interval=None, open_timeout=120
    )
    await socket.send('{"action":"sync","ref":"s"}')
    await _receive(socket, "ref")
    timings.connect.append((time.perf_counter() - started) * 1000)
    return socket


async def _exchange(
    me: Identity,
    peer: Identity,
    mine: ClientConnection,
    theirs: ClientConnection,
    acked: list[str] | None,
    timings: Timings | None,
) -> list[str]:
    """One message with the ack of the one before; returns its name when the peer has it."""
    name = [mint(time.time_ns() // 1_000_000), f"{me.account}:{me.device}"]
    frame: dict[str, Any] = {
        "action": "send",
        "ref": "m",
        "messages": [{"id": name[0], "to": peer.account, "devices": {str(peer.device): CIPHERTEXT}}],
    }
    if acked:
        frame["ack"] = {"delivered": [acked]}
    started = time.perf_counter()
    await mine.send(json.dumps(frame))

    async def delivered() -> None:
        while all(event["type"] != "message" for event in (await _receive(theirs, "events"))["events"]):
            pass
        if timings:
            timings.delivered.append((time.perf_counter() - started) * 1000)

    async def accepted() -> None:
        answer = await _receive(mine, "results")
        if "accepted" not in answer["results"][0]:
            raise RuntimeError(f"refused: {answer}")
        if timings:
            timings.accepted.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(delivered(), accepted())
    return name


async def _receive(socket: ClientConnection, field_name: str) -> dict[str, Any]:
    """The next frame that has this field."""
    while True:
        frame: dict[str, Any] = json.loads(await socket.recv())
        if "error" in frame:
            raise RuntimeError(f"refused: {frame}")
        if field_name in frame:
            return frame


def _ask(url: str, body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found
