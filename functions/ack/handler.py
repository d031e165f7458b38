"""``ack``: what a device has stored."""

from __future__ import annotations

from chat.bootstrap import Services
from chat.entrypoint import Caller, socket_route
from chat.usecases.ack import acknowledge
from chat.wire import frames


def handle(frame: frames.AckFrame, caller: Caller, app: Services) -> None:
    """Send receipts, remove rows; answers nothing."""
    acknowledge(
        caller.device,
        frame.ack,
        cards=app.cards,
        connections=app.connections,
        inbox=app.inbox,
        sockets=app.sockets,
        encode=frames.event_frames,
        now=app.now(),
    )


handler = socket_route("ack", frames.parse_ack, handle, answers=False)
