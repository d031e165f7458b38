"""Ways to break a correct history, each the mark of one broken promise."""

from __future__ import annotations

from tests.unit.faults.broken import delivery, order, phantoms, rows, sealing, statuses
from tests.unit.faults.broken.draft import WAYS, Breaker, Draft

__all__ = ["WAYS", "Breaker", "Draft", "delivery", "order", "phantoms", "rows", "sealing", "statuses"]
