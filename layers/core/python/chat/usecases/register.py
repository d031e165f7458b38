"""Make an account: claim a handle, give it its first device."""

from __future__ import annotations

from dataclasses import dataclass

from chat.domain import signed_bytes
from chat.domain.devices import Device, DeviceList
from chat.domain.ids import AccountId, Address, DeviceId, new_uuid7
from chat.domain.limits import REGISTER
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards, Claim, Handles
from chat.ports.connections import ConnectNumbers
from chat.ports.identity import CheckSignature, Verification, Verifier
from chat.ports.limits import Limits
from chat.usecases.authenticate import check_time
from chat.usecases.limits import demand, digest

RESERVED_HANDLES = frozenset(
    (
        "admin",
        "administrator",
        "all",
        "everyone",
        "heliograph",
        "here",
        "me",
        "root",
        "security",
        "support",
        "system",
    )
)
"""Handles that would let somebody pose as the service or as a group of people."""

FIRST_DEVICE = DeviceId(1)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a client asks for; ``signature`` by ``auth_key`` proves that it holds the key."""

    handle: str
    auth_key: bytes
    name: str
    time: int
    signature: bytes
    verification: Verification


def register(
    request: Registration,
    *,
    audience: str,
    handles: Handles,
    cards: Cards,
    connect_numbers: ConnectNumbers,
    verifier: Verifier,
    limits: Limits,
    check_signature: CheckSignature,
    now: int,
) -> tuple[Address, DeviceList]:
    """The registered device, and the list of its account.

    The handle row is claimed first, with the account id inside; whatever a crash left undone, a repeat with
    the same key finds the claim and completes it, and gets the same account.
    Raises ChatError CLOCK_SKEW, UNAUTHENTICATED, VERIFICATION_FAILED, RATE_LIMITED (counted for the verified
    owner: before there is nobody), HANDLE_TAKEN, or DEVICE_REMOVED where the key has been taken off that
    account's list since.
    """
    check_time(request.time, now)
    signed = signed_bytes.register(audience, request.handle, request.auth_key, request.time)
    if not check_signature(request.auth_key, request.signature, signed):
        raise ChatError(Code.UNAUTHENTICATED)
    if request.handle in RESERVED_HANDLES:
        raise ChatError(Code.HANDLE_TAKEN)
    owner = verifier.owner(request.verification, handle=request.handle, auth_key=request.auth_key)
    demand(REGISTER, digest(owner), limits=limits, now=now)
    mine = Claim(AccountId(new_uuid7(now)), owner, request.auth_key)
    claim = handles.claim(request.handle, mine, now)
    if (claim.owner, claim.auth_key) != (owner, request.auth_key):
        raise ChatError(Code.HANDLE_TAKEN)
    first = Device(FIRST_DEVICE, request.auth_key, now, request.name)
    devices = DeviceList(claim.account, request.handle, 1, FIRST_DEVICE + 1, (first,))
    connect_numbers.start(Address(claim.account, FIRST_DEVICE))
    if not cards.create(devices):
        devices = cards.devices(claim.account) or devices
    device = devices.find_key(request.auth_key)
    if device is None:
        raise ChatError(Code.DEVICE_REMOVED)
    return Address(claim.account, device.device), devices
