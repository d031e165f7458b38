"""Real conversations under load: signed connects, messages that are stored, posted and acknowledged.

Each conversation is two sockets playing ping-pong: an answer carries the ack of the message before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import websockets
from heliograph.ids import AccountId, base64url, mint
from heliograph.signing import AuthKey, Identity, audience, register_bytes
from websockets.asyncio.client import ClientConnection

from bench.speed.lanes import Moments

CIPHERTEXT = base64url((hashlib.sha512(b"a text of usual length").digest() * 7)[:410])
"""As many bytes as a sealed short text: 320 padded, with the header of its ratchet and its tag."""


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


class Conversation:
    """Two devices that write to each other in turn, each on a socket of its own: a ``Lane``."""

    def __init__(self, base_url: str, pair: tuple[Identity, Identity]) -> None:
        self._sides = [Line(base_url, who) for who in pair]
        self._turn = 0
        self._unacked: list[str] | None = None

    async def open(self) -> None:
        """Connect both, and exchange one message."""
        for side in self._sides:
            await side.open()
        await self.exchange()

    async def exchange(self) -> Moments:
        """One message with the ack of the one before, until it is there and accepted."""
        me, peer = (self._sides[(self._turn + i) % 2] for i in (0, 1))
        name = [mint(time.time_ns() // 1_000_000), str(me.who.address)]
        frame: dict[str, Any] = {
            "action": "send",
            "ref": "m",
            "messages": [
                {"id": name[0], "to": peer.who.account, "devices": {str(peer.who.device): CIPHERTEXT}}
            ],
        }
        if self._unacked:
            frame["ack"] = {"delivered": [self._unacked]}
        await me.socket.send(json.dumps(frame))
        shown, answered = await asyncio.gather(_delivered(peer.socket), _accepted(me.socket))
        self._turn, self._unacked = self._turn + 1, name
        return Moments(shown, answered)

    async def close(self) -> None:
        """Disconnect both."""
        for side in self._sides:
            await side.close()


class Line:
    """One device and its socket."""

    def __init__(self, base_url: str, who: Identity) -> None:
        self.who = who
        self._base_url = base_url

    async def open(self) -> None:
        """A signed connect and the first sync."""
        proof = self.who.proof(audience(self._base_url), time.time_ns() // 1_000_000)
        self.socket = await websockets.connect(
            f"{_socket_url(self._base_url)}?proof={proof}",
            compression=None,
            ping_interval=None,
            open_timeout=120,
        )
        await self.socket.send('{"action":"sync","ref":"s"}')
        await _receive(self.socket, "ref")

    async def close(self) -> None:
        """Disconnect."""
        await self.socket.close()


def pairs(accounts: Sequence[Identity], conversations: int) -> list[tuple[Identity, Identity]]:
    """The first of them, two by two."""
    return [(accounts[2 * i], accounts[2 * i + 1]) for i in range(conversations)]


@cache
def _socket_url(base_url: str) -> str:
    found: str = _ask(base_url + "/.well-known/heliograph")["socket_url"]
    return found


async def _delivered(socket: ClientConnection) -> float:
    while all(event["type"] != "message" for event in (await _receive(socket, "events"))["events"]):
        pass
    return time.perf_counter()


async def _accepted(socket: ClientConnection) -> float:
    answer = await _receive(socket, "results")
    if "accepted" not in answer["results"][0]:
        raise RuntimeError(f"refused: {answer}")
    return time.perf_counter()


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
