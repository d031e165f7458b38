"""From the meter's lines to counts, and from counts to dollars."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from typing import Any

import pytest
from chat.adapters import cassandra
from chat.adapters.cassandra.statement import Statement

from bench import pricing
from bench.counting import FRAME_BYTES, Counts, count, metered
from bench.keyspaces import row_bytes, value_bytes
from bench.statements import bind
from schemas.tables import table

INBOX = (
    "INSERT INTO heliograph.inbox_by_account (account_id, week, device_id, message_id, sender, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TTL ?"
)
ACCOUNT, ID, SENDER = "a" * 36, "i" * 36, "b" * 36 + ":1"
KEY = [ACCOUNT, 2900, 1, ID, SENDER]


def statement(cql: str, values: list[Any], rows: list[dict[str, Any]] | None = None, **about: Any) -> Any:
    """A line of the meter."""
    verb = cql.split(maxsplit=1)[0].lower()
    line = {
        "kind": "statement",
        "function": "send",
        "table": re.findall(r"heliograph\.(\w+)", cql)[0],
        "verb": verb,
        "conditional": " IF " in cql,
        "consistency": "LOCAL_QUORUM",
        "cql": cql,
        "applied": True,
        "values": values,
        "rows": rows or [],
    }
    return line | about


def all_statements() -> list[Statement]:
    """Every statement that an adapter may run."""
    modules = [
        importlib.import_module(f"{cassandra.__name__}.{found.name}")
        for found in pkgutil.iter_modules(cassandra.__path__)
        if found.name != "keyspaces_auth"
    ]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Statement)]


@pytest.mark.parametrize("statement", all_statements(), ids=lambda s: f"{s.verb}-{s.table}")
def test_every_statement_of_the_adapters_is_understood(statement: Statement) -> None:
    """Its values go to columns of its table; a write names the whole key, so no row is counted as another."""
    places = [place.start() for place in re.finditer(r"\?", statement.cql)]
    values: list[Any] = [[7] if statement.cql[:place].endswith("IN ") else 7 for place in places]
    bound = bind(statement.cql, values)
    spec = table(statement.table)
    assert set(bound.columns | bound.where) <= {column.name for column in spec.key + spec.columns}
    if statement.verb != "select":
        assert {column.name for column in spec.key} <= set(bound.columns | bound.where)


def test_a_delete_costs_what_its_row_costs() -> None:
    """3 KB take four units to write and to delete; then nothing is left to expire. A repeat costs one."""
    delete = (
        "DELETE FROM heliograph.inbox_by_account"
        " WHERE account_id = ? AND week = ? AND device_id = ? AND message_id = ? AND sender = ?"
    )
    write = statement(INBOX, [*KEY, {"bytes": 3000}, 60])
    assert (count([write]).wru, count([write]).ttl_deletes) == (4, 1)
    both = count([write, statement(delete, KEY)])
    assert (both.wru, both.ttl_deletes) == (8, 0)
    again = count([write, write, statement(delete, KEY), statement(delete, KEY)])
    assert (again.wru, again.ttl_deletes) == (13, 0)


def test_a_row_of_usual_size_is_one_unit() -> None:
    """420 bytes of ciphertext stay under 1 KB with their key, which counts twice."""
    row = dict(zip(("account_id", "week", "device_id", "message_id", "sender"), KEY, strict=True))
    size = row_bytes(table("inbox_by_account"), row | {"envelope": bytes(420)})
    assert 600 < size < 800
    assert count([statement(INBOX, [*KEY, {"bytes": 420}, 60])]).wru == 1


def test_reads_are_the_sum_of_rows_and_ranges_one_more() -> None:
    """Nine rows of 400 bytes are one unit, a range over them another row; nothing found is one unit."""
    point = "SELECT message_id, sender FROM heliograph.inbox_by_account WHERE account_id = ? AND week = ?"
    one = row_bytes(
        table("inbox_by_account"),
        {"account_id": ACCOUNT, "week": 2900, "device_id": None, "message_id": ID, "sender": SENDER},
    )
    fits = 4096 // one
    rows = [{"message_id": ID, "sender": SENDER}] * fits
    assert count([statement(point, [ACCOUNT, 2900], rows)]).rru == 1
    ranged = f"{point} AND device_id >= ? LIMIT ?"
    assert count([statement(ranged, [ACCOUNT, 2900, 1, 100], rows)]).rru == 2
    assert count([statement(point, [ACCOUNT, 2900])]).rru == 1
    assert count([statement(point, [ACCOUNT, 2900], consistency="LOCAL_ONE")]).rru == 0.5


def test_an_in_over_partitions_is_a_read_of_each() -> None:
    """Also of those without a row; an ``IN`` within one partition is one read."""
    across = "SELECT account_id, device_id FROM heliograph.connections_by_account WHERE account_id IN ?"
    found = [{"account_id": "a", "device_id": 1}, {"account_id": "a", "device_id": 2}]
    assert count([statement(across, [["a", "b", "c"]], found)]).rru == 3
    within = "SELECT entry, body FROM heliograph.account_card WHERE account_id = ? AND entry IN ?"
    rows = [{"entry": "devices", "body": "x" * 300}, {"entry": "peer:b"}]
    assert count([statement(within, ["a", ["devices", "peer:b", "peer:c"]], rows)]).rru == 1


def test_a_failed_condition_costs_the_row_that_stood_there() -> None:
    """Two units for a card of 1.5 KB, whatever the write would have been."""
    insert = (
        "INSERT INTO heliograph.account_card (account_id, entry, version, body)"
        " VALUES (?, ?, ?, ?) IF NOT EXISTS"
    )
    stood = {"account_id": ACCOUNT, "entry": "devices", "version": 3, "body": "x" * 1500, "blocked": None}
    refused = statement(insert, [ACCOUNT, "devices", 1, "y"], [stood], applied=False)
    assert count([refused]).wru == 2
    assert count([statement(insert, [ACCOUNT, "devices", 1, "y"])]).wru == 1


def test_frames_are_metered_by_32_kilobytes_both_ways() -> None:
    """An answer without a body is no frame; a post that fails is one until somebody knows better."""
    call = {"kind": "invocation", "function": "send", "trigger": "message", "ms": 3.0, "cpu_ms": 1.0}
    counts = count(
        [
            call | {"size": FRAME_BYTES, "answer_size": FRAME_BYTES + 1},
            call | {"size": 1, "answer_size": 0},
            {"kind": "post", "function": "send", "size": 10, "status": 200},
            {"kind": "post", "function": "send", "size": 70_000, "status": 410},
        ]
    )
    assert (counts.frames_in, counts.frames_out, counts.refused_posts) == (2, 6, 1)
    assert counts.frames == 8
    assert (counts.invocations, counts.milliseconds["send"]) == (Counter(send=2), 6.0)


def test_connects_are_no_frames_and_https_is_its_own() -> None:
    """API Gateway bills messages and minutes of a socket, not its handshake."""
    call = {
        "kind": "invocation",
        "function": "connect",
        "ms": 1.0,
        "cpu_ms": 1.0,
        "size": 0,
        "answer_size": 0,
    }
    triggers = ["connect", "disconnect", "authorize", "https"]
    counts = count([call | {"trigger": trigger} for trigger in triggers])
    assert (counts.frames, counts.https, counts.invokes) == (0, 1, 4)


def test_queues_are_metered_by_64_kilobytes() -> None:
    """The SQS pricing page: a request of 256 KB is billed as four."""
    assert count([{"kind": "queue", "function": "send", "size": 256 * 1024}]).queue_requests == 4


def test_an_unknown_line_is_an_error() -> None:
    """What nobody counts would be free."""
    with pytest.raises(ValueError, match="miracle"):
        count([{"kind": "miracle", "function": "send"}])


def test_an_empty_payload_is_a_request() -> None:
    """And exact multiples are not rounded up."""
    assert [metered(size, 10) for size in (0, 1, 10, 11)] == [1, 1, 1, 2]


def test_published_bills() -> None:
    """The examples of the price pages: frames, minutes, writes and reads at list price.

    A million each: $1.00, $0.25, $0.625 and $0.125; Lambda: a million of 512 MB for 20 ms on arm64 are
    10,000 GB-seconds, $0.1333, and $0.20 for requests.
    """
    counts = Counts(frames_in=500_000, frames_out=500_000, wru=1_000_000, rru=1_000_000)
    counts.invocations["send"] = 1_000_000
    bill = pricing.bill(counts, connection_minutes=1_000_000)
    assert {name: round(amount, 4) for name, amount in bill.items()} == {
        "websocket_frames": 1.0,
        "connection_minutes": 0.25,
        "write_request_units": 0.625,
        "read_request_units": 0.125,
        "lambda_requests": 0.2,
        "lambda_gb_seconds": 0.1333,
    }
    assert pricing.dollars(counts) == pytest.approx(1.0 + 0.625 + 0.125 + 0.2 + 0.1333, abs=1e-4)


def test_every_price_has_a_source_and_the_file_a_date() -> None:
    """A number without a source cannot be checked."""
    price = pricing.prices()
    assert len(price.dated.split("-")) == 3
    assert all(price.sources.values())
    assert set(price.per_million) | set(price.each) < set(price.sources)


def test_a_value_that_is_recorded_by_length_counts_by_length() -> None:
    """The meter keeps no content, only what it weighs."""
    bound = bind(INBOX, [*KEY, {"bytes": 99}, 60])
    assert value_bytes(bound.columns["envelope"]) == 99
