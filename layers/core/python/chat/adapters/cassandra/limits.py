"""Buckets in Cassandra: ``rate_limits``."""

from __future__ import annotations

from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from chat.domain.limits import Limiter, take
from chat.ports.storage import OutcomeUnknown

TRIES = 8
"""Rivals that one call may lose to; more of them at once are a reason to refuse in itself."""

_READ = Statement("SELECT full_at FROM heliograph.rate_limits WHERE bucket = ?")
_BEGIN = Statement("INSERT INTO heliograph.rate_limits (bucket, full_at) VALUES (?, ?) IF NOT EXISTS")
_CHANGE = Statement("UPDATE heliograph.rate_limits SET full_at = ? WHERE bucket = ? IF full_at = ?")


class CassandraLimits:
    """:class:`chat.ports.limits.Limits` on ``rate_limits``: every token is counted."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        """See the port.

        Read, then write if nothing changed. Whoever loses to another caller is told what stands there now and
        tries again. An unknown outcome may have cost its tokens: the row is read again, and they are taken
        from what it holds.
        """
        bucket = f"{limiter.name}:{subject}"
        full_at = self._read(bucket)
        for _ in range(TRIES):
            after, wait = take(full_at or 0, limiter, now, tokens)
            if wait:
                return wait
            try:
                if full_at is None:
                    verdict = self._cassandra.apply(_BEGIN, bucket, after)
                else:
                    verdict = self._cassandra.apply(_CHANGE, after, bucket, full_at)
            except OutcomeUnknown:
                full_at = self._read(bucket)
                continue
            if verdict:
                return 0
            full_at = verdict.row.get("full_at")
        return limiter.refill_ms

    def _read(self, bucket: str) -> int | None:
        rows = self._cassandra.run(_READ, bucket)
        return rows[0]["full_at"] if rows else None
