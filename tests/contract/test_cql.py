"""The CQL linter: it finds every rule's violation, and this project has none."""

# ruff: noqa: S608  the texts are read by the linter and never sent anywhere

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.lint_cql import ROOT, lint, lint_python
from schemas.tables import render_cql

CARD = "FROM heliograph.account_card WHERE account_id = ? AND entry = ?"
INBOX = "heliograph.inbox_by_account"
ROW = "account_id = ? AND week = ? AND device_id = ? AND message_id = ? AND sender = ?"

VIOLATIONS = [
    ("truncate", "TRUNCATE heliograph.account_card"),
    ("index", "CREATE INDEX by_owner ON heliograph.accounts_by_handle (owner)"),
    ("index", "CREATE CUSTOM INDEX by_owner ON heliograph.accounts_by_handle (owner) USING 'sai'"),
    ("materialized-view", "CREATE MATERIALIZED VIEW heliograph.v AS SELECT x FROM heliograph.y"),
    ("function", "CREATE OR REPLACE FUNCTION heliograph.f (x int) RETURNS int LANGUAGE java AS ''"),
    ("alter-type", "ALTER TYPE heliograph.address ADD zip text"),
    ("counter", "CREATE TABLE heliograph.hits (id ascii PRIMARY KEY, n counter)"),
    ("counter", "UPDATE heliograph.connects_by_device SET last = last + 1 WHERE account_id = ? IF EXISTS"),
    ("use", "USE heliograph"),
    ("batch-text", f"BEGIN UNLOGGED BATCH DELETE FROM {INBOX} WHERE {ROW}; APPLY BATCH"),
    ("aggregate", f"SELECT COUNT(*) {CARD}"),
    ("aggregate", f"SELECT max(version) {CARD}"),
    ("group-by", f"SELECT entry {CARD} GROUP BY entry"),
    ("distinct", "SELECT DISTINCT account_id FROM heliograph.account_card WHERE account_id = ?"),
    ("per-partition-limit", f"SELECT entry {CARD} PER PARTITION LIMIT 1"),
    ("allow-filtering", f"SELECT entry {CARD} AND blocked = true ALLOW FILTERING"),
    ("contains", f"SELECT entry {CARD} AND body LIKE 'x%'"),
    ("using-timestamp", f"DELETE FROM {INBOX} USING TIMESTAMP ? WHERE {ROW}"),
    ("using-timestamp", f"UPDATE {INBOX} USING TTL 60 AND TIMESTAMP 5 SET envelope = ? WHERE {ROW}"),
    ("using-timestamp", f"SELECT WRITETIME(version) {CARD}"),
    ("json", f"SELECT JSON entry {CARD}"),
    ("in-on-write", f"DELETE FROM {INBOX} WHERE {ROW} AND sender IN (?, ?)"),
    ("in-on-write", f"UPDATE {INBOX} SET envelope = ? WHERE {ROW} AND sender IN ?"),
    ("in-too-long", f"SELECT entry {CARD} AND entry IN ({', '.join('?' * 101)})"),
    ("unqualified", "SELECT entry FROM account_card WHERE account_id = ?"),
    ("unknown-table", "SELECT x FROM heliograph.accounts WHERE account_id = ?"),
    ("plain-write", "INSERT INTO heliograph.account_card (account_id, entry) VALUES (?, ?)"),
    ("plain-write", f"DELETE {CARD}"),
    ("conditional-write", f"DELETE FROM {INBOX} WHERE {ROW} IF EXISTS"),
    ("ttl", "INSERT INTO heliograph.account_card (account_id) VALUES (?) IF NOT EXISTS USING TTL 60"),
    ("scan", "SELECT entry FROM heliograph.account_card"),
    ("scan", f"SELECT message_id FROM {INBOX} WHERE account_id = ?"),
    ("range-write", f"DELETE FROM {INBOX} WHERE account_id = ? AND week = ? AND device_id = ?"),
    ("range-write", f"DELETE FROM {INBOX} WHERE {ROW.replace('sender = ?', 'sender > ?')}"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "cql"), VIOLATIONS)
