"""Bodies of HTTPS requests and answers: text to commands, results to JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chat.domain import base64url
from chat.domain.device_chain import ChainEntry, text_or_dash
from chat.domain.devices import LAST_DEVICE, Device, DeviceList
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.relations import Relation
from chat.errors import ChatError, Code, seconds
from chat.ports.identity import Verification
from chat.usecases.codes import CodeRequest, CodeSent
from chat.usecases.devices import SignedChange
from chat.usecases.discovery import Discovery
from chat.usecases.register import Registration
from chat.wire import validation
from chat.wire.request_body import checked, raw_bytes


def parse_registration(body: bytes) -> Registration:
    """The body of ``POST /v1/register``. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    raw = checked(body, "register_request")
    shown = raw["verification"]
    return Registration(
        handle=raw["handle"],
        auth_key=raw_bytes(raw["auth_key"]),
        name=raw["name"],
        time=int(raw["time"]),
        signature=raw_bytes(raw["signature"]),
        verification=Verification(shown["method"], shown.get("token", ""), shown.get("code", "")),
    )


def parse_code_request(body: bytes) -> CodeRequest:
    """The body of ``POST /v1/codes``. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    raw = checked(body, "code_request")
    return CodeRequest(raw["number"], raw_bytes(raw["auth_key"]))


def parse_link(body: bytes) -> SignedChange:
    """The body of ``POST /v1/devices``. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    raw = checked(body, "link_request")
    return SignedChange(
        number=int(raw["number"]),
        device=DeviceId(int(raw["device"])),
        time=int(raw["time"]),
        signature=raw_bytes(raw["signature"]),
        auth_key=raw_bytes(raw["auth_key"]),
        name=raw["name"],
    )


def parse_removal(device: str, body: bytes) -> SignedChange:
    """Path and body of ``DELETE /v1/devices/{device}``. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    number = parse_device(device)
    raw = checked(body, "removal_request")
    return SignedChange(int(raw["number"]), number, int(raw["time"]), raw_bytes(raw["signature"]))


def parse_account(text: str) -> AccountId:
    """An account id out of a path. Raises ChatError(BAD_REQUEST)."""
    return AccountId(_typed("account", text))


def parse_handle(text: str) -> str:
    """A handle out of a path. Raises ChatError(BAD_REQUEST)."""
    return _typed("handle", text)


def parse_key(text: str) -> bytes:
    """A public key out of a path. Raises ChatError(BAD_REQUEST)."""
    return raw_bytes(_typed("key", text))


def parse_device(text: str) -> DeviceId:
    """A device id out of a path. Raises ChatError(BAD_REQUEST)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= LAST_DEVICE):
        raise ChatError(Code.BAD_REQUEST, details={"path": "device"})
    return DeviceId(int(text))


def register_answer(device: Address, devices: DeviceList) -> dict[str, Any]:
    """Answer of ``POST /v1/register``."""
    return {
        "account": device.account,
        "device": device.device,
        "handle": devices.handle,
        "version": devices.version,
    }


def code_answer(sent: CodeSent) -> dict[str, Any]:
    """Answer of ``POST /v1/codes``."""
    return {"expires_at": sent.expires_at, "again_at": sent.again_at}


def devices_answer(
    devices: DeviceList, connect_wait: int = 0, seen: Mapping[Address, int] | None = None
) -> dict[str, Any]:
    """Answer of ``/v1/devices``: the own list, names included; ``connect_wait`` and ``seen`` in ms."""
    last = {address.device: at for address, at in (seen or {}).items()}
    answer: dict[str, Any] = {
        "account": devices.account,
        "version": devices.version,
        "devices": [_own(device, last.get(device.device, 0)) for device in devices.devices],
        "chain": _chain(devices),
        "next_device": devices.next_device,
        "lapsed": list(devices.lapsed),
    }
    return {**answer, "connect_after": seconds(connect_wait)} if connect_wait else answer


def own_account_answer(devices: DeviceList, blocked: Sequence[AccountId]) -> dict[str, Any]:
    """Answer of ``GET /v1/account``."""
    return {**devices_answer(devices), "handle": devices.handle, "blocked": list(blocked)}


def account_answer(devices: DeviceList) -> dict[str, Any]:
    """What everybody may know of an account: no names of devices."""
    return {
        "account": devices.account,
        "handle": devices.handle,
        "version": devices.version,
        "devices": [_public(device) for device in devices.devices],
        "chain": _chain(devices),
    }


def chain_answer(devices: DeviceList, entries: Sequence[ChainEntry]) -> dict[str, Any]:
    """Answer of ``GET /v1/accounts/{account}/chain``."""
    return {**account_answer(devices), "entries": [_entry(entry) for entry in entries]}


def link_answer(device: Address) -> dict[str, Any]:
    """Answer of ``GET /v1/links/{key}``."""
    return {"account": device.account, "device": device.device}


def relation_answer(peer: AccountId, relation: Relation) -> dict[str, Any]:
    """Answer of the block and accept routes."""
    return {"account": peer, "accepted": relation.accepted, "blocked": relation.blocked}


def discovery_answer(found: Discovery) -> dict[str, Any]:
    """Answer of ``GET /.well-known/heliograph``."""
    return {
        "socket_url": found.socket_url,
        "versions": {"supported": list(found.versions)},
        "time": found.time,
        "verification": list(found.verification),
        "limits": found.limits,
    }


def _public(device: Device) -> dict[str, Any]:
    return {
        "device": device.device,
        "auth_key": base64url.encode(device.auth_key),
        "added_at": device.added_at,
    }


def _own(device: Device, seen_at: int) -> dict[str, Any]:
    own = {**_public(device), "name": device.name}
    if seen_at:
        own["seen_at"] = seen_at
    if device.linked_by:
        own["linked_by"] = device.linked_by
    return own


def _chain(devices: DeviceList) -> dict[str, Any]:
    return {"length": devices.chain.length, "head": text_or_dash(devices.chain.head)}


def _entry(entry: ChainEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "change": entry.change,
        "device": entry.device,
        "auth_key": text_or_dash(entry.auth_key),
        "signer": entry.signer,
        "time": entry.time,
        "signature": text_or_dash(entry.signature),
    }


def _typed(name: str, text: str) -> str:
    validation.check_type(name, text, Code.BAD_REQUEST)
    return text
