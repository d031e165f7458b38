"""``/v1/keys``: the public keys with which sessions begin."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from chat.bootstrap import Services
from chat.domain.devices import DeviceList
from chat.domain.ids import Address
from chat.entrypoint import Request, https_routes
from chat.usecases import keys
from chat.wire import frames, keys_bodies


def held(_request: Request, by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """What is held of the asking device."""
    return keys_bodies.keys_answer(keys.held(by, prekeys=app.prekeys))


def upload(request: Request, by: Address, own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Take keys in."""
    after = keys.upload(
        by,
        own,
        keys_bodies.parse_keys(request.body),
        cards=app.cards,
        prekeys=app.prekeys,
        check_signature=app.check_signature,
    )
    return keys_bodies.keys_answer(after)


def claim(request: Request, _by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Give keys of some devices of an account."""
    asked = keys_bodies.parse_claim(request.body)
    claimed = keys.claim(
        asked.account,
        asked.devices,
        cards=app.cards,
        prekeys=app.prekeys,
        limits=app.limits,
        connections=app.connections,
        sockets=app.sockets,
        encode=frames.event_frames,
        choose=secrets.randbelow,
        now=app.now(),
    )
    return keys_bodies.claim_answer(claimed)


handler = https_routes(
    "keys",
    device={
        "GET /v1/keys": held,
        "PUT /v1/keys": upload,
        "POST /v1/keys/claim": claim,
    },
)
