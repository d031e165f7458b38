"""What a flow cost, beside what it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from bench import pricing
from bench.counting import Counts

TOLERANCE = 1e-9

DRAWN = 2
"""Rows of limits that chance may add to a whole flow: a sampled limiter writes one for one token in 16
(``chat.domain.limits``), which shows where a flow is played a few times only.
"""

DRAWN_ROW = Counts(wru=1, rru=1.0, ttl_deletes=1)


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
        counts = self.counts
        return {
            "frames": counts.frames / self.number,
            "https": counts.https / self.number,
            "invokes": counts.invokes / self.number,
            "wru": counts.wru / self.number,
            "rru": counts.rru / self.number,
            "ttl_deletes": counts.ttl_deletes / self.number,
        }

    @property
    def dollars(self) -> float:
        """Per million units; of something fixed, each."""
        if self.fixed_dollars is not None:
            return self.fixed_dollars
        return 1e6 * pricing.dollars(self.counts, connection_minutes=self.minutes * self.number) / self.number

    def chance(self, name: str) -> float:
        """How much of a count of one unit, or of its dollars per million, may be drawn rows of limits."""
        if self.fixed_dollars is not None:
            return 0.0
        row = {"wru": DRAWN_ROW.wru, "rru": DRAWN_ROW.rru, "ttl_deletes": DRAWN_ROW.ttl_deletes}
        return DRAWN * (row | {"dollars": 1e6 * pricing.dollars(DRAWN_ROW)}).get(name, 0.0) / self.number

    def over(self) -> list[str]:
        """What is over budget, in words."""
        actual = self.averages | {"dollars": self.dollars}
        limits = {name: getattr(self.budget, name) for name in ("frames", "https", "invokes", "dollars")}
        return [
            f"{self.flow}, {self.name}: {actual[name]:.2f} {name} of {limit:g}"
            for name, limit in limits.items()
            if limit is not None and actual[name] > limit + self.chance(name) + TOLERANCE
        ]
