"""Accounts known here: handles, device lists, and whether they get receipts."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from heliograph.ids import AccountId, Address, address


@dataclass(frozen=True, slots=True)
class Peer:
    """An account as it was last read from the server. Without devices: it is retired."""

    account: AccountId
    handle: str
    version: int
    devices: dict[int, str]
    """Device -> auth key (base64url)."""

    def addresses(self, *, but: int | None = None) -> dict[Address, str]:
        """Name its devices, without one of them on request."""
        return {address(self.account, device): key for device, key in self.devices.items() if device != but}


def save(connection: sqlite3.Connection, peer: Peer) -> None:
    """Store an account; a list that is older than the stored one changes nothing."""
    connection.execute(
        "INSERT INTO peers (account, handle, version, devices) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account) DO UPDATE "
        "SET handle = excluded.handle, version = excluded.version, devices = excluded.devices "
        "WHERE excluded.version >= version",
        (peer.account, peer.handle, peer.version, json.dumps(peer.devices)),
    )


def by_account(connection: sqlite3.Connection, account: AccountId) -> Peer | None:
    """Find an account by its id, a retired one too."""
    return _peer(connection.execute(_SELECT + "account = ?", (account,)).fetchone())


def by_handle(connection: sqlite3.Connection, handle: str) -> Peer | None:
    """Find the account with a handle; of two the newer one, as the older one lost it."""
    return _peer(
        connection.execute(
            _SELECT + "handle = ? AND devices != '{}' ORDER BY account DESC", (handle,)
        ).fetchone()
    )


def rivals(connection: sqlite3.Connection, peer: Peer) -> list[AccountId]:
    """List other accounts that held a handle as far as it is known here: only one still can."""
    rows = connection.execute(
        "SELECT account FROM peers WHERE handle = ? AND account != ? AND devices != '{}'",
        (peer.handle, peer.account),
    )
    return [AccountId(account) for (account,) in rows]


def retire(connection: sqlite3.Connection, peer: Peer) -> None:
    """Remember that an account has no devices any more; an older list that still comes changes nothing."""
    connection.execute(
        "UPDATE peers SET devices = '{}', version = ? WHERE account = ?", (peer.version + 1, peer.account)
    )


_SELECT = "SELECT account, handle, version, devices FROM peers WHERE version > 0 AND "


def _peer(row: tuple[str, str, int, str] | None) -> Peer | None:
    if row is None:
        return None
    devices = {int(device): key for device, key in json.loads(row[3]).items()}
    return Peer(AccountId(row[0]), row[1], row[2], devices)


def is_accepted(connection: sqlite3.Connection, account: str) -> bool:
    """Tell whether an account gets receipts from this one."""
    row = connection.execute("SELECT accepted FROM peers WHERE account = ?", (account,)).fetchone()
    return bool(row and row[0])


def accept(connection: sqlite3.Connection, account: str) -> bool:
    """Remember that an account gets receipts from now on; tell whether that is new."""
    if is_accepted(connection, account):
        return False
    connection.execute(
        "INSERT INTO peers (account, handle, version, devices, accepted) VALUES (?, '', 0, '{}', 1) "
        "ON CONFLICT (account) DO UPDATE SET accepted = 1",
        (account,),
    )
    return True


def newest_seen(connection: sqlite3.Connection, account: str) -> int:
    """Give the ms of the newest message id seen in the conversation with an account."""
    row = connection.execute("SELECT newest FROM clocks WHERE peer = ?", (account,)).fetchone()
    return row[0] if row else 0


def saw(connection: sqlite3.Connection, account: str, milliseconds: int) -> None:
    """Advance the clock of a conversation."""
    connection.execute(
        "INSERT INTO clocks VALUES (?, ?) "
        "ON CONFLICT (peer) DO UPDATE SET newest = max(newest, excluded.newest)",
        (account, milliseconds),
    )


def set_back(connection: sqlite3.Connection, account: str, milliseconds: int) -> None:
    """Set the clock of a conversation back: an id that advanced it was refused."""
    connection.execute("UPDATE clocks SET newest = min(newest, ?) WHERE peer = ?", (milliseconds, account))
