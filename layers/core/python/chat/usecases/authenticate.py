"""Who sends an HTTPS request: the signature of a device, checked inside the handler.

An authorizer in front would never see the body, and may cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from chat.domain import signed_bytes
from chat.domain.devices import DeviceList
from chat.domain.ids import MINUTE, Address
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards
from chat.ports.identity import CheckSignature, UsedProofs

CLOCK_SKEW = MINUTE
"""How far a signed time, or a connect number, may lie from the server's clock (ms)."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a device signed, and its signature. ``path`` is relative to the base and holds the query."""

    device: Address
    method: str
    path: str
    body: bytes
    time: int
    nonce: str
    signature: bytes


def check_time(time: int, now: int) -> None:
    """Raise ChatError(CLOCK_SKEW) for a signed time more than a minute off."""
    if abs(time - now) > CLOCK_SKEW:
        raise ChatError(Code.CLOCK_SKEW, details={"time": now})


def authenticate(
    request: SignedRequest,
    *,
    audience: str,
    cards: Cards,
    used_proofs: UsedProofs,
    check_signature: CheckSignature,
    now: int,
) -> DeviceList:
    """The list of the account whose device signed the request.

    The nonce of a changing request is used up last. Raises ChatError CLOCK_SKEW, DEVICE_REMOVED,
    ACCOUNT_REPLACED, UNAUTHENTICATED or REPLAYED. After a crash behind it the client signs anew: nonces are
    never repeated.
    """
    check_time(request.time, now)
    devices = cards.devices(request.device.account)
    if devices is None:
        raise ChatError(Code.UNAUTHENTICATED)
    device = devices.find(request.device.device)
    if device is None:
        removed = request.device.device < devices.next_device
        raise ChatError(Code(devices.refusal) if removed else Code.UNAUTHENTICATED)
    signed = signed_bytes.http(
        audience, request.device, request.method, request.path, request.body, request.time, request.nonce
    )
    if not check_signature(device.auth_key, request.signature, signed):
        raise ChatError(Code.UNAUTHENTICATED)
    if request.method != "GET" and not used_proofs.use(request.device, request.nonce, now):
        raise ChatError(Code.REPLAYED)
    return devices
