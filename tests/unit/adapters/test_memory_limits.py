"""Buckets in the memory of one environment."""

from __future__ import annotations

from chat.adapters.memory_limits import MemoryBuckets
from chat.domain.limits import Limiter

NOW = 1_764_000_000_000
THREE = Limiter("three", 3, 1_000, "device", "memory", "open")
OTHER = Limiter("other", 3, 1_000, "device", "memory", "open")


def test_buckets_are_apart() -> None:
    """By limiter and by subject."""
    buckets = MemoryBuckets()

    assert [buckets.take(THREE, "a", NOW, 3), buckets.take(THREE, "a", NOW)] == [0, 1_000]
    assert [buckets.take(THREE, "b", NOW), buckets.take(OTHER, "a", NOW)] == [0, 0]


def test_memory_is_bounded() -> None:
    """The bucket that was not used for longest goes; one in use stays, however many come by."""
    buckets = MemoryBuckets(most=10)
    buckets.take(THREE, "busy", NOW, 3)

    for passer_by in range(100):
        buckets.take(THREE, str(passer_by), NOW)
        assert buckets.take(THREE, "busy", NOW) == 1_000

    assert len(buckets) == 10


def test_a_bucket_can_be_emptied() -> None:
    """Until the given time nothing passes, then one token does; what is emptier already stays so."""
    buckets = MemoryBuckets()
    buckets.empty(THREE, "a", NOW, 5_000)

    assert buckets.take(THREE, "a", NOW) == 5_000
    buckets.empty(THREE, "a", NOW, 10)
    assert buckets.take(THREE, "a", NOW + 4_999) == 1
    assert [buckets.take(THREE, "a", NOW + 5_000), buckets.take(THREE, "a", NOW + 5_000)] == [0, 1_000]
