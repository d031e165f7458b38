"""What a device sends and gets, recorded: to search it, and to know which routes a flow really used.

The recorder may also meddle: lose an answer, send a changed frame besides the real one.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from heliograph.transport import Channel, Transport, WebSocketTransport

from infra.routes import AUTHORIZER, HTTPS_FUNCTIONS, SOCKET_FUNCTIONS, HttpsRoute

ACTIONS = {route.key for function in SOCKET_FUNCTIONS for route in function.routes}
_PATHS = [
    (route.method, re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), f"{route.method} {route.path}")
    for function in HTTPS_FUNCTIONS
    for route in function.routes
    if isinstance(route, HttpsRoute)
]

Outgoing = Callable[[str], list[str]]
"""Gets a frame of the SDK, gives those that are sent instead."""
Incoming = Callable[[str], str | None]
"""Gets a frame of the server, gives the one that the SDK sees instead, or none."""


class Wire:
    """Everything one device sends and gets, appended to a file. ``routes`` are those that it used."""

    def __init__(self, file: Path, base_url: str) -> None:
        self._root = urlsplit(base_url).path.rstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self.routes: set[str] = set()
        self.meddle_out: Outgoing = lambda frame: [frame]
        self.meddle_in: Incoming = lambda frame: frame

    def request(self, method: str, path: str) -> None:
        """Note the route of a request."""
        self.routes.add(_route(method, path.removeprefix(self._root)))

    def record(self, *parts: str | bytes) -> None:
        """Append parts, each as it went over the wire."""
        with self._file.open("ab") as file:
            for part in parts:
                file.write((part.encode() if isinstance(part, str) else part) + b"\n")


class RecordingTransport:
    """Sockets of the SDK, recorded."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._real: Transport = WebSocketTransport()

    async def open(self, url: str) -> Channel:
        """See the SDK's Transport."""
        self._wire.record(url)
        channel = await self._real.open(url)
        self._wire.routes |= {AUTHORIZER, "$connect"}
        return _RecordingChannel(channel, self._wire)


class _RecordingChannel:
    def __init__(self, channel: Channel, wire: Wire) -> None:
        self._channel = channel
        self._wire = wire

    async def send(self, text: str) -> None:
        for frame in self._wire.meddle_out(text):
            self._wire.record(frame)
            self._wire.routes.add(_action(frame))
            await self._channel.send(frame)

    async def receive(self) -> AsyncIterator[str]:
        async for text in self._channel.receive():
            self._wire.record(text)
            seen = self._wire.meddle_in(text)
            if seen is not None:
                yield seen
        self._wire.routes.add("$disconnect")

    async def close(self) -> None:
        await self._channel.close()


class RecordingHttp(httpx2.AsyncBaseTransport):
    """HTTPS of the SDK, recorded."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._real = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        body = await request.aread()
        self._wire.record(str(request.url), *(value for _, value in request.headers.raw), body)
        self._wire.request(request.method, request.url.path)
        answer = await self._real.handle_async_request(request)
        content = await answer.aread()
        await answer.aclose()
        self._wire.record(*(value for _, value in answer.headers.raw), content)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=content, request=request)

    async def aclose(self) -> None:
        """See httpx2."""
        await self._real.aclose()


def _action(frame: str) -> str:
    """The route of a frame, as API Gateway chooses it."""
    try:
        parsed: Any = json.loads(frame)
    except ValueError:
        return "$default"
    action = parsed.get("action") if isinstance(parsed, dict) else None
    return action if action in ACTIONS else "$default"


def _route(method: str, path: str) -> str:
    """The route of a request; of several that fit the one with most words of its own."""
    fitting = [name for verb, shape, name in _PATHS if verb == method and shape.fullmatch(path)]
    return min(fitting, key=lambda name: name.count("{"), default=f"{method} {path}")
