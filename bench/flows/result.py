"""What a flow cost, beside what it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from bench import pricing
from bench.counting import Counts

TOLERANCE = 1e-9

DRAWN = Counts(wru=2, rru=2.0, ttl_deletes=2)
"""Two rows of limits, which chance may add to a whole flow: a sampled limiter writes one for one token in 16
(``chat.domain.limits``), which shows where a flow is played a few times only.
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one of a flow may use on average. Dollars per million.

    ``wru`` and ``rru`` are what was planned, shown beside what was counted; dollars limit them. A flow that
    says nothing of HTTPS makes no such request: a chat that goes on asks for nobody's keys.
    """

    dollars: float
    frames: float | None = None
    invokes: float | None = None
    wru: float | None = None
    rru: float | None = None
    https: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report: ``number`` times ``unit`` took ``counts``, or costs ``fixed_dollars`` each.

    ``minutes`` are the connection minutes of one unit. ``naive`` is what the usual design takes, in dollars
    per million; nothing where the usual design has nothing like it. ``note`` says what the line includes.
    """

    flow: str
    name: str
    unit: str
    number: float
    counts: Counts
    budget: Budget
    naive: float | None
    note: str = ""
    minutes: float = 0.0
    fixed_dollars: float | None = None

    @property
    def averages(self) -> dict[str, float]:
        """Counts of one unit."""
        return _averages(self.counts, self.number)

    @property
    def dollars(self) -> float:
        """Per million units; of something fixed, each."""
        if self.fixed_dollars is not None:
            return self.fixed_dollars
        return 1e6 * pricing.dollars(self.counts, connection_minutes=self.minutes * self.number) / self.number

    @property
    def chance(self) -> dict[str, float]:
        """How much of each count of one unit, and of its dollars, may be drawn rows of limits."""
        drawn = DRAWN if self.fixed_dollars is None else Counts()
        return _averages(drawn, self.number) | {"dollars": 1e6 * pricing.dollars(drawn) / self.number}

    def over(self) -> list[str]:
        """What is over budget, in words."""
        actual = self.averages | {"dollars": self.dollars}
        limits = {name: getattr(self.budget, name) for name in ("frames", "https", "invokes", "dollars")}
        return [
            f"{self.flow}, {self.name}: {actual[name]:.2f} {name} of {limit:g}"
            for name, limit in limits.items()
            if limit is not None and actual[name] > limit + self.chance[name] + TOLERANCE
        ]


def _averages(counts: Counts, number: float) -> dict[str, float]:
    return {
        "frames": counts.frames / number,
        "https": counts.https / number,
        "invokes": counts.invokes / number,
        "wru": counts.wru / number,
        "rru": counts.rru / number,
        "ttl_deletes": counts.ttl_deletes / number,
    }
