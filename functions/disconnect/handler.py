"""``$disconnect``: a socket was closed; called best effort."""

from __future__ import annotations

from chat.bootstrap import Services, lambda_handler, services
from chat.entrypoint import OK, Answer, Caller, Event, caller
from chat.usecases.disconnect import disconnect


def handle(who: Caller, app: Services) -> Answer:
    """Forget the socket."""
    disconnect(who.connection, connections=app.connections)
    return OK


def _entry(event: Event, _context: object) -> Answer:
    """The event of API Gateway."""
    return handle(caller(event), services())


handler = lambda_handler("disconnect", _entry)
