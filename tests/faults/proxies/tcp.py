"""A TCP proxy that loses links, loudly or silently, slows them, or lets nobody in."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from functools import partial

from tests.faults.proxies import background
from tests.faults.proxies.background import HOST

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
TICK_SECONDS = 0.02
"""How often a slow link hands out its share."""


class TcpProxy:
    """Forwards ``port`` to a target on 127.0.0.1. Every change is in effect when the call returns.

    Callable from any thread but that of the proxies themselves.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._links: set[_Link] = set()
        self._lost: set[_Link] = set()
        self.delay_seconds = 0.0
        self.bytes_per_second = 0
        self._refusing = False
        self.accepted = 0
        """Links since the start, refused ones not counted."""
        self.refused = 0
        self._server = background.wait_for(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def links(self) -> int:
        """How many links are open and not lost."""
        return len(self._links)

    def reset(self) -> int:
        """Lose every link and say so: both ends get a reset. Returns how many."""
        return self._lose(_Link.reset)

    def swallow(self) -> int:
        """Lose every link and say nothing: bytes disappear until :meth:`heal` resets it. Returns how many."""
        return self._lose(_Link.silence)

    def delay(self, seconds: float) -> None:
        """Let every byte arrive so much later, each way."""
        self.delay_seconds = seconds

    def slow(self, bytes_per_second: int) -> None:
        """Hand what the target sends to the client at this rate, and read no faster from the target."""
        self.bytes_per_second = bytes_per_second

    def refuse(self) -> None:
        """Reset whoever connects from now on; open links stay."""
        self._refusing = True

    def heal(self) -> None:
        """Pass everything on again, at full speed; what was swallowed is reset, as its stream has a hole."""
        self.delay_seconds, self.bytes_per_second, self._refusing = 0.0, 0, False
        background.call(self._reset_lost)

    def close(self) -> None:
        """Stop listening and lose what is open."""
        background.call(self._server.close)
        self.reset()
        self.heal()

    def _lose(self, how: Callable[[_Link], None]) -> int:
        lost = 0

        def lose() -> None:
            nonlocal lost
            lost = len(self._links)
            for link in list(self._links):
                self._links.discard(link)
                how(link)
                self._lost.add(link)

        background.call(lose)
        return lost

    def _reset_lost(self) -> None:
        for link in list(self._lost):
            link.reset()
        self._lost.clear()

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Link(self).client, HOST, 0, backlog=1024)

    def _is_open(self, link: _Link) -> bool:
        """Whether a new link may live."""
        if self._refusing:
            self.refused += 1
            return False
        self.accepted += 1
        self._links.add(link)
        return True

    def _ended(self, link: _Link) -> None:
        self._links.discard(link)
        self._lost.discard(link)


class _Link:
    """One accepted connection and its other half, the one to the target."""

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.silent = False
        self.client = _End(self, is_client=True)
        self.target = _End(self, is_client=False)
        self._connecting: asyncio.Task[None] | None = None

    def accepted(self) -> None:
        if not self.proxy._is_open(self):
            self.reset()
            return
        self.client.transport.pause_reading()
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.target, HOST, self.proxy._target)
        except OSError:
            self.reset()
            return
        if self.client.transport.is_closing():
            self.reset()
        else:
            self.client.transport.resume_reading()

    def other(self, end: _End) -> _End:
        return self.target if end is self.client else self.client

    def silence(self) -> None:
        self.silent = True

    def reset(self) -> None:
        for end in (self.client, self.target):
            end.reset()
        self.proxy._ended(self)

    def end(self) -> None:
        """One half is gone: close the other one, unless the link is lost in silence."""
        if self.silent:
            return
        for end in (self.client, self.target):
            if end.is_open:
                end.finish()
        self.proxy._ended(self)


class _End(asyncio.Protocol):
    """One half of a link. What it receives goes out at the other half."""

    transport: asyncio.Transport

    def __init__(self, link: _Link, *, is_client: bool) -> None:
        self._link = link
        self._is_client = is_client
        self.is_open = False
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._source_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.is_open = transport, True
        if self._is_client:
            self._link.accepted()

    def data_received(self, data: bytes) -> None:
        if not self._link.silent:
            self._link.other(self).send(data)

    def eof_received(self) -> bool:
        """Nothing here speaks on after its end of file, so that ends the link."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._link.end()

    def pause_writing(self) -> None:
        self._hold_source(True)

    def resume_writing(self) -> None:
        if not self._waiting:
            self._hold_source(False)

    def send(self, data: bytes) -> None:
        """Write at once, or as late and as slowly as the proxy is told."""
        if not self.is_open:
            return
        proxy = self._link.proxy
        slow = proxy.bytes_per_second if self._is_client else 0
        if not (self._waiting or proxy.delay_seconds or slow):
            self.transport.write(data)
            return
        self._waiting.append((asyncio.get_running_loop().time() + proxy.delay_seconds, data))
        if slow:
            self._hold_source(True)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        pause = max(0.0, self._waiting[0][0] - loop.time())
        slow = self._link.proxy.bytes_per_second if self._is_client else 0
        self._timer = loop.call_later(max(pause, TICK_SECONDS if slow else 0.0), self._hand_out)

    def _hand_out(self) -> None:
        self._timer = None
        if not self.is_open or self._link.silent:
            self._waiting.clear()
            return
        now = asyncio.get_running_loop().time()
        slow = self._link.proxy.bytes_per_second if self._is_client else 0
        room = max(1, int(slow * TICK_SECONDS)) if slow else 1 << 30
        while self._waiting and room and self._waiting[0][0] <= now:
            due, data = self._waiting.popleft()
            self.transport.write(data[:room])
            if len(data) > room:
                self._waiting.appendleft((due, data[room:]))
            room -= min(room, len(data))
        if self._waiting:
            self._arm()
        else:
            self._hold_source(False)

    def _hold_source(self, hold: bool) -> None:
        """Stop reading from where the bytes come from, so that whoever sends them feels it."""
        if hold == self._source_full:
            return
        self._source_full = hold
        source = self._link.other(self)
        if source.is_open:
            (source.transport.pause_reading if hold else source.transport.resume_reading)()

    def finish(self) -> None:
        """Close after what is on its way."""
        if self._waiting:
            asyncio.get_running_loop().call_later(TICK_SECONDS, partial(self._finish_later))
        else:
            self.transport.close()

    def _finish_later(self) -> None:
        if self.is_open:
            self.finish()

    def reset(self) -> None:
        if not self.is_open:
            return
        connected = self.transport.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self.transport.abort()
