"""The short part of ``make canary``, in every ``make test``."""

from __future__ import annotations

from tests.canary.needles import Store
from tests.canary.run import Outcome


def test_what_was_planted_is_found(outcome: Outcome) -> None:
    """In every store and every form: a row in each table, a row that was deleted, an object, a message, a
    parameter, each log, each kind of file, an archive, and over the border of two files.
    """
    assert not outcome.missed
    assert {store for needle in outcome.controls for store, _ in needle.planted} == set(Store)
    assert all(outcome.searched[store] > 0 for store in Store)
