"""Prekeys: leave them, see what is left, claim those of others, take them away with their device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from chat.domain import signed_bytes
from chat.domain.devices import Device, DeviceList
from chat.domain.events import KeysLow
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.limits import CLAIM_TARGET
from chat.domain.prekeys import (
    CURRENT,
    POOLS,
    WINDOW,
    Bundle,
    Held,
    Ids,
    Kind,
    Left,
    Prekey,
    digest,
    is_small_order,
)
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards
from chat.ports.connections import Connections
from chat.ports.identity import CheckSignature
from chat.ports.limits import Limits
from chat.ports.prekeys import Prekeys
from chat.ports.sockets import SocketGateway
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases import live
from chat.usecases.account import look_up_account

TRIES = 5
"""One-time keys that one claim may lose to others; then it goes without, as from an empty pool."""

_READS = 3
"""Times that the keys which stay are looked for: a new one may replace the one that was just found."""

Choose = Callable[[int], int]
"""A place below the number, each as likely as the others."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The account as it was looked up, and a bundle for each device that has keys."""

    account: DeviceList
    bundles: tuple[Bundle, ...]


def upload(
    by: Address,
    own: DeviceList,
    brought: Mapping[Kind, Sequence[Prekey]],
    *,
    cards: Cards,
    prekeys: Prekeys,
    check_signature: CheckSignature,
) -> Held:
    """Take the keys in that the device ``by`` brings, and say what is held of it then.

    All are checked before one is stored. Repeating it stores what a crash left out; a key of an id that is
    there already stays. Of the keys that stay a higher id takes over and the older ones go; a lower one is
    left out. A device that is removed meanwhile leaves nothing: whoever removes it writes the list and then
    deletes its keys; here the keys are written and then the list is read.
    Raises ChatError BAD_KEY or KEY_LIMIT before anything is stored; KEY_CONFLICT where some may be;
    DEVICE_REMOVED or ACCOUNT_REPLACED.
    """
    device = own.find(by.device)
    for kind, keys in brought.items():
        for place, key in enumerate(keys):
            if device is None or not _is_good(kind, key, by, device, check_signature):
                raise ChatError(Code.BAD_KEY, details={"path": _path(kind, place)})
    before = prekeys.ids([by])[by]
    for kind, room in POOLS.items():
        if len({*before.of(kind), *(key.id for key in brought.get(kind, ()))}) > room:
            raise ChatError(Code.KEY_LIMIT, details={"path": kind.value})
    for kind in Kind:
        for place, key in enumerate(brought.get(kind, ())):
            if kind in CURRENT and key.id < (before.current(kind) or 0):
                continue
            if not prekeys.add(by, kind, key):
                raise ChatError(Code.KEY_CONFLICT, details={"path": _path(kind, place)})
            if kind in CURRENT:
                _remove(by, kind, (number for number in before.of(kind) if number < key.id), prekeys)
    listed = cards.devices(by.account)
    if listed is None or listed.find(by.device) is None:
        forget(by, prekeys=prekeys)
        raise ChatError(Code(listed.refusal) if listed else Code.DEVICE_REMOVED)
    return held(by, prekeys=prekeys)


def held(device: Address, *, prekeys: Prekeys) -> Held:
    """What the server holds of a device."""
    ids = prekeys.ids([device])[device]
    signed, last_resort = _current(device, ids, prekeys)
    return Held(
        signed=signed.id if signed else None,
        last_resort=last_resort.id if last_resort else None,
        left=ids.left,
        digest=digest(device, signed, last_resort) if signed and last_resort else None,
    )


def left(device: Address, *, prekeys: Prekeys) -> Left:
    """How many one-time keys of a device are left."""
    return prekeys.ids([device])[device].left


