"""An HTTP proxy before ``@connections`` that answers instead of it, or falsely after it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from enum import Enum

from tests.faults.proxies import background
from tests.faults.proxies.background import HOST

MAX_HEAD_BYTES = 64 * 1024


class PostFault(Enum):
    """What happens to a post: the status that its sender sees (0: none, ever), and whether it was made."""

    GONE = (410, False)
    THROTTLED = (429, False)
    BROKEN = (500, False)
    SILENT = (0, False)
    GONE_BUT_DELIVERED = (410, True)
    BROKEN_BUT_DELIVERED = (500, True)
    SILENT_BUT_DELIVERED = (0, True)

    @property
    def status(self) -> int:
        """What the sender sees; 0 for no answer."""
        return self.value[0]

    @property
    def is_made(self) -> bool:
        """Whether the gateway got the post all the same."""
        return self.value[1]


class PostProxy:
    """Forwards requests to a target on 127.0.0.1 byte by byte, the signed ``Host`` header included.

    A fault hits posts only: closing a socket goes through.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._fault: PostFault | None = None
        self._rate, self._left = 1.0, 0
        self._random = random.Random(0)
        self.posts = 0
        """Posts seen since the start."""
        self.hit: Counter[PostFault] = Counter()
        """How often each fault happened since the start."""
        self._busy: set[asyncio.StreamWriter] = set()
        self._server = background.wait_for(
            asyncio.start_server(self._serve, HOST, 0, limit=MAX_HEAD_BYTES, backlog=1024)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]

    def set(self, fault: PostFault, *, posts: int = 1 << 30, rate: float = 1.0, seed: int = 0) -> None:
        """Let each of the coming posts meet the fault with a probability of ``rate``, at most ``posts``."""
        self._rate, self._left, self._random = rate, posts, random.Random(seed)
        self._fault = fault

    def heal(self) -> None:
        """No fault from now on."""
        self._fault = None

    def close(self) -> None:
        """Stop listening and lose what is open."""
        self.heal()
        background.call(self._close)

    def _close(self) -> None:
        self._server.close()
        for writer in list(self._busy):
            writer.transport.abort()

    def _draw(self, head: bytes) -> PostFault | None:
        if not head.startswith(b"POST "):
            return None
        self.posts += 1
        fault = self._fault
        if fault is None or self._left <= 0 or self._random.random() >= self._rate:
            return None
        self._left -= 1
        self.hit[fault] += 1
        return fault

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a worker, and the one to the target that belongs to it."""
        target: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._busy.add(writer)
        try:
            while True:
                head, body = await _message(reader)
                fault = self._draw(head)
                if fault is None or fault.is_made:
                    if target is None:
                        target = await asyncio.open_connection(HOST, self._target, limit=MAX_HEAD_BYTES)
                    target[1].write(head + body)
                    answer = b"".join(await _message(target[0]))
                if fault is not None:
                    if not fault.status:
                        await reader.read()  # until the sender has had enough
                        return
                    answer = f"HTTP/1.1 {fault.status} Injected\r\ncontent-length: 0\r\n\r\n".encode()
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._busy.discard(writer)
            for end in (writer, *(target or ())[1:]):
                end.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of the next request or response, as they came. Raises IncompleteReadError at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = head.lower()
    if b"\r\ntransfer-encoding: chunked" in fields:
        return head, await _chunks(reader)
    _, found, rest = fields.partition(b"\r\ncontent-length:")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return head, await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        body += size + chunk
        if int(size, 16) == 0:
            return body
