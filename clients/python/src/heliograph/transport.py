"""What carries frames: the seam between the protocol and a WebSocket library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Protocol

from heliograph.errors import NetworkError
from heliograph.signing import is_loopback

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_MESSAGE_BYTES = 262_144
"""Largest message taken from a server: it sends 32 KB; twice the size of what it accepts is generous."""
FRAGMENT_BYTES = 32_000
"""Part of a message that goes in one WebSocket frame: AWS closes the socket on frames above 32,768 bytes."""
OPEN_SECONDS = 10
CLOSE_SECONDS = 1


class HandshakeRefused(NetworkError):
    """The server answered a handshake with a status instead of a socket."""

    default_code = "HANDSHAKE_REFUSED"

    def __init__(self, status: int) -> None:
        super().__init__(f"the handshake was refused with status {status}")
        self.status = status


class Channel(Protocol):
    """An open socket."""

    async def send(self, text: str) -> None:
        """Send a message; raises NetworkError when the socket is closed."""

    def receive(self) -> AsyncIterator[str]:
        """Give the messages until the socket closes."""

    async def close(self) -> None:
        """Close; again: nothing happens."""


class Transport(Protocol):
    """Opens sockets."""

    async def open(self, url: str) -> Channel:
        """Open one.

        Raises:
            HandshakeRefused: The server answered with a status.
            NetworkError: It was not reached.
        """


class WebSocketTransport:
    """Sockets by the `websockets` library.

    It sends no pings: API Gateway counts messages only, and `sync` is the protocol's own keep-alive.
    """

    async def open(self, url: str) -> Channel:
        """Open a socket, past any proxy for this machine."""
        import websockets  # noqa: PLC0415 - slow to import, and not needed offline
        from websockets.asyncio.client import connect  # noqa: PLC0415

        try:
            connection = await connect(
                url,
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                ping_interval=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                proxy=None if is_loopback(url) else True,
                user_agent_header="heliograph-python/0.1",
            )
        except websockets.InvalidStatus as refused:
            raise HandshakeRefused(refused.response.status_code) from refused
        except (OSError, TimeoutError, websockets.WebSocketException) as problem:
            raise NetworkError(f"no socket: {problem or type(problem).__name__}") from problem
        return _WebSocketChannel(connection)


class _WebSocketChannel:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        from websockets import ConnectionClosed  # noqa: PLC0415

        try:
            if len(text) <= FRAGMENT_BYTES and text.isascii():
                await self._connection.send(text)
            else:
                await self._connection.send(_fragments(text.encode()), text=True)
        except ConnectionClosed as closed:
            raise NetworkError(f"the socket is closed: {closed}") from closed

    async def receive(self) -> AsyncIterator[str]:
        from websockets import ConnectionClosed  # noqa: PLC0415

        try:
            async for message in self._connection:
                if isinstance(message, str):
                    yield message
        except (ConnectionClosed, OSError):
            return

    async def close(self) -> None:
        await self._connection.close()


def _fragments(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), FRAGMENT_BYTES):
        yield data[start : start + FRAGMENT_BYTES]
