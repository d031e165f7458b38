"""Accounts: who holds a handle, which devices there are, how accounts stand to each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from chat.domain.device_chain import ChainEntry
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, DeviceId
from chat.domain.relations import STRANGER, Relation
from chat.errors import ChatError, Code


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds a handle: the account, who may claim it again, and the key that claimed it.

    ``replaces``: the account that held it before, until that one is retired completely. ``replaced_key``
    claimed that one, and stays noted: a late repeat of its registration takes nothing back.
    """

    account: AccountId
    owner: str
    auth_key: bytes
    replaces: AccountId | None = None
    replaced_key: bytes = b""


@dataclass(frozen=True, slots=True)
class Card:
    """What one request needs to know of an account. ``devices`` is None for an unknown account."""

    devices: DeviceList | None
    relations: Mapping[AccountId, Relation]

    def relation(self, peer: AccountId) -> Relation:
        """How the account stands to ``peer``: to one it never met as to a stranger."""
        return self.relations.get(peer, STRANGER)

    def check(self, device: DeviceId) -> None:
        """Raise ChatError DEVICE_REMOVED or ACCOUNT_REPLACED for a device that is not on the list."""
        if self.devices is None or self.devices.find(device) is None:
            raise ChatError(Code(self.devices.refusal) if self.devices else Code.DEVICE_REMOVED)


def around(account: AccountId, peers: Collection[AccountId]) -> dict[AccountId, list[AccountId]]:
    """What to read where ``account`` deals with ``peers``: all cards, and how each stands to the other."""
    others = sorted(set(peers) - {account})
    return {account: others, **{peer: [account] for peer in others}}


class Handles(Protocol):
    """Handles are matched exactly; of claims at once one wins."""

    def claim(self, handle: str, claim: Claim, now: int) -> Claim:
        """Take the handle if it is free. Returns the claim that holds it, ``claim`` or an older one."""
        ...

    def take_over(self, handle: str, claim: Claim, now: int) -> Claim:
        """Take the handle from the account ``claim.replaces``, if that one still holds it.

        Returns the claim that holds it: ``claim``, or the one that came first.
        """
        ...

    def settle(self, handle: str, claim: Claim) -> None:
        """Forget what ``claim`` replaces, as it is retired. Safe to repeat; a later claim stays as it is."""
        ...

    def find(self, handle: str) -> AccountId | None:
        """The account that holds the handle."""
        ...


class Cards(Protocol):
    """Account cards. Reads are LOCAL_QUORUM unless said otherwise, never cached; writes are conditional."""

    def read(
        self, wanted: Mapping[AccountId, Collection[AccountId]], *, stale: bool = False
    ) -> Mapping[AccountId, Card]:
        """The card of each account, with its relations to the peers named: one read each, all at once.

        ``stale``: at half the price (LOCAL_ONE), and it may be what stood there a moment ago.
        """
        ...

    def devices(self, account: AccountId) -> DeviceList | None:
        """The device list alone."""
        ...

    def blocked(self, account: AccountId) -> list[AccountId]:
        """Every account that this one blocks."""
        ...

    def friends(self, account: AccountId, limit: int) -> list[AccountId]:
        """Those among the first ``limit`` related accounts that it accepted and does not block."""
        ...

    def create(self, devices: DeviceList) -> bool:
        """Store the first list of an account. False if there is one: a repeated registration."""
        ...

    def replace(self, devices: DeviceList) -> bool:
        """Store version n+1 over version n. False if somebody else changed the list first."""
        ...

    def accept(self, account: AccountId, peer: AccountId) -> Relation:
        """Mark ``peer`` as accepted; safe to repeat. Raises ChatError(RELATION_LIMIT)."""
        ...

    def block(self, account: AccountId, peer: AccountId) -> Relation:
        """Block ``peer``; safe to repeat. Raises ChatError(RELATION_LIMIT)."""
        ...

    def unblock(self, account: AccountId, peer: AccountId, now: int) -> Relation:
        """Unblock ``peer`` and note when; safe to repeat."""
        ...


class Chains(Protocol):
    """Entries of device chains that others followed. The newest of each stands in its device list alone.

    An entry is kept here before the list with the next one is stored. So whatever crashes, this and the list
    make the whole chain.
    """

    def keep(self, account: AccountId, entry: ChainEntry) -> None:
        """Keep an entry of the list as it stands, for good. Safe to repeat.

        Raises StorageUnavailable or OutcomeUnknown: then nothing may follow it yet.
        """
        ...

    def kept(self, account: AccountId) -> list[ChainEntry]:
        """The entries in order; the newest may be missing."""
        ...
