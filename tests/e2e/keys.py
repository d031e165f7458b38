"""Leaving and claiming prekeys."""

from __future__ import annotations

from typing import Any

from tests.e2e.bodies import prekeys
from tests.e2e.client import Device, Json

CLAIM = "/v1/keys/claim"


def leave(device: Device, body: Json | None = None, **ids: Any) -> Json:
    """Upload keys; the answer."""
    status, answer = device.request("PUT", "/v1/keys", body or prekeys(device, **ids))
    assert status == 200, answer
    return answer


def claim(by: Device, *devices: Device) -> list[Json]:
    """Claim keys of devices of one account; the bundles."""
    status, answer = by.request("POST", CLAIM, wanted(*devices))
    assert status == 200, answer
    bundles: list[Json] = answer["bundles"]
    return bundles


def wanted(*devices: Device) -> Json:
    """The body of a claim for devices of one account."""
    return {"account": devices[0].account, "devices": [device.device for device in devices]}
