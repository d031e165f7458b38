"""The tables: the one source that CloudFormation, the local cloud and ``tables.cql`` are rendered from.

Rules that every table keeps (``docs/storage.md`` has the reasons):

* a table marked ``lwt`` is written by conditional statements only, deletes included;
* a table whose rows expire declares ``ttl_seconds``: it is the only switch CloudFormation has for it;
* columns are only ever added; a key never changes (that would replace the table).
"""

from __future__ import annotations

from dataclasses import dataclass

KEYSPACE = "heliograph"

DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its CQL type (a scalar that sorts alike in both stores) and what it holds."""

    name: str
    type: str
    holds: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``clustering`` columns sort ascending; ``columns`` are the regular ones.

    ``answers`` is the question the table exists for; ``growth`` says what bounds a partition.
    """

    name: str
    answers: str
    growth: str
    partition: tuple[Column, ...]
    clustering: tuple[Column, ...] = ()
    columns: tuple[Column, ...] = ()
    ttl_seconds: int = 0
    lwt: bool = False

    @property
    def key(self) -> tuple[Column, ...]:
        """Partition and clustering columns, in order: the primary key."""
        return self.partition + self.clustering


_ACCOUNT = Column("account_id", "ascii", "UUIDv7 made by the server, canonical form")
_DEVICE = Column("device_id", "int", "1, 2, 3 ...; never used again after a removal")

TABLES: tuple[Table, ...] = (
    Table(
        name="accounts_by_handle",
        answers="Which account does this exact handle name?",
        growth="one row a handle",
        lwt=True,
        partition=(Column("handle", "ascii", "the public name, lower case"),),
        columns=(
            Column("account_id", "ascii", "the account that holds the handle"),
            Column("owner", "text", "who may claim it again: '<verifier>:<subject>', never shown"),
            Column("auth_key", "blob", "Ed25519 key of the claim: a retry with it is the same claim"),
            Column("claimed_at", "bigint", "server time of the claim, ms"),
            Column("replaces", "ascii", "the account before, until it is retired completely"),
            Column("replaced_key", "blob", "key of the claim before: a late repeat takes nothing back"),
        ),
    ),
    Table(
        name="account_card",
        answers="Which devices does this account have, and how does it stand to that other account?",
        growth="one row for the devices, one a related account (at most 5,000)",
        lwt=True,
        partition=(_ACCOUNT,),
        clustering=(Column("entry", "ascii", "'devices', or 'peer:<account_id>' for one related account"),),
        columns=(
            Column("version", "int", "devices: version of the list, +1 with every change"),
            Column("body", "text", "devices: the whole list as JSON, with the newest entry of its chain"),
            Column("accepted", "boolean", "peer: this account wrote to it, or accepted it"),
            Column("blocked", "boolean", "peer: this account blocked it"),
            Column("unblocked_at", "bigint", "peer: server time of the last unblock, ms"),
        ),
    ),
    Table(
        name="chain_by_account",
        answers="How did the device list of this account come about?",
        growth="one row a change of the devices (at most 1,000 and the removals after them)",
        lwt=True,
        partition=(_ACCOUNT,),
        clustering=(Column("number", "int", "1, 2, 3 ...; the newest one may stand in account_card alone"),),
        columns=(Column("entry", "text", "the signed change as JSON"),),
    ),
    Table(
        name="connects_by_device",
        answers="What is the last connect number this device used?",
        growth="one row a device",
        lwt=True,
        partition=(_ACCOUNT, _DEVICE),
        columns=(
            Column("last", "bigint", "the highest connect number accepted so far"),
            Column("full_at", "bigint", "when its bucket of connects is full again, ms"),
        ),
    ),
    Table(
        name="connections_by_account",
        answers="Where are the live sockets of this account?",
        growth="one row a socket; dead ones leave by a 410 or by TTL",
        ttl_seconds=2 * 3600 + 600,
        partition=(_ACCOUNT,),
        clustering=(
            _DEVICE,
            Column("connection_id", "ascii", "the API Gateway connection id"),
        ),
        columns=(
            Column("connect_number", "bigint", "number the device signed for it: the higher socket wins"),
        ),
    ),
    Table(
        name="inbox_by_account",
        answers="What has this device not acknowledged yet, oldest first?",
        growth="one week of unacknowledged messages of an account",
        ttl_seconds=30 * DAY,
        partition=(
            _ACCOUNT,
            Column("week", "int", "whole weeks since 1970 of the id's milliseconds"),
        ),
        clustering=(
            _DEVICE,
            Column("message_id", "ascii", "UUIDv7, canonical form: order key and retry key"),
            Column("sender", "ascii", "'<account>:<device>', for a receipt '<account>:<device>/<status>'"),
        ),
        columns=(Column("envelope", "blob", "kind byte and body, see chat.domain.envelope"),),
    ),
    Table(
        name="prekeys_by_device",
        answers="With which keys does a session with this device begin?",
        growth="at most 122 keys of a device, and two that take over",
        lwt=True,
        partition=(_ACCOUNT, _DEVICE),
        clustering=(
            Column("kind", "ascii", "signed, last_resort, one_time or one_time_kem"),
            Column("key_id", "int", "chosen by the device"),
        ),
        columns=(
            Column("key", "blob", "X25519 or ML-KEM-1024 public key"),
            Column("signature", "blob", "by the device's auth key; empty for one_time"),
        ),
    ),
    Table(
        name="used_proofs",
        answers="Was this signed HTTPS request seen before?",
        growth="one row a changing request, for five minutes",
        ttl_seconds=300,
        lwt=True,
        partition=(Column("proof", "ascii", "'<account>:<device>:<nonce>'"),),
        columns=(Column("used_at", "bigint", "server time of the request, ms"),),
    ),
    Table(
        name="links_by_key",
        answers="Which account was this new device linked to?",
        growth="one row a linking, for ten minutes",
        ttl_seconds=600,
        lwt=True,
        partition=(Column("auth_key", "ascii", "Ed25519 key of the new device, base64url"),),
        columns=(
            Column("account_id", "ascii", "the account that took the device in"),
            Column("device_id", "int", "the number it got"),
        ),
    ),
    Table(
        name="rate_limits",
        answers="How much more may this device, account or key do now?",
        growth="one row a limiter and subject, for a day",
        ttl_seconds=DAY,
        lwt=True,
        partition=(Column("bucket", "ascii", "'<limiter>:<subject>', see chat.domain.limits"),),
        columns=(Column("full_at", "bigint", "when the bucket is full again, ms"),),
    ),
    Table(
        name="codes_by_claim",
        answers="Which code was sent to this number for this key, and how often was it guessed at?",
        growth="one row a number and key, for ten minutes",
        ttl_seconds=600,
        lwt=True,
        partition=(Column("claim", "ascii", "hash of a phone number and the key that registers it"),),
        columns=(
            Column("salt", "blob", "random key of the digest"),
            Column("digest", "blob", "HMAC-SHA-256 of the code; the code itself is nowhere"),
            Column("expires_at", "bigint", "until when it is good, ms"),
            Column("attempts", "int", "how often somebody said a code, right or wrong"),
        ),
    ),
    Table(
        name="spending_by_day",
        answers="What have text messages cost today?",
        growth="one row a day, for a day after its last message",
        ttl_seconds=DAY,
        lwt=True,
        partition=(Column("day", "int", "days since 1970, UTC"),),
        columns=(Column("cents", "int", "at least what was spent"),),
    ),
)


