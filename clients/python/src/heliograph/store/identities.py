"""Taking in what the server shows of an account: kept where it goes on from the pinned identity.

Everything here is one transaction of its caller, with the event that tells of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from heliograph.device_chain import Chain, ChainTip, Listing
from heliograph.errors import IdentityUntrusted
from heliograph.ids import AccountId
from heliograph.signing import Identity
from heliograph.store import event_log, peers, pins
from heliograph.store.peers import Peer
from heliograph.store.pins import Pin, Reason, Shown

SIGNED: frozenset[Reason] = frozenset({"handle", "device", "restored"})
"""Reasons with which the list itself goes on from the pinned one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an account.

    Attributes:
        peer: The account as it is stored now.
        logged: The event log grew.
    """

    peer: Peer
    logged: bool


def take_in(
    connection: sqlite3.Connection,
    me: Identity,
    listing: Listing,
    chain: Chain | None,
    *,
    block_new_devices: bool,
) -> Taken | None:
    """Take in a list, with the chain that came with it, or without where the pinned one is said to be it.

    The first contact pins. A chain that goes on from the pinned one moves the pin. Anything else changes no
    device that is written to: it is remembered as what the server shows, and nothing is sent until `trust`.
    A list older than the stored one changes nothing: an answer was overtaken by another one.

    Returns:
        None: The chain is another one than the pinned: it must be read.
    """
    stored = peers.by_account(connection, listing.account)
    pin = pins.get(connection, listing.account)
    if pin is not None and stored is not None and listing.version < stored.version:
        return Taken(stored, logged=False)
    signed: Mapping[int, str] = {}
    if chain is not None and pin is not None and not chain.extends(pin.tip):
        verified = pins.is_verified(connection, listing.account)
        now = replace(pin, shown=_shown("chain", listing, chain))
    else:
        if chain is not None:
            tip = chain.tip
        elif pin is not None and (pin.tip.length, pin.tip.head) == (listing.length, listing.head):
            tip = pin.tip
        else:
            return None
        trusted = {} if pin is None else pin.unsigned
        signed = {d: key for d, key in listing.devices.items() if key in (tip.live.get(d), trusted.get(d))}
        added = set() if stored is None or not block_new_devices else set(signed) - set(stored.devices)
        reason, verified = _judge(connection, me, listing, tip, stored, added)
        if reason != "chain" and len(signed) < len(listing.devices):
            reason = "unsigned"
        if reason is None and pin is not None and pin.shown is not None:
            reason = pin.shown.reason if pin.shown.reason in SIGNED else "restored"
        now = Pin(listing.account, tip, trusted, None if reason is None else _shown(reason, listing, None))
    pins.put(connection, now)
    kept, changed = _store(connection, stored, listing, signed)
    alarm = now.shown is not None and now.shown.reason != "restored" and not _told(pin, now.shown)
    if alarm:
        event_log.append(connection, "identity", None, account=listing.account, verified=verified)
    return Taken(kept, logged=alarm or changed)


def _judge(
    connection: sqlite3.Connection,
    me: Identity,
    listing: Listing,
    tip: ChainTip,
    stored: Peer | None,
    added: AbstractSet[int],
) -> tuple[Reason | None, bool]:
    """Say what is wrong with a chain that goes on from the pinned one, and whether somebody was verified."""
    account = listing.account
    verified = pins.is_verified(connection, account)
    if account == me.account and tip.live.get(me.device) != me.key.public:
        return "chain", verified
    if not verified and pins.is_marked_otherwise(connection, account, tip):
        return "chain", True
    new_handle = stored is None or stored.handle != listing.handle
    if new_handle and pins.verified_holder_before(connection, listing.handle, account):
        return "handle", True
    return ("device" if verified and added else None), verified


def take_in_broken(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Remember that the server shows no valid chain of an account; False: it is not pinned here."""
    pin = pins.get(connection, account)
    if pin is None:
        return False
    if pin.shown is None or pin.shown.reason != "broken":
        verified = pins.is_verified(connection, account)
        pins.put(connection, replace(pin, shown=Shown("broken")))
        event_log.append(connection, "identity", None, account=account, verified=verified)
    return True


def trust(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Accept the identity of an account as the server showed it last; False: there was nothing to accept.

    The mark of a comparison ends, unless all that is accepted goes on from what was compared.

    Raises:
        IdentityUntrusted: The server shows no valid chain: there is nothing that could be accepted.
    """
    pin = pins.get(connection, account)
    if pin is None or pin.shown is None:
        return False
    shown = pin.shown
    if shown.devices is None:
        raise IdentityUntrusted(
            "the server shows no valid device chain: there is nothing to accept", details={"account": account}
        )
    tip = shown.chain or pin.tip
    earlier = {} if shown.chain is not None else dict(pin.unsigned)
    unsigned = earlier | {d: key for d, key in shown.devices.items() if tip.live.get(d) != key}
    pins.put(connection, Pin(account, tip, unsigned, None))
    if shown.reason not in SIGNED:
        pins.unmark(connection, account)
    if shown.devices:
        peers.save(connection, Peer(account, shown.handle, shown.version, dict(shown.devices)))
    return True


def verify(connection: sqlite3.Connection, mine: Pin, theirs: Pin) -> None:
    """Mark an account as verified whose safety number was computed from these pins and compared.

    Raises:
        IdentityUntrusted: The number does not cover what the server shows, or that changed meanwhile.
    """
    own, pin = pins.get(connection, mine.account), pins.get(connection, theirs.account)
    for known, compared in ((own, mine), (pin, theirs)):
        if known is None or known.first != compared.first:
            raise IdentityUntrusted(
                "the identity changed while it was compared", details={"account": compared.account}
            )
    if own is not None and own.shown is not None:
        raise IdentityUntrusted("the own identity changed", details={"account": mine.account})
    if pin is not None and pin.shown is not None and pin.shown.reason in ("unsigned", "broken"):
        raise IdentityUntrusted(
            "the server shows devices that the safety number does not cover", details={"account": pin.account}
        )
    trust(connection, theirs.account)
    pins.mark_verified(connection, theirs.account)


def _shown(reason: Reason, listing: Listing, chain: Chain | None) -> Shown:
    return Shown(
        reason, listing.handle, listing.version, dict(listing.devices), None if chain is None else chain.tip
    )


def _told(pin: Pin | None, shown: Shown) -> bool:
    """Tell whether there is an event of it already."""
    return (
        pin is not None
        and pin.shown is not None
        and (
            (pin.shown.reason, pin.shown.devices, pin.shown.chain)
            == (shown.reason, shown.devices, shown.chain)
        )
    )


def _store(
    connection: sqlite3.Connection, stored: Peer | None, listing: Listing, signed: Mapping[int, str]
) -> tuple[Peer, bool]:
    """Store the devices that are signed; tell whether those of a known account changed."""
    peer = Peer(listing.account, listing.handle, listing.version, dict(signed))
    if stored is not None and not signed:  # retired, which is for whoever asked; or nothing that holds
        return stored, False
    peers.save(connection, peer)
    if stored is None or stored.version == peer.version:
        return peer, False
    event_log.append(
        connection,
        "devices",
        None,
        account=peer.account,
        version=peer.version,
        added=sorted(set(signed) - set(stored.devices)),
        removed=sorted(set(stored.devices) - set(signed)),
    )
    return peer, True
