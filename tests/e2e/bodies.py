"""Bodies of requests that hold a signed statement, and the verdict on chains of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from operations.smoke import tokens
from tests.e2e.wire import Json, b64, now, unb64

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
        "verification": _verification(device),
    }


def _verification(device: Device) -> Json:
    """Nothing where everybody is taken for who they say; else an ID token for the device's key."""
    vouch = tokens.from_environment()
    if vouch is None:
        return {"method": "open"}
    nonce = b64(hashlib.sha256(unb64(device.auth_key)).digest())
    return {"method": "oidc", "token": vouch.token(nonce)}


def link(by: Device, new: Device, name: str, own: Json) -> Json:
    """``POST /v1/devices``: one device takes ``new`` into the list that it read."""
    device = own["next_device"]
    entry = _entry(by, own, "add", device, new.auth_key)
    return {"device": device, "auth_key": new.auth_key, "name": name, **entry}


def removal(by: Device, device: int, own: Json) -> Json:
    """``DELETE /v1/devices/{device}``: one device takes another off the list that it read."""
    return _entry(by, own, "remove", device, "-")


def _entry(by: Device, own: Json, change: str, device: int, auth_key: str) -> Json:
    at, number = now(), own["chain"]["length"] + 1
    place = (by.account, number, own["chain"]["head"])
    signature = by.sign("heliograph-chain-v1", *place, change, device, auth_key, by.device, at)
    return {"number": number, "time": at, "signature": signature}


def prekey(by: Device, kind: str, number: int, key: bytes = b"") -> Json:
    """One key of an upload with random bytes, signed but for a one-time X25519 key."""
    key = key or os.urandom(32 if kind in ("signed", "one_time") else 1_568)
    shown = {"id": number, "key": b64(key)}
    if kind == "one_time":
        return shown
    said = (kind, by.account, by.device, number, shown["key"])
    return {**shown, "signature": by.sign("heliograph-prekey-v1", *said)}


def prekeys(
    by: Device,
    *,
    one_time: Iterable[int] = (),
    one_time_kem: Iterable[int] = (),
    signed: int = 1,
    last_resort: int = 1,
) -> Json:
    """``PUT /v1/keys``: fresh keys of these ids; 0 leaves one of those that stay out."""
    ids = {"signed": signed, "last_resort": last_resort}
    body: Json = {kind: prekey(by, kind, number) for kind, number in ids.items() if number}
    for kind, numbers in (("one_time", one_time), ("one_time_kem", one_time_kem)):
        if made := [prekey(by, kind, number) for number in numbers]:
            body[kind] = made
    return body


def live_keys(answer: Json) -> dict[int, str]:
    """Verify the chain of an answer of ``/chain``, and give the keys of the devices that are live in it."""
    head, live = "-", {}
    for number, entry in enumerate(answer["entries"], 1):
        assert entry["number"] == number
        said = [entry[name] for name in ("change", "device", "auth_key", "signer", "time")]
        lines = ["heliograph-chain-v1", answer["account"], number, head, *said]
        text = "\n".join(str(line) for line in lines).encode()
        if number > 1:
            key = Ed25519PublicKey.from_public_bytes(unb64(live[entry["signer"]]))
            key.verify(unb64(entry["signature"]), text)
        head = b64(hashlib.sha256(text + b"\n" + entry["signature"].encode()).digest())
        if entry["change"] == "add":
            live[entry["device"]] = entry["auth_key"]
        else:
            del live[entry["device"]]
    assert answer["chain"] == {"length": len(answer["entries"]), "head": head}
    return live
