"""Pinned identities: each account's chain as it was verified last, and whose safety number was compared."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from heliograph.device_chain import ChainTip
from heliograph.ids import AccountId, Address, account_of, device_of
from heliograph.safety_number import First, fingerprint

Reason = Literal["chain", "unsigned", "broken", "handle", "device", "restored"]
"""Why nothing is sent: a chain that does not go on from the pinned one; a device on the list that is not in
the chain; no valid chain at all; a handle that a verified account had; a new device of a verified account
(strict setting only); one of the first three that the server does not show any more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server shows of an account while that is not the identity that is pinned.

    Attributes:
        reason: What is wrong with it.
        handle: Its handle.
        version: Version of its list.
        devices: Device -> auth key of the list.
        chain: Its chain, where that is another one than the pinned.
    """

    reason: Reason
    handle: str = ""
    version: int = 0
    devices: Mapping[int, str] | None = None
    chain: ChainTip | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """The identity of an account.

    Attributes:
        account: The account.
        tip: Its chain as it was verified last.
        unsigned: Device -> auth key of devices that the user trusted though they are not in the chain.
        shown: What the server shows instead; None: all is well.
    """

    account: AccountId
    tip: ChainTip
    unsigned: Mapping[int, str]
    shown: Shown | None

    @property
    def first(self) -> First:
        """What the safety number covers: entry 1 of what the server shows now."""
        tip = (self.shown and self.shown.chain) or self.tip
        return First(self.account, tip.first_hash, tip.first_key)


class Standing(NamedTuple):
    """How an account stands with this device."""

    verified: bool
    changed: bool


class Mark(NamedTuple):
    """The safety number with an account was compared; good for the identity with this fingerprint."""

    account: AccountId
    fingerprint: str


def get(connection: sqlite3.Connection, account: AccountId) -> Pin | None:
    """Read what is pinned of an account."""
    row = connection.execute(
        "SELECT length, head, first_hash, first_key, unsigned, shown FROM pins WHERE account = ?", (account,)
    ).fetchone()
    if row is None:
        return None
    devices, live = {}, {}
    for device, key, is_live in connection.execute(
        "SELECT device, auth_key, live FROM chain_devices WHERE account = ?", (account,)
    ):
        devices[device] = key
        if is_live:
            live[device] = key
    length, head, first_hash, first_key, unsigned, shown = row
    tip = ChainTip(length, head, first_hash, first_key, live, devices)
    return Pin(account, tip, _numbered(json.loads(unsigned)), _shown(shown))


def put(connection: sqlite3.Connection, pin: Pin) -> None:
    """Write a pin; the devices of the chain before it are replaced."""
    tip, shown = pin.tip, None if pin.shown is None else json.dumps(asdict(pin.shown))
    connection.execute(
        "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            pin.account,
            tip.length,
            tip.head,
            tip.first_hash,
            tip.first_key,
            json.dumps(dict(pin.unsigned)),
            shown,
        ),
    )
    connection.execute("DELETE FROM chain_devices WHERE account = ?", (pin.account,))
    connection.executemany(
        "INSERT INTO chain_devices VALUES (?, ?, ?, ?)",
        [(pin.account, device, key, device in tip.live) for device, key in tip.devices.items()],
    )


def key_of(connection: sqlite3.Connection, address: Address) -> str | None:
    """Give the auth key of a device that is or was one of its account, base64url; None: it never was.

    A message that a device signed before it was removed may come later: it is still that device's.
    """
    trusted = _trusted_key(connection, address)
    if trusted is not None:
        return trusted
    row = connection.execute(
        "SELECT auth_key FROM chain_devices WHERE account = ? AND device = ?",
        (account_of(address), device_of(address)),
    ).fetchone()
    return str(row[0]) if row else None


def is_live(connection: sqlite3.Connection, address: Address) -> bool:
    """Tell whether a device is one of its account now: it was not removed in the chain as it is pinned."""
    row = connection.execute(
        "SELECT 1 FROM chain_devices WHERE account = ? AND device = ? AND live",
        (account_of(address), device_of(address)),
    ).fetchone()
    return row is not None or _trusted_key(connection, address) is not None


def _trusted_key(connection: sqlite3.Connection, address: Address) -> str | None:
    """The auth key of a device that the user trusted though it is not in the chain."""
    row = connection.execute("SELECT unsigned FROM pins WHERE account = ?", (account_of(address),)).fetchone()
    return _numbered(json.loads(row[0])).get(device_of(address)) if row else None


def is_verified(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Tell whether the safety number with the pinned identity of an account was compared."""
    row = connection.execute("SELECT fingerprint FROM verified WHERE account = ?", (account,)).fetchone()
    pin = get(connection, account) if row else None
    return pin is not None and row[0] == _pinned_fingerprint(pin)


