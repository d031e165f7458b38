"""One socket: frames out, answers matched by `ref`, events handed on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from heliograph.errors import HeliographError, NetworkError, NoAnswer, from_wire
from heliograph.ids import ServerClock
from heliograph.transport import Channel

logger = logging.getLogger("heliograph")

ANSWER_SECONDS = 10.0

_refs = itertools.count(1)

EventHandler = Callable[["Socket", list[dict[str, Any]]], Awaitable[None]]
ErrorHandler = Callable[[str | None, HeliographError], None]


class Socket:
    """An open socket of this device.

    A frame is written as the text after its `ref`, so that bytes which must repeat are never made twice.
    """

    def __init__(
        self,
        channel: Channel,
        clock: ServerClock,
        on_events: EventHandler,
        on_error: ErrorHandler,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._on_events = on_events
        self._on_error = on_error
        self._answer_seconds = answer_seconds
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.closed = asyncio.Event()
        self.unanswered = 0
        """Requests in a row that were not answered in time."""
        self._reader = asyncio.create_task(self._read())

    async def request(self, action: str, rest: str) -> dict[str, Any]:
        """Send a `send` or `sync` frame and wait for its answer.

        Args:
            action: The frame's action.
            rest: The other members of the frame's object as JSON text, each with a comma before it.

        Raises:
            NoAnswer: Nothing came within 10 seconds.
            NetworkError: The socket closed first.
            HeliographError: The frame was refused as a whole.
        """
        ref = str(next(_refs))
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ref] = answer
        asked_at = self._clock.local()
        try:
            await self._send(action, ref, rest)
            async with asyncio.timeout(self._answer_seconds):
                frame = await answer
        except TimeoutError:
            self.unanswered += 1
            raise NoAnswer(f"no answer to {action} within {self._answer_seconds:g} s") from None
        finally:
            self._waiting.pop(ref, None)
        if "error" in frame:
            raise from_wire(frame["error"])
        time = frame.get("time") or frame.get("caught_up", {}).get("time")
        if time:
            self._clock.learn(time, asked_at)
        return frame

    async def post(self, action: str, rest: str, sending: Callable[[str], None]) -> None:
        """Send a frame that is not answered.

        Args:
            action: The frame's action.
            rest: The other members of the frame's object as JSON text, each with a comma before it.
            sending: Is told the frame's ref, which an error would carry, before that error can come.

        Raises:
            NetworkError: The socket is closed.
        """
        ref = str(next(_refs))
        sending(ref)
        await self._send(action, ref, rest)

    async def close(self) -> None:
        """Close and let the requests in flight fail."""
        with contextlib.suppress(NetworkError, OSError):
            await self._channel.close()
        self._reader.cancel()
        await asyncio.wait([self._reader])
        self._end()

    async def _send(self, action: str, ref: str, rest: str) -> None:
        if self.closed.is_set():
            raise NetworkError("the socket is closed")
        await self._channel.send(f'{{"action":"{action}","ref":"{ref}"{rest}}}')

    async def _read(self) -> None:
        try:
            async for text in self._channel.receive():
                await self._take(text)
        except Exception:
            logger.exception("the socket's reader failed")
            raise
        finally:
            self._end()

    async def _take(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            logger.warning("a frame that is not a JSON object was skipped")
            return
        waiting = self._waiting.get(frame.get("ref") or "")
        if waiting is not None:
            self.unanswered = 0
            if not waiting.done():
                waiting.set_result(frame)
        elif isinstance(frame.get("error"), dict):
            self._on_error(frame.get("ref"), from_wire(frame["error"]))
        elif isinstance(frame.get("events"), list) and "ref" not in frame:
            await self._on_events(self, frame["events"])

    def _end(self) -> None:
        self.closed.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(NetworkError("the socket closed before the answer"))
        self._waiting.clear()
