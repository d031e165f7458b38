"""What all devices of an account share, and a new one gets from the one that took it in."""

from __future__ import annotations

import secrets
import sqlite3

from heliograph.content import MAX_NAMES, Content
from heliograph.ids import AccountId, base64url, conversation_id, new_logical_id
from heliograph.store import pins, profile
from heliograph.store.pins import Mark

_SECRET = "account_secret"  # noqa: S105 - the name of a setting


def make(connection: sqlite3.Connection) -> None:
    """Make the account secret, 32 random bytes, on the device that registers the account."""
    if profile.get_secret(connection, _SECRET) is None:
        profile.put_secret(connection, _SECRET, base64url(secrets.token_bytes(32)))


def get(connection: sqlite3.Connection) -> str | None:
    """Give the account secret, base64url; None on a linked device that did not get it yet."""
    return profile.get_secret(connection, _SECRET)


def content(connection: sqlite3.Connection, account: AccountId, now: int) -> Content | None:
    """Make the message that tells one's other devices; None where there is nothing to tell."""
    secret = get(connection)
    if secret is None:
        return None
    return Content(
        new_logical_id(),
        "",
        conversation_id(account, account),
        now,
        kind="secrets",
        account_secret=secret,
        verified=tuple((mark.account, mark.fingerprint) for mark in pins.marks(connection)[:MAX_NAMES]),
    )


def take(connection: sqlite3.Connection, told: Content) -> None:
    """Take in what another own device told; a secret that is here already stays."""
    if get(connection) is None:
        profile.put_secret(connection, _SECRET, told.account_secret)
    pins.take_marks(connection, (Mark(account, what) for account, what in told.verified))
