"""``$connect``: a socket is being opened; the authorizer let it pass."""

from __future__ import annotations

from chat.bootstrap import Services, lambda_handler, services
from chat.entrypoint import FORBIDDEN, OK, Answer, Caller, Event, caller
from chat.usecases.connect import connect


def handle(who: Caller, app: Services) -> Answer:
    """200 opens the socket, 403 refuses a device that was removed meanwhile."""
    allowed = connect(who.connection, cards=app.cards, connections=app.connections)
    return OK if allowed else FORBIDDEN


def _entry(event: Event, _context: object) -> Answer:
    """The event of API Gateway."""
    return handle(caller(event), services())


handler = lambda_handler("connect", _entry)
