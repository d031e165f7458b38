"""One socket of the fake server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from heliograph.errors import NetworkError

from tests.unit.client.contract import VALIDATE

if TYPE_CHECKING:
    from tests.unit.client.fake_server import FakeServer


class FakeChannel:
    """One open socket, seen from both ends."""

    def __init__(self, server: FakeServer, address: str, number: int, previous: int) -> None:
        self.server = server
        self.address = address
        self.number = number
        self.previous = previous
        self.closed = False
        self._to_client: asyncio.Queue[str | None] = asyncio.Queue()

    async def send(self, text: str) -> None:
        if self.closed:
            raise NetworkError("closed")
        await self.server.take(self, json.loads(text))

    async def receive(self) -> AsyncIterator[str]:
        while (text := await self._to_client.get()) is not None:
            yield text

    async def close(self) -> None:
        self.drop()

    def post(self, frame: dict[str, Any]) -> None:
        """Send a frame to the client."""
        if not self.closed:
            kind = "events" if "ref" not in frame else "error" if "error" in frame else None
            if kind:
                VALIDATE[kind](frame)
            self._to_client.put_nowait(json.dumps(frame))

    def drop(self) -> None:
        """Break the socket."""
        if not self.closed:
            self.closed = True
            self._to_client.put_nowait(None)
            if self.server.sockets.get(self.address) is self:
                del self.server.sockets[self.address]
