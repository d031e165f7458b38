"""The socket gateway in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from chat.ports.sockets import Gone, Outcome, PostFailed


class FakeSockets:
    """Sockets that keep what was posted to them.

    ``outcomes`` says what becomes of frames to a socket (default: taken); ``on_post`` runs before each.
    """

    def __init__(self) -> None:
        self.frames: dict[str, list[dict[str, Any]]] = {}
        self.closed: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.refuses_to_close: set[str] = set()
        self.on_post: Callable[[str], None] = lambda _connection_id: None

    def post(self, connection_id: str, data: bytes) -> None:
        self.on_post(connection_id)
        outcome = self.outcomes.get(connection_id, Outcome.DELIVERED)
        if outcome is Outcome.GONE:
            raise Gone(connection_id)
        if outcome is Outcome.FAILED:
            raise PostFailed(connection_id)
        self.frames.setdefault(connection_id, []).append(json.loads(data))

    def post_all(self, frames: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        outcomes = []
        for connection_id, data in frames:
            try:
                self.post(connection_id, data)
            except Gone:
                outcomes.append(Outcome.GONE)
            except PostFailed:
                outcomes.append(Outcome.FAILED)
            else:
                outcomes.append(Outcome.DELIVERED)
        return outcomes

    def close(self, connection_id: str) -> None:
        if connection_id in self.refuses_to_close:
            raise PostFailed(connection_id)
        self.closed.append(connection_id)

    def events(self, connection_id: str) -> list[dict[str, Any]]:
        """Every event posted to one socket, in order."""
        return [event for frame in self.frames.get(connection_id, []) for event in frame["events"]]
