"""Which bucket is asked, how often, and what happens while the store does not answer."""

from __future__ import annotations

import dataclasses
import random

import pytest
from chat.adapters.memory_limits import MemoryBuckets
from chat.domain.limits import LIMITERS, SAMPLED_ROOM, SAMPLING, Limiter
from chat.errors import ChatError, Code, limited
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases.limits import RateLimits, demand, digest

from tests.fakes.limits import FakeLimitRows

NOW = 1_764_000_000_000
SAMPLED = Limiter("sampled", 100, 1_000, "device", "sampled", "open")
ROW = Limiter("row", 3, 1_000, "account", "row", "closed")
by_limiter = pytest.mark.parametrize(
    "limiter",
    [limiter for limiter in LIMITERS if limiter.kept != "connects"],
    ids=lambda limiter: limiter.name,
)


def environment(rows: FakeLimitRows, seed: int = 1) -> RateLimits:
    """One Lambda environment: buckets of its own, rows that all share."""
    return RateLimits(MemoryBuckets(), rows, random.Random(seed).random)


@by_limiter
def test_every_limiter_lets_a_burst_in_and_no_more(limiter: Limiter) -> None:
    """Whatever keeps it; then the wait is at most what a token takes."""
    limits = environment(FakeLimitRows())

    waits = [limits.take(limiter, "a", NOW) for _ in range(limiter.burst + 1)]

    assert waits == [0] * limiter.burst + [limiter.refill_ms]
    assert limits.take(limiter, "b", NOW) == 0


@by_limiter
@pytest.mark.parametrize("error", [StorageUnavailable("x"), OutcomeUnknown("x")])
def test_while_the_store_is_down_each_fails_as_declared(limiter: Limiter, error: Exception) -> None:
    """Open ones let pass what the memory has room for; closed ones let the failure through: UNAVAILABLE."""
    rows = FakeLimitRows()
    rows.fails = error
    limits = environment(rows)

    if limiter.fails == "closed":
        with pytest.raises(type(error)):
            limits.take(limiter, "a", NOW)
    else:
        assert {limits.take(limiter, "a", NOW) for _ in range(limiter.burst)} == {0}
        assert limits.take(limiter, "a", NOW) > 0


def test_one_token_in_sixteen_asks_the_store_and_counts_for_all() -> None:
    """Over many tokens the row holds what was taken; the others cost no call."""
    rows = FakeLimitRows()
    limits = environment(rows)
    roomy = dataclasses.replace(SAMPLED, burst=10**9)

    for _ in range(16_000):
        limits.take(roomy, "a", NOW)

    assert rows.calls == 1_000
    assert rows.taken("sampled:a", NOW, roomy) == rows.calls * SAMPLING


def test_a_frame_of_many_asks_once() -> None:
    """However many of its tokens are drawn: here the first of each sixteen."""
    rows = FakeLimitRows()
    limits = RateLimits(MemoryBuckets(), rows, lambda: 0.0)

    limits.take(SAMPLED, "a", NOW, 50)

    assert rows.calls == 1
    assert rows.taken("sampled:a", NOW, SAMPLED) == 4 * SAMPLING


def test_nobody_knows_which_of_sixteen_is_drawn() -> None:
    """Each place comes up: a client cannot keep to the ones that are not looked at."""
    places = set()
    for seed in range(200):
        rows = FakeLimitRows()
        limits = environment(rows, seed)
        calls = [limits.take(SAMPLED, "a", NOW) or rows.calls for _ in range(SAMPLING)]
        places.add(calls.index(1))

    assert places == set(range(SAMPLING))


def test_many_environments_together_are_limited_too() -> None:
    """Each has buckets of its own, so only the shared row sees a device that spreads over all of them."""
    rows = FakeLimitRows()
    fleet = [environment(rows, seed) for seed in range(50)]

    passed = sum(fleet[i % 50].take(SAMPLED, "a", NOW) == 0 for i in range(50 * 100))

    assert passed < 3 * SAMPLED_ROOM * SAMPLED.burst + 50 * SAMPLING


def test_who_is_found_out_by_the_row_is_refused_from_memory() -> None:
    """The refusal of a sampled token holds for the unsampled ones behind it, without a call."""
    rows = FakeLimitRows()
    rows.take(SAMPLED, "a", NOW, SAMPLED_ROOM * SAMPLED.burst + 30)
    chances = iter([0.0])
    limits = RateLimits(MemoryBuckets(), rows, lambda: next(chances, 0.99))

    wait = limits.take(SAMPLED, "a", NOW)
    calls = rows.calls

    assert wait > 30_000
    assert limits.take(SAMPLED, "a", NOW + 1) == wait - 1
    assert limits.take(SAMPLED, "a", NOW + wait) == 0
    assert rows.calls == calls


def test_other_numbers_stand_in_for_a_limiter() -> None:
    """By its name, as a bench or a test asks for."""
    narrow = dataclasses.replace(ROW, burst=1)
    limits = RateLimits(MemoryBuckets(), FakeLimitRows(), random.random, {"row": narrow})

    assert [limits.take(ROW, "a", NOW) for _ in range(2)] == [0, 1_000]


@pytest.mark.parametrize(("wait", "seconds"), [(1, 0.1), (100, 0.1), (101, 0.2), (9_000, 9.0)])
def test_the_refusal_says_how_long(wait: int, seconds: float) -> None:
    """In tenths of a second, rounded up: who waits that long is let in."""
    assert limited(wait).as_json()["retry_after"] == seconds


def test_demanding_refuses_with_the_code() -> None:
    """RATE_LIMITED, as soon as the bucket is empty."""
    limits = environment(FakeLimitRows())
    for _ in range(ROW.burst):
        demand(ROW, "a", limits=limits, now=NOW)

    with pytest.raises(ChatError) as refused:
        demand(ROW, "a", limits=limits, now=NOW)

    assert (refused.value.code, refused.value.retry_after) == (Code.RATE_LIMITED, 1.0)


def test_a_digest_is_a_key_and_hides_its_text() -> None:
    """Stable, different for others, ASCII whatever went in."""
    assert digest("oidc:M\u00fcller") == digest("oidc:M\u00fcller") != digest("oidc:Miller")
    assert digest("oidc:M\u00fcller").isascii()
    assert len(digest("")) == 43
