"""Rate limits: the one table of all limiters, and the arithmetic of a token bucket.

A bucket is one integer, ``full_at``: the time (ms) at which it is full again. A missing or a past one is a
full bucket, so whatever forgets a bucket after it has filled up (a TTL, a frozen Lambda) changes nothing.
``docs/limits.md`` shows the table with the reasons for its numbers; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kept = Literal["memory", "sampled", "row", "connects"]
"""Where a bucket is kept.

``memory``: in each Lambda environment, which limits no more than what one of them sees.
``sampled``: there, and in a row that every ``SAMPLING``-th token updates, for all environments together.
``row``: in a row of ``rate_limits`` that every token updates.
``connects``: in the device's row of ``connects_by_device``, within the write that takes the connect number.
"""

SAMPLING = 16
"""One token in so many of a ``sampled`` limiter reaches its row, and counts there for as many."""

SAMPLED_ROOM = 2
"""The row of a ``sampled`` limiter holds so many bursts: chance must not refuse who keeps to the limit."""

DEEPEST_DEBT = 4
"""Fillings of a bucket that one frame can cost at most, a sampled one that counts for 16 included."""

ROW_SECONDS = 24 * 3600
"""How long a row lives that nobody touches: no bucket takes longer to fill."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """One limit: ``burst`` at once, then one every ``refill_ms``, for each ``per``.

    ``fails`` says what happens while the store does not answer: ``open`` lets pass, ``closed`` refuses
    (UNAVAILABLE). ``routes`` are those that the entry points check; a limiter without routes is checked by a
    use case.
    """

    name: str
    burst: int
    refill_ms: int
    per: str
    kept: Kept
    fails: Literal["open", "closed"]
    routes: tuple[str, ...] = ()

    @property
    def fill_ms(self) -> int:
        """How long an empty bucket takes to be full."""
        return self.burst * self.refill_ms


SEND = Limiter("send", 300, 100, "device", "sampled", "open", ("send",))
ACK = Limiter("ack", 300, 100, "device", "sampled", "open", ("ack",))
SYNC = Limiter("sync", 300, 100, "device", "sampled", "open", ("sync",))
UNREADABLE = Limiter("unreadable", 60, 1_000, "device", "memory", "open", ("$default",))
REFUSALS = Limiter("refusals", 20, 3_000, "socket", "memory", "open")
CONNECT = Limiter("connect", 60, 10_000, "device", "connects", "closed", ("$connect",))
READ = Limiter(
    "read",
    120,
    500,
    "device",
    "sampled",
    "open",
    (
        "GET /v1/account",
        "GET /v1/accounts/{account}",
        "GET /v1/accounts/{account}/chain",
        "GET /v1/devices",
        "GET /v1/keys",
    ),
)
LOOKUP = Limiter("lookup", 100, 9_000, "account", "row", "closed", ("GET /v1/handles/{handle}",))
RELATE = Limiter(
    "relate",
    100,
    10_000,
    "account",
    "row",
    "closed",
    (
        "PUT /v1/account/blocks/{account}",
        "DELETE /v1/account/blocks/{account}",
        "PUT /v1/account/accepted/{account}",
    ),
)
DEVICES = Limiter(
    "devices", 10, 120_000, "device", "row", "closed", ("POST /v1/devices", "DELETE /v1/devices/{device}")
)
KEYS = Limiter("keys", 20, 60_000, "device", "row", "closed", ("PUT /v1/keys",))
CLAIM = Limiter("claim", 100, 6_000, "account", "row", "closed", ("POST /v1/keys/claim",))
CLAIM_TARGET = Limiter("claim_target", 200, 30_000, "target", "sampled", "open")
LINK_POLL = Limiter("link_poll", 60, 1_000, "key", "sampled", "open", ("GET /v1/links/{key}",))
REGISTER = Limiter("register", 10, 360_000, "owner", "row", "closed", ("POST /v1/register",))
CODE_AGAIN = Limiter("code_again", 1, 60_000, "number", "row", "closed", ("POST /v1/codes",))
CODE_NUMBER = Limiter("code_number", 3, 28_800_000, "number", "row", "closed")
CODE_COUNTRY = Limiter("code_country", 200, 30_000, "country", "row", "closed")

LIMITERS: tuple[Limiter, ...] = (
    SEND,
    ACK,
    SYNC,
    UNREADABLE,
    REFUSALS,
    CONNECT,
    READ,
    LOOKUP,
    RELATE,
    DEVICES,
    KEYS,
    CLAIM,
    CLAIM_TARGET,
    LINK_POLL,
    REGISTER,
    CODE_AGAIN,
    CODE_NUMBER,
    CODE_COUNTRY,
)

UNLIMITED: Mapping[str, str] = {
    "GET /.well-known/heliograph": "a constant: reads and writes nothing",
    "$disconnect": "API Gateway calls it, once a socket",
}
"""Routes without a limiter, and why. API Gateway throttles them all the same."""

_BY_ROUTE = {route: limiter for limiter in LIMITERS for route in limiter.routes}


def limiter_of(route: str) -> Limiter | None:
    """The limiter of a route, None for one in ``UNLIMITED``. Raises ``KeyError`` for an unknown one."""
    if route in UNLIMITED:
        return None
    return _BY_ROUTE[route]


def take(full_at: int, limiter: Limiter, now: int, tokens: int = 1) -> tuple[int, int]:
    """Take ``tokens`` out of a bucket: its new ``full_at``, and the ms to wait before another try.

    A wait of 0: they were taken. Otherwise the bucket is as it was. More tokens than ``burst`` at once take a
    full bucket and leave it in debt, so that a large frame passes but is paid for.
    A bucket that is full only in a time that no debt reaches was told so by a clock that was wrong: it counts
    as full, or one worker an hour fast would lock everybody out for an hour.
    """
    if full_at > now + DEEPEST_DEBT * limiter.fill_ms:
        full_at = 0
    begins = max(full_at, now)
    wait = begins + min(tokens, limiter.burst) * limiter.refill_ms - now - limiter.fill_ms
    if wait > 0:
        return full_at, wait
    return begins + tokens * limiter.refill_ms, 0
