"""``sync``: assert the socket, drain the inbox."""

from __future__ import annotations

from chat.bootstrap import Services
from chat.entrypoint import Caller, socket_route
from chat.usecases.sync import sync
from chat.wire import frames


def handle(frame: frames.SyncFrame, caller: Caller, app: Services) -> str | None:
    """Answers a page; nothing where the socket is being closed."""
    page = sync(
        caller.connection,
        caller.previous_number,
        frame.request,
        cards=app.cards,
        connect_numbers=app.connect_numbers,
        connections=app.connections,
        inbox=app.inbox,
        prekeys=app.prekeys,
        sockets=app.sockets,
        encode=frames.event_frames,
        size_of=frames.size_of,
        now=app.now(),
    )
    return frames.sync_answer(frame.ref, page, caller.previous_number)


handler = socket_route("sync", frames.parse_sync, handle, answers=True)
