"""Tables of a store, version 2. What is `sealed` is written by `seal(value, label)`: see `store.seal`."""

from __future__ import annotations

import sqlite3

from heliograph.errors import StoreUnreadable

VERSION = 2

TABLES = """
-- One value a name: identity, server, mark, cursor; how the store is sealed. The auth seed is sealed.
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Connect numbers, written before they are tried; kept back to the last one that the server confirmed.
CREATE TABLE connects (number INTEGER PRIMARY KEY);

-- Accounts known here, the own one included.
CREATE TABLE peers (
    account TEXT PRIMARY KEY,
    handle TEXT NOT NULL,
    version INTEGER NOT NULL,
    devices TEXT NOT NULL,               -- JSON object: device -> auth key
    accepted INTEGER NOT NULL DEFAULT 0  -- one wrote to it or accepted it: it gets receipts
) WITHOUT ROWID;
CREATE INDEX peers_by_handle ON peers (handle);

-- The identity of an account as it was verified, and while the server shows another one: that.
CREATE TABLE pins (
    account TEXT PRIMARY KEY,
    length INTEGER NOT NULL,     -- of the device chain
    head TEXT NOT NULL,          -- hash of its newest entry
    first_hash TEXT NOT NULL,
    first_key TEXT NOT NULL,
    unsigned TEXT NOT NULL,      -- JSON object: device -> auth key, of devices trusted without a signature
    shown TEXT                   -- JSON; none: all is well. Else nothing is sent until it is trusted
) WITHOUT ROWID;

-- All devices in the chain of a pinned account, removed ones too: their late messages are verified.
CREATE TABLE chain_devices (
    account TEXT NOT NULL,
    device INTEGER NOT NULL,
    auth_key TEXT NOT NULL,
    live INTEGER NOT NULL,       -- added and not removed
    PRIMARY KEY (account, device)
) WITHOUT ROWID;

-- Accounts whose safety number was compared; the mark is that of one identity and of no other.
CREATE TABLE verified (account TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;

-- Newest message id seen in a conversation: where its hybrid clock stands.
CREATE TABLE clocks (peer TEXT PRIMARY KEY, newest INTEGER NOT NULL) WITHOUT ROWID;

-- A message once, whatever ids it went under; what changes another message is a row of its own.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,         -- a kind of content; expired: its time is over, only its names are left
    account TEXT NOT NULL,      -- who wrote it
    logical_id TEXT NOT NULL,
    sender TEXT NOT NULL,       -- the device that wrote it
    peer TEXT NOT NULL,         -- the other account of the conversation
    outgoing INTEGER NOT NULL,
    id TEXT,                    -- the largest id it went under
    position TEXT NOT NULL,     -- id, or '~' + time while it has none: sorts behind all ids
    text BLOB NOT NULL,         -- sealed; of a reaction the emoji
    body BLOB,                  -- sealed: JSON of what else was in the content
    target_account TEXT,        -- the message that it is about: who wrote that, and its logical id
    target_id TEXT,
    sent_at INTEGER NOT NULL,
    expires TEXT NOT NULL,      -- how long the server keeps it
    lifetime TEXT NOT NULL,     -- how long it stays here; empty: for good. Of a timer: the new class
    expires_at INTEGER,         -- when that is over
    status TEXT NOT NULL,
    error TEXT,
    UNIQUE (account, logical_id)
);
CREATE INDEX messages_by_position ON messages (peer, position, sender);
CREATE INDEX messages_by_target ON messages (target_account, target_id) WHERE target_id IS NOT NULL;
CREATE INDEX messages_timers ON messages (peer, position, sender) WHERE kind = 'timer';
CREATE INDEX messages_expiring ON messages (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX messages_waiting ON messages (status) WHERE status IN ('pending', 'sent');

-- Every name a message was seen or sent under: for dedupe, and for receipts that name a retired id.
CREATE TABLE names (
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    message INTEGER,            -- messages.seq; none for an undecryptable one
    PRIMARY KEY (id, sender)
) WITHOUT ROWID;

-- The bytes of the last try of a message that is not accepted yet: a retry repeats them.
CREATE TABLE attempts (
    message INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    body TEXT                   -- none: keep the id, encrypt again
);

-- Stored here, not acknowledged yet.
CREATE TABLE acks (
    id TEXT NOT NULL,
    sender TEXT NOT NULL,       -- sender part of the inbox row
    kind TEXT NOT NULL,         -- delivered, read, read_receipt, quiet
    conversation TEXT NOT NULL,
    PRIMARY KEY (id, sender)
) WITHOUT ROWID;

-- Private prekeys of this device; the newest signed and last-resort ones are the current ones.
CREATE TABLE prekeys (
    kind TEXT NOT NULL,         -- signed, last_resort, one_time, one_time_kem
    id INTEGER NOT NULL,
    secret BLOB NOT NULL,       -- sealed
    public BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    uploaded INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX prekeys_waiting ON prekeys (uploaded) WHERE uploaded = 0;

-- Sessions with other devices, a few each.
CREATE TABLE sessions (
    device TEXT NOT NULL,       -- address
    ephemeral BLOB NOT NULL,    -- the key that names the session on both sides
    key TEXT NOT NULL,          -- identity key of the device
    state BLOB NOT NULL,        -- sealed
    used INTEGER NOT NULL,      -- rises: the largest is the one for sending
    ended INTEGER NOT NULL DEFAULT 0,  -- not for sending any more
    unanswered INTEGER NOT NULL DEFAULT 0,  -- messages with the prefix of a first one since an answer left
    PRIMARY KEY (device, ephemeral)
);
CREATE INDEX sessions_by_use ON sessions (used);
CREATE INDEX sessions_unanswered ON sessions (unanswered) WHERE unanswered > 0;

-- Public keys of devices that the next message begins a session with; 'null' of one that has none.
CREATE TABLE bundles (device TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;

-- Messages that could not be read and are to be asked for.
CREATE TABLE unread (
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    account TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (id, sender)
) WITHOUT ROWID;

-- How often an account was asked for messages, and got some again, within an hour.
CREATE TABLE repairs (
    account TEXT NOT NULL,
    what TEXT NOT NULL,         -- asked, given
    since INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (account, what)
) WITHOUT ROWID;

-- Accepted messages that go out once more, as somebody could not read them.
CREATE TABLE again (message INTEGER PRIMARY KEY);

-- What happened, for the application.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    message INTEGER,
    body TEXT NOT NULL
);
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables of a new store, or check those of an old one.

    Raises:
        StoreUnreadable: The file is something else, or a newer SDK wrote it.
    """
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
            version = VERSION
    except sqlite3.DatabaseError as problem:
        raise StoreUnreadable(f"not a store: {problem}") from problem
    if version != VERSION:
        raise StoreUnreadable(f"the store has version {version}, this SDK reads version {VERSION}")
