"""``/v1/devices`` and ``/v1/links``: the devices of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat.bootstrap import Services
from chat.domain.devices import DeviceList
from chat.domain.ids import Address
from chat.entrypoint import Request, https_routes
from chat.usecases import devices
from chat.wire import bodies, frames


def listed(_request: Request, by: Address, own: DeviceList, app: Services) -> Mapping[str, Any]:
    """The own list, when each was seen, and how long the asking device must wait before it may connect."""
    seen = app.connect_numbers.seen([Address(own.account, device.device) for device in own.devices])
    return bodies.devices_answer(own, app.connect_numbers.wait(by, app.now()), seen)


def link(request: Request, by: Address, own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Take a new device in."""
    after = devices.link(
        bodies.parse_link(request.body),
        by,
        own,
        cards=app.cards,
        chains=app.chains,
        connect_numbers=app.connect_numbers,
        connections=app.connections,
        links=app.links,
        sockets=app.sockets,
        encode=frames.event_frames,
        check_signature=app.check_signature,
        now=app.now(),
    )
    return bodies.devices_answer(after)


def remove(request: Request, by: Address, own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Remove a device: its sockets are closed, its prekeys deleted."""
    after = devices.remove(
        bodies.parse_removal(request.parameters["device"], request.body),
        by,
        own,
        cards=app.cards,
        chains=app.chains,
        connections=app.connections,
        prekeys=app.prekeys,
        sockets=app.sockets,
        encode=frames.event_frames,
        check_signature=app.check_signature,
        now=app.now(),
    )
    return bodies.devices_answer(after)


def linked(request: Request, app: Services) -> Mapping[str, Any]:
    """Where a waiting new device was taken in."""
    key = bodies.parse_key(request.parameters["key"])
    return bodies.link_answer(devices.find_link(key, links=app.links, limits=app.limits, now=app.now()))


handler = https_routes(
    "devices",
    public={"GET /v1/links/{key}": linked},
    device={
        "GET /v1/devices": listed,
        "POST /v1/devices": link,
        "DELETE /v1/devices/{device}": remove,
    },
)
