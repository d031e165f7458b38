"""Everything that is sent is sent through the search for plaintext, too (tests/canary)."""

from __future__ import annotations

import inspect

from heliograph import Client
from heliograph.content import KINDS

from infra.routes import AUTHORIZER, FUNCTIONS, SocketRoute
from tests.canary.flow import NOT_SENT_YET, SENDS_NOTHING
from tests.canary.flows import FLOWS

JOIN = "needs a flow in tests/canary/flows"


def test_every_route_is_in_a_flow() -> None:
    """A route that no flow uses could keep what it gets, and nobody would look."""
    routes = {
        route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}"
        for function in FUNCTIONS
        for route in function.routes
    }
    played = set().union(*(flow.routes for flow in FLOWS.values()))
    assert (routes | {AUTHORIZER}) - played - NOT_SENT_YET == set(), JOIN
    assert played - routes - {AUTHORIZER} == set(), "no such route"


def test_every_verb_of_the_sdk_is_in_a_flow() -> None:
    """A public name of the client either sends nothing, which is said, or some flow sends with it."""
    verbs = {name for name, _ in inspect.getmembers(Client) if not name.startswith("_")}
    played = set().union(*(flow.verbs for flow in FLOWS.values()))
    assert verbs - played - SENDS_NOTHING == set(), f"{JOIN}, or a place in SENDS_NOTHING"
    assert (played | SENDS_NOTHING) - verbs == set(), "no such verb"
    assert played & SENDS_NOTHING == set()


def test_every_kind_of_content_is_in_a_flow() -> None:
    """A kind that no flow sends could be built past the encryption."""
    played = set().union(*(flow.kinds for flow in FLOWS.values()))
    assert set(KINDS) - played - NOT_SENT_YET == set(), JOIN
    assert played - KINDS == set(), "no such kind"


def test_nothing_is_excused_for_longer_than_it_must() -> None:
    """What a flow uses is no more listed as not sent yet; nor is what does not exist."""
    played = set().union(*(flow.kinds | flow.routes for flow in FLOWS.values()))
    assert played & NOT_SENT_YET == set()
    assert {name for name in NOT_SENT_YET if "/" not in name} <= set(KINDS)
