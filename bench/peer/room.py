"""Clients of the peer: it has one room, and everybody in it hears everything."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import suppress

import websockets
from websockets.asyncio.client import ClientConnection

from bench.speed.lanes import Lane, Moments, each


class Member:
    """One socket in the room. Hears what comes while it is open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self.heard = 0

    async def open(self) -> None:
        """Connect."""
        self.socket: ClientConnection = await websockets.connect(
            self._url, compression=None, ping_interval=None, open_timeout=120
        )
        self._listening = asyncio.create_task(self._listen())

    def hears(self, text: str) -> asyncio.Future[float]:
        """When (``time.perf_counter``) the text came; ask before it is sent."""
        return self._waiting.setdefault(text, asyncio.get_running_loop().create_future())

    async def close(self) -> None:
        """Disconnect."""
        await self.socket.close()
        await self._listening

    async def _listen(self) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                text = str(await self.socket.recv())
                self.heard += 1
                if waiting := self._waiting.pop(text, None):
                    waiting.set_result(time.perf_counter())


class Room:
    """All who are connected. The first two talk, the others listen."""

    def __init__(self, url: str, clients: int) -> None:
        self.members = [Member(url) for _ in range(clients)]
        self._numbers = itertools.count()

    async def __aenter__(self) -> Room:
        """Connect everybody."""
        await each(self.members, lambda member: member.open())
        return self

    async def __aexit__(self, *_: object) -> None:
        await each(self.members, lambda member: member.close())

    @property
    def heard(self) -> int:
        """Frames that all members got so far."""
        return sum(member.heard for member in self.members)

    def talks(self, count: int) -> Sequence[Lane]:
        """So many messages at once between the two."""
        return [_Talk(self) for _ in range(count)]

    async def exchange(self, *, count: bool = False) -> Moments:
        """One message, until the other one has it and the sender its own copy.

        ``count``: also wait for everybody else, and have the function log what the message cost.
        """
        number = next(self._numbers)
        me, peer = self.members[number % 2], self.members[(number + 1) % 2]
        text = f"{number:08d} " + "x" * 335  # as long as the ciphertext of our message
        shown, answered = peer.hears(text), me.hears(text)
        others = [member.hears(text) for member in self.members[2:]] if count else []
        frame = {"action": "sendmessage", "data": text} | ({"count": True} if count else {})
        await me.socket.send(json.dumps(frame))
        moments = Moments(await shown, await answered)
        await asyncio.gather(*others)
        return moments


class _Talk:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def open(self) -> None:
        await self._room.exchange()

    async def exchange(self) -> Moments:
        return await self._room.exchange()

    async def close(self) -> None:
        """The room closes."""
