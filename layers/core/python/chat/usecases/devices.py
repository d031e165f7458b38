"""The devices of an account: take one in, remove one."""

from __future__ import annotations

from chat.domain import base64url, signed_bytes
from chat.domain.devices import DEVICE_LIMIT, DeviceList, LinkStatement
from chat.domain.ids import Address, DeviceId
from chat.domain.limits import LINK_POLL
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards
from chat.ports.connections import Connections, ConnectNumbers
from chat.ports.identity import CheckSignature, Links
from chat.ports.limits import Limits
from chat.ports.prekeys import Prekeys
from chat.ports.sockets import SocketGateway
from chat.usecases import keys, live, removal
from chat.usecases.authenticate import check_time
from chat.usecases.limits import demand


def link(
    by: Address,
    own: DeviceList,
    auth_key: bytes,
    name: str,
    version: int,
    time: int,
    signature: bytes,
    *,
    audience: str,
    cards: Cards,
    connect_numbers: ConnectNumbers,
    connections: Connections,
    links: Links,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    check_signature: CheckSignature,
    now: int,
) -> DeviceList:
    """Add the device with ``auth_key``, as the device ``by`` states, and return the list with it.

    Linking a key that is on the list already only repeats the steps behind the list: so a retry after a crash
    ends well. A key that another account took in is not for this one: its device follows the first.
    Raises ChatError CLOCK_SKEW, UNAUTHENTICATED, DEVICE_LIMIT, DEVICE_LIST_CHANGED or LINK_TAKEN.
    """
    check_time(time, now)
    signer = own.find(by.device)
    statement = signed_bytes.link(audience, by, auth_key, version, time)
    if signer is None or not check_signature(signer.auth_key, signature, statement):
        raise ChatError(Code.UNAUTHENTICATED)
    taken = links.find(auth_key)
    if taken is not None and taken.account != own.account:
        raise ChatError(Code.LINK_TAKEN)
    if own.find_key(auth_key) is None:
        if len(own.devices) >= DEVICE_LIMIT:
            raise ChatError(Code.DEVICE_LIMIT)
        if version != own.version + 1:
            raise ChatError(Code.DEVICE_LIST_CHANGED, details={"version": own.version})
        # Its connect number comes first: a device on the list can always connect.
        connect_numbers.start(Address(own.account, DeviceId(own.next_device)))
        own = own.with_device(auth_key, name, now, LinkStatement(by.device, time, signature))
        if not cards.replace(own):
            raise ChatError(Code.DEVICE_LIST_CHANGED)
    added = own.find_key(auth_key)
    if added is not None and links.add(auth_key, Address(own.account, added.device)).account != own.account:
        cards.replace(own.without(added.device))  # it came in between; if this fails, the owner sees it
        raise ChatError(Code.LINK_TAKEN)
    removal.tell(own, cards=cards, connections=connections, sockets=sockets, encode=encode)
    return own


def find_link(auth_key: bytes, *, links: Links, limits: Limits, now: int) -> Address:
    """Where a waiting device was taken in. Raises ChatError NOT_FOUND until it was, RATE_LIMITED."""
    demand(LINK_POLL, base64url.encode(auth_key), limits=limits, now=now)
    device = links.find(auth_key)
    if device is None:
        raise ChatError(Code.NOT_FOUND)
    return device


def remove(
    device: DeviceId,
    own: DeviceList,
    *,
    cards: Cards,
    connections: Connections,
    prekeys: Prekeys,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
) -> DeviceList:
    """Take a device off the list, close its sockets, delete its prekeys, and return the list without it.

    Removing it again closes and deletes what a crash left.
    Raises ChatError NOT_FOUND, LAST_DEVICE, DEVICE_LIST_CHANGED, or UNAVAILABLE where a socket would not
    close.
    """
    if device >= own.next_device:
        raise ChatError(Code.NOT_FOUND)
    if own.find(device) is not None:
        if len(own.devices) == 1:
            raise ChatError(Code.LAST_DEVICE)
        own = own.without(device)
        if not cards.replace(own):
            raise ChatError(Code.DEVICE_LIST_CHANGED)
    removal.end_sessions(
        own,
        "DEVICE_REMOVED",
        lambda number: number == device,
        cards=cards,
        connections=connections,
        sockets=sockets,
        encode=encode,
    )
    keys.forget(Address(own.account, device), prekeys=prekeys)
    return own