def table(name: str) -> Table:
    """The table of that name. Raises ``KeyError`` for an unknown one."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def create_table(spec: Table) -> str:
    """``CREATE TABLE`` for Apache Cassandra and readers; CloudFormation gives Keyspaces the same columns."""
    width = max(len(column.name) for column in spec.key + spec.columns)
    columns = spec.key + spec.columns
    lines = [f"    {column.name:<{width}}  {column.type + ',':<9} -- {column.holds}" for column in columns]
    partition = ", ".join(column.name for column in spec.partition)
    clustering = "".join(f", {column.name}" for column in spec.clustering)
    options = f" WITH default_time_to_live = {spec.ttl_seconds}" if spec.ttl_seconds else ""
    body = "\n".join(lines)
    return (
        f"CREATE TABLE IF NOT EXISTS {KEYSPACE}.{spec.name} (\n{body}\n"
        f"    PRIMARY KEY (({partition}){clustering})\n){options};"
    )


def render_cql() -> str:
    """All tables as readable CQL: the content of ``schemas/tables.cql``."""
    keyspace = (
        f"CREATE KEYSPACE IF NOT EXISTS {KEYSPACE}\n"
        "    WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
    )
    parts = ["-- Rendered from schemas/tables.py by `make schema`; a test compares the two.", keyspace]
    for spec in TABLES:
        writes = "written by conditional statements only" if spec.lwt else "plain writes"
        parts.append(
            f"-- {spec.answers}\n-- Grows by: {spec.growth}. Writes: {writes}.\n{create_table(spec)}"
        )
    return "\n\n".join(parts) + "\n"
