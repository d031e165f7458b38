"""Codes and what they cost in Cassandra: ``codes_by_claim`` and ``spending_by_day``."""

from __future__ import annotations

from contextlib import suppress

from chat.adapters.cassandra.session import Cassandra, Row
from chat.adapters.cassandra.statement import Statement
from chat.ports.codes import StoredCode
from chat.ports.storage import OutcomeUnknown, StorageUnavailable

_FIRST = Statement(
    "INSERT INTO heliograph.codes_by_claim (claim, salt, digest, expires_at, attempts)"
    " VALUES (?, ?, ?, ?, 0) IF NOT EXISTS"
)
_NEXT = Statement(
    "UPDATE heliograph.codes_by_claim SET salt = ?, digest = ?, expires_at = ?, attempts = 0"
    " WHERE claim = ? IF EXISTS"
)
_READ = Statement("SELECT salt, digest, expires_at, attempts FROM heliograph.codes_by_claim WHERE claim = ?")
_ATTEMPT = Statement(
    "UPDATE heliograph.codes_by_claim SET attempts = ? WHERE claim = ? IF attempts = ? AND digest = ?"
)

_SPENT = Statement("SELECT cents FROM heliograph.spending_by_day WHERE day = ?")
_BEGIN = Statement("INSERT INTO heliograph.spending_by_day (day, cents) VALUES (?, ?) IF NOT EXISTS")
_ADD = Statement("UPDATE heliograph.spending_by_day SET cents = ? WHERE day = ? IF cents = ?")

PUTS = 3
"""Tries to store a code: a row that expires meanwhile, or an unknown outcome, takes another."""

TRIES = 16
"""Rivals that one call may lose to; with more it gives up, which refuses."""


class CassandraCodes:
    """:class:`chat.ports.codes.Codes` on ``codes_by_claim``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def put(self, claim: str, code: StoredCode) -> None:
        """See the port. An unknown outcome is settled by a repeat: nobody knows the code yet."""
        for _ in range(PUTS):
            with suppress(OutcomeUnknown):
                if self._cassandra.apply(_FIRST, claim, code.salt, code.digest, code.expires_at):
                    return
                if self._cassandra.apply(_NEXT, code.salt, code.digest, code.expires_at, claim):
                    return
        raise StorageUnavailable("a code was not stored")

    def attempt(self, claim: str, limit: int, now: int) -> tuple[StoredCode, int] | None:
        """See the port. The condition names the code too: an attempt never counts for another one."""
        for _ in range(TRIES):
            rows = self._cassandra.run(_READ, claim)
            code = _stored(rows[0]) if rows else None
            if code is None or code.expires_at <= now or rows[0]["attempts"] >= limit:
                return None
            made = rows[0]["attempts"]
            if self._cassandra.apply(_ATTEMPT, made + 1, claim, made, code.digest):
                return code, limit - made - 1
        raise StorageUnavailable("too many attempts at once")


class CassandraSpending:
    """:class:`chat.ports.codes.Spending` on ``spending_by_day``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def add(self, day: int, cents: int, cap: int) -> bool:
        """See the port. An unknown outcome may have added: the sum is read again, and added to once more."""
        spent = self._read(day)
        for _ in range(TRIES):
            if (spent or 0) + cents > cap:
                return False
            try:
                if spent is None:
                    verdict = self._cassandra.apply(_BEGIN, day, cents)
                else:
                    verdict = self._cassandra.apply(_ADD, spent + cents, day, spent)
            except OutcomeUnknown:
                spent = self._read(day)
                continue
            if verdict:
                return True
            spent = verdict.row.get("cents")
        raise StorageUnavailable("too many messages at once")

    def _read(self, day: int) -> int | None:
        rows = self._cassandra.run(_SPENT, day)
        return rows[0]["cents"] if rows else None


def _stored(row: Row) -> StoredCode | None:
    """The code of a row; none where its columns have expired and an attempt's has not."""
    if row["digest"] is None or row["attempts"] is None:
        return None
    return StoredCode(row["salt"], row["digest"], row["expires_at"])
