"""What a run says of what it found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.canary.needles import Needle, Store
from tests.canary.report import lines
from tests.canary.run import Outcome
from tests.canary.search import Hit

TEXT = Needle(b"a text that nobody may see", "chat", "text from alice to bob")
TOKEN = Needle(b"a token of somebody", "signing in", "token", frozenset({Store.WIRE}))
CONTROL = Needle(
    b"what was planted",
    "control",
    "row",
    frozenset(Store),
    frozenset({(Store.ROWS, "raw"), (Store.LOGS, "hex")}),
)
FOUND = {Hit(CONTROL, "raw", Store.ROWS, "table"), Hit(CONTROL, "hex", Store.LOGS, "lambda.log")}


def outcome(*hits: Hit) -> Outcome:
    """A run that found its control, and these."""
    return Outcome(needles=[TEXT, TOKEN], controls=[CONTROL], hits={*FOUND, *hits})


def test_a_run_that_finds_its_controls_alone_passes() -> None:
    """Nothing leaked, nothing was missed; the last line says so."""
    assert outcome().passed
    assert list(lines(outcome()))[-2:] == ["2 of 2 planted controls found", "0 of 2 canaries found"]


def test_a_canary_anywhere_fails_the_run_and_is_not_shown() -> None:
    """Store, place, encoding and flow are told; the value only where it is asked for."""
    leaked = outcome(*(Hit(TEXT, form, Store.LOGS, "aws.log") for form in ("python", "raw", "json")))
    said = list(lines(leaked))
    assert not leaked.passed
    assert said[-1] == "1 of 2 canaries found"
    assert "FOUND in logs, aws.log, as raw: text from alice to bob (flow 'chat')" in said
    assert "nobody" not in "\n".join(said)
    assert "nobody" in "\n".join(lines(leaked, show=True))


@pytest.mark.parametrize(("store", "passed"), [(Store.WIRE, True), (Store.LOGS, False)])
def test_a_secret_may_lie_where_that_is_its_place(store: Store, passed: bool) -> None:
    """A sign-in token goes over the wire, and nowhere else."""
    assert outcome(Hit(TOKEN, "raw", store, "place")).passed is passed


@pytest.mark.parametrize("lost", sorted(FOUND, key=lambda hit: hit.form))
def test_a_control_that_is_missed_in_one_store_fails_the_run(lost: Hit) -> None:
    """The search is blind there, so what it did not find says nothing."""
    blind = outcome()
    blind.hits.remove(lost)
    assert not blind.passed
    assert f"blind: 'row' was planted in {lost.store} as {lost.form} and not found" in list(lines(blind))
    assert not replace(blind, hits={*blind.hits, replace(lost, form="HEX")}).passed


def test_a_flow_that_does_not_do_what_it_claims_fails_the_run() -> None:
    """Else a flow could stop using a route, and the route would be searched no more."""
    assert not replace(outcome(), unused={"chat": ["send"]}).passed
    assert not replace(outcome(), broken={"chat": "TimeoutError"}).passed
