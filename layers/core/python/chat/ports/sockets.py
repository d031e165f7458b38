"""The live sockets of the clients, seen from the server."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """What became of one frame handed to the gateway.

    ``DELIVERED`` means that the gateway took it, not that the device has it: only the device's ack does.
    """

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


class Gone(Exception):
    """The connection no longer exists (HTTP 410): its row may be deleted."""


class PostFailed(Exception):
    """The gateway did not take the frame; it may take it later. The row in the inbox still delivers it."""


class Throttled(PostFailed):
    """The gateway refused for now (HTTP 429), after one retry."""


class SocketGateway(Protocol):
    """Sends frames to sockets and closes them."""

    def post(self, connection_id: str, data: bytes) -> None:
        """Hand one text frame to a socket. Raises ``Gone``, ``Throttled`` or ``PostFailed``."""

    def post_all(self, frames: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """Hand out many frames at once; one outcome for each, in order. Never raises for a socket."""

    def close(self, connection_id: str) -> None:
        """Close a socket; one that is gone already is fine. Raises ``Throttled`` or ``PostFailed``."""