def test_finds_a_violation_of_each_rule(rule: str, cql: str) -> None:
    """Each refused construct, in a string somewhere in a source, is found under the name of its rule."""
    found = list(lint_python(f"X = {cql!r}\n", "schemas/x.py"))
    assert rule in {violation.rule for violation in found}
    assert {(violation.file, violation.line) for violation in found} == {("schemas/x.py", 1)}


@pytest.mark.parametrize(
    "cql",
    [
        f"SELECT version {CARD}",
        "SELECT entry FROM heliograph.account_card WHERE account_id = ? AND entry IN ?",
        f"SELECT sender FROM {INBOX} WHERE account_id = ? AND week IN ? AND device_id = ? ORDER BY sender",
        f"INSERT INTO {INBOX} (account_id, week) VALUES (?, ?) USING TTL ?",
        f"DELETE FROM {INBOX} WHERE {ROW}",
        "UPDATE heliograph.connects_by_device SET last = ? WHERE account_id = ? AND device_id=? IF last < 6",
        "DELETE FROM heliograph.account_card WHERE account_id = ? AND entry = ? IF EXISTS",
        "SELECT key FROM system.local",
    ],
)
def test_lets_the_common_subset_pass(cql: str) -> None:
    """What both stores take alike is not complained about."""
    assert list(lint_python(f"X = {cql!r}\n", "layers/x.py")) == []


def test_refuses_schema_changes_at_run_time() -> None:
    """CREATE, ALTER and DROP stand in schemas/ and local/ only."""
    source = 'X = "ALTER TABLE heliograph.account_card ADD colour text"\n'
    assert [violation.rule for violation in lint_python(source, "layers/x.py")] == ["ddl-at-run-time"]
    assert list(lint_python(source, "local/x.py")) == []


def test_refuses_consistency_levels_that_keyspaces_lacks() -> None:
    """QUORUM works at home and is an error in the cloud."""
    source = "a = ConsistencyLevel.QUORUM\nb = ConsistencyLevel.LOCAL_QUORUM\n"
    assert [(found.rule, found.line) for found in lint_python(source, "layers/x.py")] == [("consistency", 1)]


def test_reads_strings_however_they_are_put_together() -> None:
    """Joined, added and formatted strings are one text; docstrings and prose are none."""
    source = '''
"""DELETE FROM the table WHERE nothing is."""
A = ("SELECT entry FROM heliograph.account_card"
     " WHERE account_id = ? ALLOW FILTERING")
B = "SELECT entry FROM heliograph.account_card WHERE account_id = ?" + " ALLOW FILTERING"
C = f"SELECT entry FROM {KEYSPACE}.account_card WHERE account_id = ? {END} ALLOW FILTERING"
D = "Select a device from the list, use it, drop the rest."
'''
    found = [(violation.line, violation.rule) for violation in lint_python(source, "layers/x.py")]
    assert found == [(line, "allow-filtering") for line in (3, 5, 6)]


def test_lints_scripts_too(tmp_path: Path) -> None:
    """The rendered ``.cql`` passes; a broken statement in one is named with its line."""
    script = tmp_path / "schemas" / "tables.cql"
    script.parent.mkdir()
    script.write_text(
        render_cql() + "\n-- a comment; with a semicolon\n\nTRUNCATE heliograph.account_card;\n"
    )
    (violation,) = lint(tmp_path)
    assert (violation.rule, violation.line) == ("truncate", script.read_text().count("\n"))


def test_this_project_keeps_the_rules() -> None:
    """No violation in layers/, functions/, local/ and schemas/; the command says so by its exit status."""
    assert [str(violation) for violation in lint()] == []
    done = subprocess.run(
        [sys.executable, "-m", "schemas.lint_cql"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")
