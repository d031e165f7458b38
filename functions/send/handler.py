"""``send``: messages of one device."""

from __future__ import annotations

from chat import observability
from chat.bootstrap import Services
from chat.entrypoint import Caller, socket_route
from chat.usecases.send import send
from chat.wire import frames


def handle(frame: frames.SendFrame, caller: Caller, app: Services) -> str:
    """Store and post the messages; answers one result a message."""
    now = app.now()
    outcome = send(
        caller.device,
        frame.messages,
        frame.ack,
        cards=app.cards,
        connections=app.connections,
        inbox=app.inbox,
        sockets=app.sockets,
        encode=frames.event_frames,
        now=now,
    )
    if caller.received_at and any(result.error is None for result in outcome.results):
        observability.accept_took(app.now() - caller.received_at)
    return frames.send_answer(frame.ref, outcome, now)


handler = socket_route("send", frames.parse_send, handle, answers=True)
