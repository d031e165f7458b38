"""What the functions did to the tables in the whole run, against what the template grants them.

Runs last. The local AWS cannot see Cassandra, so nothing at home refuses a statement without a grant: the
adapters record every statement instead, and the record has to equal the grants, in both directions.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from infra.routes import FUNCTIONS, HttpsRoute, SocketRoute
from local.cloud import LocalCloud
from schemas.tables import TABLES, table
from tests.barriers import Barriers
from tests.e2e.client import routes_used

pytestmark = pytest.mark.local_only

SEND_PATH = {"authorize", "connect", "disconnect", "send", "ack", "sync"}
"""Functions that decide who gets a message: a stale read there loses one."""


class Entry(NamedTuple):
    """One statement as it was run, by the short name of its function."""

    function: str
    table: str
    verb: str
    conditional: bool
    consistency: str
    cql: str

    @property
    def needs(self) -> set[str]:
        """The rights that it takes: a conditional write reads the row that it changes."""
        if self.verb == "select":
            return {"select"}
        return {"select", "modify"} if self.conditional else {"modify"}


@pytest.fixture(scope="module")
def log(cloud: LocalCloud) -> list[Entry]:
    """The distinct statements of this run."""
    with (cloud.places.state / "meter.jsonl").open() as file:
        lines = (json.loads(line) for line in file)
        found = {
            Entry(*(line[name] for name in Entry._fields)) for line in lines if line["kind"] == "statement"
        }
    return sorted(found)


@pytest.fixture(autouse=True)
def everything_ran(barriers: Barriers) -> None:
    """Without the whole suite there is nothing to compare."""
    asleep = {function.name for function in FUNCTIONS} - barriers.functions_that_ran()
    assert not asleep, f"never ran: {', '.join(sorted(asleep))}. This file judges a run of all of tests/e2e."


def test_every_function_uses_exactly_the_rights_it_has(log: list[Entry]) -> None:
    """A missing grant would fail in the cloud only, one too many is a hole: neither is there."""
    used = {(entry.function, entry.table, right) for entry in log for right in entry.needs}
    granted = {
        (f.name, name, right) for f in FUNCTIONS for name, rights in f.tables.items() for right in rights
    }
    differences = {
        "used without a grant": sorted(used - granted),
        "granted and never used": sorted(granted - used),
    }
    assert not any(differences.values()), differences


def test_every_route_was_used() -> None:
    """The comparison is worth what the suite covers: every HTTPS route and every action of the contract."""
    routes = [route for function in FUNCTIONS for route in function.routes]
    https = {f"{route.method} {route.path}" for route in routes if isinstance(route, HttpsRoute)}
    actions = {r.key for r in routes if isinstance(r, SocketRoute) and not r.key.startswith("$")}
    assert https | actions <= routes_used, (https | actions) - routes_used


def test_every_table_was_written(log: list[Entry]) -> None:
    """And read: a table that nobody touches would pass all other checks."""
    for spec in TABLES:
        verbs = {right for entry in log if entry.table == spec.name for right in entry.needs}
        assert verbs == {"select", "modify"}, spec.name


def test_conditional_and_plain_writes_never_meet_in_a_table(log: list[Entry]) -> None:
    """A plain write beside conditional ones may be ordered before them, whatever the clock says."""
    for entry in log:
        if entry.verb != "select":
            assert entry.conditional == table(entry.table).lwt, entry.cql


def test_no_statement_brings_a_timestamp(log: list[Entry]) -> None:
    """The server's clock orders writes; stamps of clients older than two days are refused by Keyspaces."""
    assert not [entry.cql for entry in log if "TIMESTAMP" in entry.cql.upper()]


def test_who_gets_a_message_is_read_at_quorum(log: list[Entry]) -> None:
    """Connections, inbox, devices and relations: a stale read there loses a message or leaks one.

    Only acks look at cards that may be a moment old: what depends on it is a receipt.
    """
    stale = {
        (entry.function, entry.table)
        for entry in log
        if entry.function in SEND_PATH and entry.consistency != "LOCAL_QUORUM"
    }
    assert stale == {("ack", "account_card"), ("sync", "account_card")}
    assert {entry.consistency for entry in log if entry.verb != "select"} == {"LOCAL_QUORUM"}
