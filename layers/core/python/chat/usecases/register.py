"""Make an account: claim a handle, give it its first device, and retire the account that had it before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chat.domain import signed_bytes
from chat.domain.device_chain import first_chain
from chat.domain.devices import FIRST_DEVICE, Device, DeviceList
from chat.domain.ids import AccountId, Address, new_uuid7
from chat.domain.limits import REGISTER
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards, Claim, Handles
from chat.ports.connections import Connections, ConnectNumbers
from chat.ports.identity import CheckSignature, Verification, Verifier
from chat.ports.limits import Limits
from chat.ports.sockets import SocketGateway
from chat.usecases import live, removal
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
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    verifier: Verifier,
    limits: Limits,
    check_signature: CheckSignature,
    now: int,
) -> tuple[Address, DeviceList]:
    """The registered device, and the list of its account.

    The owner of a handle who comes with another key gets a new account that inherits nothing; the one before
    is retired. Its list is emptied before the new one is made, so no handle ever has two live accounts.
    The handle row is claimed first, with the account id inside and what it replaces; whatever a crash left
    undone, a repeat with the same key finds the claim and completes it, and gets the same account.
    Raises ChatError CLOCK_SKEW, UNAUTHENTICATED, VERIFICATION_FAILED, RATE_LIMITED (counted for the verified
    owner: before there is nobody), HANDLE_TAKEN; DEVICE_REMOVED or ACCOUNT_REPLACED where the account of this
    key has lost it since; UNAVAILABLE where a socket of the retired account would not close.
    """
    check_time(request.time, now)
    signed = signed_bytes.register(audience, request.handle, request.auth_key, request.time)
    if not check_signature(request.auth_key, request.signature, signed):
        raise ChatError(Code.UNAUTHENTICATED)
    if request.handle in RESERVED_HANDLES:
        raise ChatError(Code.HANDLE_TAKEN)
    owner = verifier.owner(request.verification, handle=request.handle, auth_key=request.auth_key)
    demand(REGISTER, digest(owner), limits=limits, now=now)

    def retire(account: AccountId) -> None:
        removal.end_sessions(
            removal.empty_list(account, request.handle, cards=cards),
            "ACCOUNT_REPLACED",
            lambda _: True,
            cards=cards,
            connections=connections,
            sockets=sockets,
            encode=encode,
        )

    mine = Claim(AccountId(new_uuid7(now)), owner, request.auth_key)
    claim = handles.claim(request.handle, mine, now)
    if claim.owner == owner and claim.auth_key != request.auth_key:
        if claim.replaced_key == request.auth_key:
            raise ChatError(Code.ACCOUNT_REPLACED)
        if claim.replaces:
            retire(claim.replaces)  # the row remembers one account: nobody may be forgotten
        mine = replace(mine, replaces=claim.account, replaced_key=claim.auth_key)
        claim = handles.take_over(request.handle, mine, now)
    if (claim.owner, claim.auth_key) != (owner, request.auth_key):
        raise ChatError(Code.HANDLE_TAKEN)

    if claim.replaces:
        removal.empty_list(claim.replaces, request.handle, cards=cards)
    first = Device(FIRST_DEVICE, request.auth_key, now, request.name)
    chain = first_chain(claim.account, FIRST_DEVICE, request.auth_key, now)
    devices = DeviceList(claim.account, request.handle, 1, FIRST_DEVICE + 1, (first,), chain)
    connect_numbers.start(Address(claim.account, FIRST_DEVICE))
    if not cards.create(devices):
        devices = cards.devices(claim.account) or devices
    if claim.replaces:
        retire(claim.replaces)
        handles.settle(request.handle, claim)
    device = devices.find_key(request.auth_key)
    if device is None:
        raise ChatError(Code(devices.refusal))
    return Address(claim.account, device.device), devices
