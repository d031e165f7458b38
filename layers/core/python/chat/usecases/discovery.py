"""What a client must know before it can sign anything."""

from __future__ import annotations

from dataclasses import dataclass

from chat.domain.devices import DEVICE_LIMIT
from chat.usecases.authenticate import CLOCK_SKEW
from chat.usecases.send import CIPHERTEXT_LIMIT

VERSIONS = (1,)
"""Protocol versions spoken here."""

FRAME_BYTES = 128 * 1024
"""A client's message, however it is fragmented (API Gateway's limit)."""

EVENT_FRAME_BYTES = 32 * 1024
"""A server's frame: API Gateway's billing unit, and its largest single frame."""

MESSAGES_PER_SEND = 50


@dataclass(frozen=True, slots=True)
class Discovery:
    """The answer of ``/.well-known/heliograph``."""

    socket_url: str
    versions: tuple[int, ...]
    time: int
    verification: tuple[str, ...]
    limits: dict[str, int]


def discover(socket_url: str, verification: tuple[str, ...], *, now: int) -> Discovery:
    """Where the socket is, what is spoken there, the limits, and the server's time (ms)."""
    return Discovery(
        socket_url=socket_url,
        versions=VERSIONS,
        time=now,
        verification=verification,
        limits={
            "frame_bytes": FRAME_BYTES,
            "event_frame_bytes": EVENT_FRAME_BYTES,
            "ciphertext_bytes": CIPHERTEXT_LIMIT,
            "messages_per_send": MESSAGES_PER_SEND,
            "devices": DEVICE_LIMIT,
            "clock_skew_ms": CLOCK_SKEW,
        },
    )
