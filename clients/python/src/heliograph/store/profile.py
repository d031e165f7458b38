"""Who this device is, where its server is, and what it tried to connect with."""

from __future__ import annotations

import sqlite3

from heliograph.ids import AccountId, base64url, from_base64url
from heliograph.signing import AuthKey, Identity


def get(connection: sqlite3.Connection, name: str) -> str | None:
    """Read a setting."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def put(connection: sqlite3.Connection, name: str, value: str | int) -> None:
    """Write a setting."""
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, str(value)))


def get_secret(connection: sqlite3.Connection, name: str) -> str | None:
    """Read a setting that is sealed."""
    row = connection.execute(
        "SELECT unseal(value, 'settings.' || name) FROM settings WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else str(row[0])


def put_secret(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Write a setting, sealed."""
    connection.execute(
        "INSERT OR REPLACE INTO settings VALUES (?1, seal(?2, 'settings.' || ?1))", (name, value)
    )


def key(connection: sqlite3.Connection) -> AuthKey:
    """Give the device's key; made once, before anybody hears of it: a repeated registration has the same."""
    seed = get_secret(connection, "auth_seed")
    if seed is not None:
        return AuthKey(from_base64url(seed))
    made = AuthKey.generate()
    put_secret(connection, "auth_seed", base64url(made.seed))
    return made


def forget_key(connection: sqlite3.Connection) -> None:
    """Throw the key of a profile away that has no account: the next one is another device."""
    connection.execute("DELETE FROM settings WHERE name IN ('auth_seed', 'code_since')")


def linking_key(connection: sqlite3.Connection, now: int, life: int) -> AuthKey:
    """Give the key whose code is shown; another one once it was shown for `life` ms."""
    since = get(connection, "code_since")
    if since is not None and not 0 <= now - int(since) < life:
        forget_key(connection)
        since = None
    if since is None:
        put(connection, "code_since", now)
    return key(connection)


def identity(connection: sqlite3.Connection) -> Identity | None:
    """Give the identity, once there is one."""
    account = get(connection, "account")
    if account is None:
        return None
    return Identity(
        AccountId(account),
        int(get(connection, "device") or 0),
        get(connection, "handle") or "",
        key(connection),
    )


def become(connection: sqlite3.Connection, account: str, device: int, handle: str, server: str) -> Identity:
    """Store who this device has become, and where."""
    put(connection, "account", account)
    put(connection, "device", device)
    put(connection, "handle", handle)
    put(connection, "server", server)
    return Identity(AccountId(account), device, handle, key(connection))


def socket_url(connection: sqlite3.Connection, base_url: str) -> str | None:
    """Give the socket address that this server named last."""
    return get(connection, "socket_url") if get(connection, "socket_url_of") == base_url else None


def remember_socket_url(connection: sqlite3.Connection, base_url: str, url: str) -> None:
    """Store the socket address that a server named."""
    put(connection, "socket_url_of", base_url)
    put(connection, "socket_url", url)


ACCEPTED_SKEW = 60_000
"""Distance in ms from its own time at which the server still takes a connect number."""


def next_connect_number(connection: sqlite3.Connection, now: int) -> int:
    """Give max(last tried + 1, now), and remember it before it is tried.

    A number that was tried far ahead of the server's time (a clock was wrong) was never taken, so it does
    not count: following it would lock the device out until that time comes.
    """
    last = connection.execute(
        "SELECT max(number) FROM connects WHERE number < ?", (now + ACCEPTED_SKEW,)
    ).fetchone()[0]
    number = max((last or 0) + 1, now)
    connection.execute("INSERT OR IGNORE INTO connects VALUES (?)", (number,))
    return number


def confirm_previous_connect(connection: sqlite3.Connection, previous: int) -> bool:
    """Tell whether this store tried the connect number that the server saw before; forget older ones."""
    known = previous == 0 or bool(
        connection.execute("SELECT 1 FROM connects WHERE number = ?", (previous,)).fetchone()
    )
    connection.execute("DELETE FROM connects WHERE number < ?", (previous,))
    return known


def follows_paged_connect(connection: sqlite3.Connection, previous: int, now: int) -> bool:
    """Tell whether a page came over the connect before, and remember that one came over the newest.

    A connect that ended before its first page told this store nothing: who had connected before it, perhaps
    with a later state of this store, stays unknown.
    """
    paged = get(connection, "paged_connect")
    newest = connection.execute(
        "SELECT max(number) FROM connects WHERE number < ?", (now + ACCEPTED_SKEW,)
    ).fetchone()[0]
    put(connection, "paged_connect", newest or previous)
    return previous == 0 or paged == str(previous)
