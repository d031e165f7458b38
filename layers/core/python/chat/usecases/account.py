"""What an account may know of itself and of others, and what it decides about them."""

from __future__ import annotations

from chat.domain.device_chain import ChainEntry
from chat.domain.devices import DeviceList
from chat.domain.ids import NO_ACCOUNT, AccountId
from chat.domain.relations import Relation
from chat.errors import ChatError, Code
from chat.ports.accounts import Cards, Chains, Handles


def look_up_handle(handle: str, *, handles: Handles, cards: Cards) -> DeviceList:
    """The account of exactly this handle. Raises ChatError(NOT_FOUND).

    A handle that nobody ever held costs the same reads as one whose account is retired.
    """
    return look_up_account(handles.find(handle) or NO_ACCOUNT, cards=cards)


def look_up_account(account: AccountId, *, cards: Cards) -> DeviceList:
    """The devices of an account. Raises ChatError(NOT_FOUND) for an unknown or retired one.

    Who asks is no parameter: an account that blocked them answers as it does to everybody.
    """
    devices = cards.devices(account)
    if devices is None or not devices.devices:
        raise ChatError(Code.NOT_FOUND)
    return devices


def device_chain(account: AccountId, *, cards: Cards, chains: Chains) -> tuple[DeviceList, list[ChainEntry]]:
    """The devices of an account, none if it is retired, and all entries of its chain.

    A retired one answers, too: what it sent before may come late, and is verified all the same.
    Raises ChatError(NOT_FOUND) for one that never was.
    """
    devices = cards.devices(account)
    if devices is None or devices.chain.last is None:
        raise ChatError(Code.NOT_FOUND)
    # Read after the list: all entries before its newest one are there, and later ones may be.
    before = [entry for entry in chains.kept(account) if entry.number < devices.chain.length]
    return devices, [*before, devices.chain.last]


def blocked(account: AccountId, *, cards: Cards) -> list[AccountId]:
    """The accounts it blocks."""
    return cards.blocked(account)


def block(account: AccountId, peer: AccountId, *, cards: Cards) -> Relation:
    """From now on what ``peer`` sends is dropped, and nobody tells it. Safe to repeat."""
    look_up_peer(account, peer, cards=cards)
    return cards.block(account, peer)


def unblock(account: AccountId, peer: AccountId, *, cards: Cards, now: int) -> Relation:
    """Take messages again; what was sent meanwhile is gone. Safe to repeat.

    ``peer`` may be retired: a block of it can still be lifted. Raises ChatError(BAD_REQUEST) for oneself.
    """
    refuse_oneself(account, peer)
    return cards.unblock(account, peer, now)


def accept(account: AccountId, peer: AccountId, *, cards: Cards) -> Relation:
    """Give receipts to ``peer`` without having written to it. Safe to repeat."""
    look_up_peer(account, peer, cards=cards)
    return cards.accept(account, peer)


def look_up_peer(account: AccountId, peer: AccountId, *, cards: Cards) -> DeviceList:
    """Another account. Raises ChatError BAD_REQUEST for oneself, NOT_FOUND for nobody."""
    refuse_oneself(account, peer)
    return look_up_account(peer, cards=cards)


def refuse_oneself(account: AccountId, peer: AccountId) -> None:
    """Raise ChatError(BAD_REQUEST) where an account would decide about itself."""
    if peer == account:
        raise ChatError(Code.BAD_REQUEST, details={"path": "account"})
