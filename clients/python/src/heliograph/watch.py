"""Who waits for what inside a client: statuses of messages, and news in the event log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from heliograph.errors import HeliographError


class Watch:
    """Wakes those who wait for messages to change."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Future[None]]] = {}

    def expect(self, seq: int) -> asyncio.Future[None]:
        """Give a future that is done at the next change of a message; ask before you look at its state."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(seq, set()).add(future)
        future.add_done_callback(lambda done: self._forget(seq, done))
        return future

    def changed(self, seqs: Iterable[int]) -> None:
        """Wake those who wait for these messages."""
        if not self._waiting:
            return
        for seq in seqs:
            for future in self._waiting.get(seq, ()):
                if not future.done():
                    future.set_result(None)

    def close(self) -> None:
        """Let those who still wait fail: nothing changes any more."""
        for future in [future for waiting in self._waiting.values() for future in waiting]:
            if not future.done():
                future.set_exception(HeliographError("the client was closed", code="CLOSED"))

    def _forget(self, seq: int, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(seq)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[seq]
