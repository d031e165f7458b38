"""The short part of ``make canary``, in every ``make test``."""

from __future__ import annotations

from tests.canary.needles import Store
from tests.canary.report import lines
from tests.canary.run import Outcome


def test_what_was_planted_is_found(outcome: Outcome) -> None:
    """In every store and every form: a row in each table, a row that was deleted, an object, a message, a
    parameter, each log, each kind of file, an archive, and over the border of two files.
    """
    assert not outcome.missed
    assert {store for needle in outcome.controls for store, _ in needle.planted} == set(Store)
    assert all(outcome.searched[store] > 0 for store in Store)


def test_every_flow_plays_as_it_claims(outcome: Outcome) -> None:
    """Each route, verb and kind that a flow is registered for was really used."""
    assert (outcome.broken, outcome.unused) == ({}, {})


def test_the_server_is_blind(outcome: Outcome) -> None:
    """No text that a device sent, no key that it holds, no passphrase and no sign-in token lies anywhere."""
    assert len(outcome.needles) > 100
    assert not outcome.leaks, "\n".join(lines(outcome))