def is_blocked(connection: sqlite3.Connection, account: AccountId) -> bool:
    """Tell whether nothing may be sent to an account until it is trusted."""
    return bool(
        connection.execute(
            "SELECT 1 FROM pins WHERE account = ? AND shown IS NOT NULL", (account,)
        ).fetchone()
    )


def standing(connection: sqlite3.Connection, account: AccountId) -> Standing:
    """Tell whether an account is verified, which it is not while its identity is another one."""
    changed = is_blocked(connection, account)
    return Standing(not changed and is_verified(connection, account), changed)


def mark_verified(connection: sqlite3.Connection, account: AccountId) -> None:
    """Remember that the safety number with the pinned identity was compared."""
    pin = get(connection, account)
    if pin is not None:
        connection.execute(
            "INSERT OR REPLACE INTO verified VALUES (?, ?)", (account, _pinned_fingerprint(pin))
        )


def unmark(connection: sqlite3.Connection, account: AccountId) -> None:
    """Forget that it was compared."""
    connection.execute("DELETE FROM verified WHERE account = ?", (account,))


def marks(connection: sqlite3.Connection) -> list[Mark]:
    """List the verified accounts, for one's other devices."""
    return [Mark(*row) for row in connection.execute("SELECT * FROM verified ORDER BY account")]


def take_marks(connection: sqlite3.Connection, given: Iterable[Mark]) -> None:
    """Take in what another own device verified.

    An account that is not known here yet counts as verified once it is pinned with that identity. A mark of
    another identity than the pinned one changes nothing: it is not this device's identity that was compared.
    """
    for mark in given:
        pin = get(connection, mark.account)
        if pin is None or mark.fingerprint == _pinned_fingerprint(pin):
            connection.execute("INSERT OR REPLACE INTO verified VALUES (?, ?)", mark)


def verified_holder_before(connection: sqlite3.Connection, handle: str, account: AccountId) -> bool:
    """Tell whether another account that had a handle was verified."""
    return any(
        is_verified(connection, AccountId(former))
        for (former,) in connection.execute(
            "SELECT account FROM peers WHERE handle = ? AND account != ?", (handle, account)
        )
    )


def is_marked_otherwise(connection: sqlite3.Connection, account: AccountId, tip: ChainTip) -> bool:
    """Tell whether another own device compared the safety number of another identity than this one."""
    row = connection.execute("SELECT fingerprint FROM verified WHERE account = ?", (account,)).fetchone()
    return row is not None and row[0] != fingerprint(First(account, tip.first_hash, tip.first_key))


def _pinned_fingerprint(pin: Pin) -> str:
    return fingerprint(First(pin.account, pin.tip.first_hash, pin.tip.first_key))


def _shown(text: str | None) -> Shown | None:
    if text is None:
        return None
    body: dict[str, Any] = json.loads(text)
    devices = None if body["devices"] is None else _numbered(body["devices"])
    chain = body["chain"]
    if chain is not None:
        chain = ChainTip(**chain | {"live": _numbered(chain["live"]), "devices": _numbered(chain["devices"])})
    return Shown(body["reason"], body["handle"], body["version"], devices, chain)


def _numbered(devices: Mapping[str, str]) -> dict[int, str]:
    return {int(device): key for device, key in devices.items()}
