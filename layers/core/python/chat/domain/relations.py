"""How one account stands to another."""

from __future__ import annotations

from dataclasses import dataclass

RELATION_LIMIT = 5_000
"""Accounts one account may be related to: what bounds its card."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What one account decided about another.

    ``accepted``: it wrote to it once, or accepted it: the other gets receipts.
    ``unblocked_at`` (ms): messages from before it may have been dropped while blocked, so nothing is said
    of them.
    """

    accepted: bool = False
    blocked: bool = False
    unblocked_at: int = 0


STRANGER = Relation()


def gives_receipts(mine: Relation, *, also_accepted: bool = False) -> bool:
    """Whether I tell the other account what I acknowledge: accepted by me, and not blocked."""
    return (mine.accepted or also_accepted) and not mine.blocked
