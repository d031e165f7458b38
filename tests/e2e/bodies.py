"""Bodies of requests that hold a signed statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.wire import Json, now

if TYPE_CHECKING:
    from tests.e2e.client import Device


def registration(device: Device) -> Json:
    """``POST /v1/register``: the device claims its handle."""
    at = now()
    signed = ("heliograph-register-v1", device.audience, "-", 0, device.handle, device.auth_key, at)
    return {
        "handle": device.handle,
        "auth_key": device.auth_key,
        "name": "test",
        "time": at,
        "signature": device.sign(*signed),
        "verification": {"method": "open"},
    }


def link(by: Device, new: Device, name: str, version: int) -> Json:
    """``POST /v1/devices``: one device takes ``new`` into the list that then has this version."""
    at = now()
    signed = ("heliograph-link-v1", by.audience, by.account, by.device, new.auth_key, version, at)
    return {
        "auth_key": new.auth_key,
        "name": name,
        "version": version,
        "time": at,
        "signature": by.sign(*signed),
    }
