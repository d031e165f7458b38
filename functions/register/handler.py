"""``POST /v1/register``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat.bootstrap import Services
from chat.entrypoint import Request, https_routes
from chat.usecases.register import register
from chat.wire import bodies, frames


def handle(request: Request, app: Services) -> Mapping[str, Any]:
    """Claim a handle for a new account with its first device; the owner may do so again."""
    device, devices = register(
        bodies.parse_registration(request.body),
        audience=app.identity.audience,
        handles=app.handles,
        cards=app.cards,
        connect_numbers=app.connect_numbers,
        connections=app.connections,
        sockets=app.sockets,
        encode=frames.event_frames,
        verifier=app.verifier,
        limits=app.limits,
        check_signature=app.check_signature,
        now=app.now(),
    )
    return bodies.register_answer(device, devices)


handler = https_routes("register", public={"POST /v1/register": handle})
