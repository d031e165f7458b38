"""The devices of an account: take one in, remove one. Each change is an entry that an own device signed."""

from __future__ import annotations

from dataclasses import dataclass

from chat.domain import base64url
from chat.domain.device_chain import CHAIN_LIMIT, ChainEntry, Change
from chat.domain.devices import DEVICE_LIMIT, DeviceList
from chat.domain.ids import Address, DeviceId
from chat.domain.limits import LINK_POLL
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards, Chains
from chat.ports.connections import Connections, ConnectNumbers
from chat.ports.identity import CheckSignature, Links
from chat.ports.limits import Limits
from chat.ports.prekeys import Prekeys
from chat.ports.sockets import SocketGateway
from chat.usecases import keys, live, removal
from chat.usecases.authenticate import check_time
from chat.usecases.limits import demand


@dataclass(frozen=True, slots=True)
class SignedChange:
    """The entry that the asking device signed: ``auth_key`` and ``name`` are empty for a removal."""

    number: int
    device: DeviceId
    time: int
    signature: bytes
    auth_key: bytes = b""
    name: str = ""


def link(
    asked: SignedChange,
    by: Address,
    own: DeviceList,
    *,
    cards: Cards,
    chains: Chains,
    connect_numbers: ConnectNumbers,
    connections: Connections,
    links: Links,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    check_signature: CheckSignature,
    now: int,
) -> DeviceList:
    """Add the device that ``asked`` names, as the device ``by`` signed, and return the list with it.

    Linking a key that is on the list already only repeats the steps behind the list: so a retry after a crash
    ends well. A key that another account took in is not for this one: its device follows the first.
    Raises ChatError CLOCK_SKEW, UNAUTHENTICATED, DEVICE_LIMIT, DEVICE_LIST_CHANGED or LINK_TAKEN.
    """
    check_time(asked.time, now)
    key = asked.auth_key
    taken = links.find(key)
    if taken is not None and taken.account != own.account:
        raise ChatError(Code.LINK_TAKEN)
    if own.find_key(key) is None:
        entry = _entry("add", asked, by, own, check_signature)
        if len(own.devices) >= DEVICE_LIMIT or own.chain.length >= CHAIN_LIMIT:
            raise ChatError(Code.DEVICE_LIMIT)
        # Its connect number comes first: a device on the list can always connect.
        connect_numbers.start(Address(own.account, entry.device))
        own = _commit(own, own.with_device(entry, asked.name, now), cards, chains)
    added = own.find_key(key)
    if added is not None and links.add(key, Address(own.account, added.device)).account != own.account:
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
    asked: SignedChange,
    by: Address,
    own: DeviceList,
    *,
    cards: Cards,
    chains: Chains,
    connections: Connections,
    prekeys: Prekeys,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    check_signature: CheckSignature,
    now: int,
) -> DeviceList:
    """Take a device off the list, close its sockets, delete its prekeys, and return the list without it.

    One that has lapsed leaves the chain. Removing a device again closes and deletes what a crash left.
    Raises ChatError CLOCK_SKEW, UNAUTHENTICATED, NOT_FOUND, LAST_DEVICE, DEVICE_LIST_CHANGED, or UNAVAILABLE
    where a socket would not close.
    """
    check_time(asked.time, now)
    device = asked.device
    if device >= own.next_device:
        raise ChatError(Code.NOT_FOUND)
    if own.find(device) is not None or device in own.lapsed:
        entry = _entry("remove", asked, by, own, check_signature)
        if [each.device for each in own.devices] == [device]:
            raise ChatError(Code.LAST_DEVICE)
        own = _commit(own, own.signed_out(entry), cards, chains)
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


def _entry(
    change: Change, asked: SignedChange, by: Address, own: DeviceList, check_signature: CheckSignature
) -> ChainEntry:
    """The next entry of the chain. Raises ChatError DEVICE_LIST_CHANGED or UNAUTHENTICATED."""
    wanted = (own.chain.length + 1, own.next_device if change == "add" else asked.device)
    if (asked.number, asked.device) != wanted:
        details = {"version": own.version, "number": own.chain.length}
        raise ChatError(Code.DEVICE_LIST_CHANGED, details=details)
    entry = ChainEntry(
        asked.number, change, asked.device, asked.auth_key, by.device, asked.time, asked.signature
    )
    signer = own.find(by.device)
    statement = own.chain.statement(own.account, entry)
    if signer is None or not check_signature(signer.auth_key, entry.signature, statement):
        raise ChatError(Code.UNAUTHENTICATED)
    return entry


def _commit(own: DeviceList, after: DeviceList, cards: Cards, chains: Chains) -> DeviceList:
    """Store the next list: that is the change. Raises ChatError(DEVICE_LIST_CHANGED) if another came first.

    The newest entry stands in the list alone, so it is kept apart before another takes its place.
    """
    if own.chain.last is not None:
        chains.keep(own.account, own.chain.last)
    if not cards.replace(after):
        raise ChatError(Code.DEVICE_LIST_CHANGED)
    return after
