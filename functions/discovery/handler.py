"""``GET /.well-known/heliograph``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat.bootstrap import Services
from chat.entrypoint import Request, https_routes
from chat.usecases.discovery import discover
from chat.wire import bodies


def handle(_request: Request, app: Services) -> Mapping[str, Any]:
    """Where the socket is, what is spoken, the limits and the time."""
    found = discover(app.discovery.socket_url, app.verification.verifiers, now=app.now())
    return bodies.discovery_answer(found)


handler = https_routes("discovery", public={"GET /.well-known/heliograph": handle})
