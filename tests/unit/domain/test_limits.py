"""The arithmetic of token buckets, and what the table of limiters must keep to."""

from __future__ import annotations

import pytest
from chat.domain.limits import LIMITERS, ROW_SECONDS, SAMPLED_ROOM, Limiter, limiter_of, take
from hypothesis import given
from hypothesis import strategies as st

from schemas.tables import table

NOW = 1_764_000_000_000
THREE = Limiter("three", 3, 1_000, "device", "row", "closed")


def test_a_burst_passes_and_then_one_each_refill() -> None:
    """The wait is exact: a ms before it is still refused, then one token is there and no second."""
    full_at, waits = 0, []
    for _ in range(4):
        full_at, wait = take(full_at, THREE, NOW)
        waits.append(wait)

    assert waits == [0, 0, 0, 1_000]
    assert take(full_at, THREE, NOW + 999) == (full_at, 1)
    full_at, wait = take(full_at, THREE, NOW + 1_000)
    assert wait == 0
    assert take(full_at, THREE, NOW + 1_000) == (full_at, 1_000)


def test_a_clock_that_was_wrong_locks_nobody_out() -> None:
    """What a worker an hour fast took counts for nothing; what one two seconds fast took counts."""
    for fast, wait_expected in ((3_600_000, 0), (2_000, 3_000)):
        full_at = 0
        for _ in range(3):
            full_at, _ = take(full_at, THREE, NOW + fast)
        assert take(full_at, THREE, NOW)[1] == wait_expected


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """After a day of silence no more passes than after it was full."""
    full_at = take(0, THREE, NOW)[0]

    full_at, wait = take(full_at, THREE, NOW + 86_400_000, 3)

    assert wait == 0
    assert take(full_at, THREE, NOW + 86_400_000)[1] == 1_000


def test_more_than_a_burst_takes_a_full_bucket_and_is_paid_for() -> None:
    """Five of three pass only when the bucket is full, and the debt has to be refilled first."""
    assert take(take(0, THREE, NOW)[0], THREE, NOW, 5)[1] == 1_000

    full_at, wait = take(0, THREE, NOW, 5)

    assert wait == 0
    assert take(full_at, THREE, NOW)[1] == 3_000


@given(
    st.integers(1, 50),
    st.integers(1, 5_000),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 60)), max_size=60),
)
def test_no_more_passes_than_burst_and_refill_allow(
    burst: int, refill_ms: int, asked: list[tuple[int, int]]
) -> None:
    """Since the bucket was full; and who waits as long as told is let in."""
    limiter = Limiter("any", burst, refill_ms, "device", "row", "closed")
    full_at, now, passed = 0, NOW, 0
    for pause, tokens in asked:
        now += pause
        tokens = min(tokens, burst)  # noqa: PLW2901 - more leave a debt: the test above
        full_at, wait = take(full_at, limiter, now, tokens)
        passed += 0 if wait else tokens
        assert passed <= burst + (now - NOW) // refill_ms
        assert not wait or take(full_at, limiter, now + wait, tokens)[1] == 0


def test_names_and_routes_are_unique() -> None:
    """A row belongs to one limiter, a route has one; names stand in keys, before a colon."""
    routes = [route for limiter in LIMITERS for route in limiter.routes]

    assert len({limiter.name for limiter in LIMITERS}) == len(LIMITERS)
    assert len(set(routes)) == len(routes)
    assert all(limiter.name.isidentifier() for limiter in LIMITERS)


@pytest.mark.parametrize("limiter", LIMITERS, ids=lambda limiter: limiter.name)
def test_a_row_outlives_its_filling(limiter: Limiter) -> None:
    """A row that expires before its bucket is full would hand out tokens too early."""
    assert table("rate_limits").ttl_seconds == ROW_SECONDS
    room = SAMPLED_ROOM if limiter.kept == "sampled" else 1
    assert room * limiter.fill_ms <= 1_000 * ROW_SECONDS


@pytest.mark.parametrize("limiter", LIMITERS, ids=lambda limiter: limiter.name)
def test_a_sampled_limiter_fails_open_and_a_counted_one_closed(limiter: Limiter) -> None:
    """Where 15 of 16 tokens never ask the store, its failure must not refuse the sixteenth."""
    assert limiter.fails == ("open" if limiter.kept in ("memory", "sampled") else "closed")


def test_a_route_that_nobody_decided_on_is_an_error() -> None:
    """It fails when its function is imported, not by letting everybody in."""
    assert limiter_of("GET /.well-known/heliograph") is None
    with pytest.raises(KeyError):
        limiter_of("POST /v1/everything")