def claim(
    account: AccountId,
    devices: Iterable[DeviceId],
    *,
    cards: Cards,
    prekeys: Prekeys,
    limits: Limits,
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    choose: Choose,
    now: int,
) -> Claimed:
    """Keys to begin sessions with: of each device that is on the list and has any. Who asks is no parameter.

    A one-time key goes to one caller or to none: a crash behind its removal, or an unknown outcome, costs it.
    An empty pool stops nobody, and neither does an account that is claimed from too often: the bundles
    come without one-time keys. A device that runs low is told, if it is connected.
    Raises ChatError(NOT_FOUND) for an unknown or retired account.
    """
    found = look_up_account(account, cards=cards)
    listed = [device for number in dict.fromkeys(devices) if (device := found.find(number))]
    is_generous = not limits.take(CLAIM_TARGET, account, now)
    there = prekeys.ids([Address(account, device.device) for device in listed])
    bundles: list[Bundle] = []
    low: list[live.Posting] = []
    for device in listed:
        address = Address(account, device.device)
        bundle = _bundle(address, device, there[address], is_generous, prekeys, choose)
        if bundle is None:
            continue
        bundles.append(bundle)
        remaining = _without(there[address].left, bundle)
        if is_generous and remaining.is_low:
            event = KeysLow(remaining.one_time, remaining.one_time_kem)
            low.append(live.Posting(account, event, device.device))
    if low:
        with suppress(StorageUnavailable):  # the keys are taken: they must not be lost for the sake of a hint
            live.post(low, connections=connections, sockets=sockets, encode=encode)
    return Claimed(found, tuple(bundles))


def forget(device: Address, *, prekeys: Prekeys) -> None:
    """Delete all keys of a device that is off its list. A repeat deletes what a crash left."""
    ids = prekeys.ids([device])[device]
    for kind in Kind:
        _remove(device, kind, ids.of(kind), prekeys)


def _is_good(kind: Kind, key: Prekey, by: Address, device: Device, check_signature: CheckSignature) -> bool:
    if kind in (Kind.SIGNED, Kind.ONE_TIME) and is_small_order(key.key):
        return False
    statement = signed_bytes.prekey(kind.value, by, key.id, key.key)
    return kind is Kind.ONE_TIME or check_signature(device.auth_key, key.signature, statement)


def _path(kind: Kind, place: int) -> str:
    """Where a key stands in the body."""
    return kind.value if kind in CURRENT else f"{kind.value}[{place}]"


def _bundle(
    address: Address, device: Device, ids: Ids, is_generous: bool, prekeys: Prekeys, choose: Choose
) -> Bundle | None:
    """None where one of the keys that stay is missing. Those are found before a one-time key is spent."""
    for _ in range(_READS):
        signed, last_resort = _current(address, ids, prekeys)
        if signed and last_resort:
            break
        if ids.current(Kind.SIGNED) is None or ids.current(Kind.LAST_RESORT) is None:
            return None
        ids = prekeys.ids([address])[address]
    else:
        return None
    one_time = _take(address, Kind.ONE_TIME, ids, prekeys, choose) if is_generous else None
    kem = _take(address, Kind.ONE_TIME_KEM, ids, prekeys, choose) if is_generous else None
    return Bundle(
        device.device,
        device.auth_key,
        signed,
        one_time,
        Kind.ONE_TIME_KEM if kem else Kind.LAST_RESORT,
        kem or last_resort,
    )


def _take(address: Address, kind: Kind, ids: Ids, prekeys: Prekeys, choose: Choose) -> Prekey | None:
    """A one-time key that nobody else gets, or None. Read first: what is deleted cannot be read any more."""
    window = list(ids.of(kind)[:WINDOW])
    for _ in range(TRIES):
        if not window:
            return None
        number = window.pop(choose(len(window)))
        key = prekeys.read(address, [(kind, number)]).get((kind, number))
        with suppress(OutcomeUnknown):  # it counts as gone: somebody else may have it
            if key and prekeys.remove(address, kind, number):
                return key
    return None


def _without(before: Left, bundle: Bundle) -> Left:
    return Left(
        before.one_time - (bundle.one_time is not None),
        before.one_time_kem - (bundle.kem_kind is Kind.ONE_TIME_KEM),
    )


def _current(device: Address, ids: Ids, prekeys: Prekeys) -> tuple[Prekey | None, Prekey | None]:
    """The signed and the last-resort key; None for one that is not there, or not any more."""
    names = [(kind, number) for kind in CURRENT if (number := ids.current(kind)) is not None]
    found = {kind: key for (kind, _), key in prekeys.read(device, names).items()}
    return found.get(Kind.SIGNED), found.get(Kind.LAST_RESORT)


def _remove(device: Address, kind: Kind, numbers: Iterable[int], prekeys: Prekeys) -> None:
    for number in numbers:
        prekeys.remove(device, kind, number)
