"""Times of many messages, and when each was meant to leave."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of them do not exceed: the nearest rank.

    Raises ``ValueError`` for no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """When messages are meant to leave: seconds from the start, ascending, at random with a mean ``rate``.

    Intervals are exponential, as between messages of many people who know nothing of each other. Evenly
    spaced ones would hide that two come at once. A seed gives the same times everywhere.
    """
    draw, found, now = random.Random(seed), [], 0.0
    while (now := now + draw.expovariate(rate)) < seconds:
        found.append(now)
    return found
