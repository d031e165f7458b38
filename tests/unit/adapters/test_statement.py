"""Statements are checked when they are built."""

from __future__ import annotations

import pytest
from chat.adapters.cassandra.statement import Statement


@pytest.mark.parametrize(
    ("cql", "verb", "table", "conditional"),
    [
        ("SELECT last FROM heliograph.connects_by_device WHERE account_id = ? AND device_id = ?",
         "select", "connects_by_device", False),
        ("INSERT INTO heliograph.connections_by_account (account_id) VALUES (?)",
         "insert", "connections_by_account", False),
        ("INSERT INTO heliograph.used_proofs (proof) VALUES (?) IF NOT EXISTS",
         "insert", "used_proofs", True),
        ("UPDATE heliograph.connects_by_device SET last = ? WHERE account_id = ? AND device_id=? IF last < ?",
         "update", "connects_by_device", True),
        ("DELETE FROM heliograph.used_proofs WHERE proof = ? IF EXISTS", "delete", "used_proofs", True),
    ],
)  # fmt: skip
def test_reads_what_the_text_says(cql: str, verb: str, table: str, conditional: bool) -> None:
    """Verb, table and condition come from the text, so that a log or a grant cannot disagree with it."""
    statement = Statement(cql)
    assert (statement.verb, statement.table, statement.conditional) == (verb, table, conditional)
    assert statement.idempotent is not conditional
    assert statement.consistency == "LOCAL_QUORUM"


@pytest.mark.parametrize(
    ("cql", "rule"),
    [
        ("DELETE FROM heliograph.used_proofs WHERE proof = ?", "plain-write"),
        ("SELECT proof FROM heliograph.used_proofs", "scan"),
        ("SELECT proof FROM heliograph.used_proofs WHERE proof = ? ALLOW FILTERING", "allow-filtering"),
        ("SELECT proof FROM used_proofs WHERE proof = ?", "unqualified"),
    ],
)
def test_refuses_text_outside_the_subset(cql: str, rule: str) -> None:
    """What Keyspaces would refuse, or what mixes plain and conditional writes, fails at import."""
    with pytest.raises(ValueError, match=f"^{rule}: "):
        Statement(cql)


def test_refuses_what_is_no_statement() -> None:
    """DDL and prose are no statements."""
    with pytest.raises(ValueError, match="not a SELECT"):
        Statement("DROP TABLE heliograph.used_proofs")


def test_only_reads_may_be_local_one() -> None:
    """A write at LOCAL_ONE would not be seen by the next LOCAL_QUORUM read, and Keyspaces refuses it."""
    read = "SELECT used_at FROM heliograph.used_proofs WHERE proof = ?"
    assert Statement(read, consistency="LOCAL_ONE").consistency == "LOCAL_ONE"
    with pytest.raises(ValueError, match="writes are LOCAL_QUORUM"):
        Statement(
            "INSERT INTO heliograph.connections_by_account (account_id) VALUES (?)", consistency="LOCAL_ONE"
        )
