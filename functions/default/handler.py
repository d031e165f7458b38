"""``$default``: frames that no route took."""

from __future__ import annotations

from chat.bootstrap import Services
from chat.entrypoint import Caller, socket_route
from chat.wire import frames


def handle(refused: frames.Refused, _caller: Caller, _app: Services) -> str:
    """Always refuses: BAD_FRAME, TOO_LARGE or UNKNOWN_ACTION."""
    raise refused


handler = socket_route("$default", frames.parse_unknown, handle, answers=True, schema="type_ref")
