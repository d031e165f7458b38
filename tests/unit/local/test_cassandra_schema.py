"""CloudFormation tables and Cassandra: create, adopt, add; refuse what would lose data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from local import cassandra_schema
from local.cassandra_schema import SchemaRefusedError, Shape, differences, reconcile
from schemas.tables import TABLES, table

RESOURCE: dict[str, Any] = {
    "KeyspaceName": "heliograph",
    "TableName": "inbox_by_account",
    "PartitionKeyColumns": [
        {"ColumnName": "account_id", "ColumnType": "ascii"},
        {"ColumnName": "week", "ColumnType": "INT"},
    ],
    "ClusteringKeyColumns": [
        {"Column": {"ColumnName": "message_id", "ColumnType": "ascii"}, "OrderBy": "DESC"}
    ],
    "RegularColumns": [{"ColumnName": "envelope", "ColumnType": "blob"}],
    "DefaultTimeToLive": "2592000",
}
SHAPE = Shape(
    partition=(("account_id", "ascii"), ("week", "int")),
    clustering=(("message_id", "ascii", "desc"),),
    columns={"envelope": "blob"},
    ttl=2592000,
)


class FakeSession:
    """Holds tables as shapes, answers what ``system_schema`` would, and records every other statement."""

    def __init__(self, tables: dict[str, Shape]) -> None:
        self.tables = tables
        self.statements: list[str] = []

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        if not statement.startswith("SELECT"):
            self.statements.append(statement)
            return []
        if "system_schema.columns" in statement:
            shape = self.tables.get(parameters[1])
            return _columns(shape) if shape else []
        if "default_time_to_live" in statement:
            return [SimpleNamespace(default_time_to_live=self.tables[parameters[1]].ttl)]
        return [SimpleNamespace(table_name=name) for name in self.tables]


def _columns(shape: Shape) -> list[Any]:
    rows = [(name, kind, "partition_key", n, "none") for n, (name, kind) in enumerate(shape.partition)]
    rows += [(name, kind, "clustering", n, order) for n, (name, kind, order) in enumerate(shape.clustering)]
    rows += [(name, kind, "regular", -1, "none") for name, kind in shape.columns.items()]
    names = ("column_name", "type", "kind", "position", "clustering_order")
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in reversed(rows)]


def test_a_table_that_is_missing_is_created_with_key_order_and_expiry() -> None:
    """The resource becomes a real table; the inbox gets the short grace of the local cloud."""
    session = FakeSession({})
    assert reconcile(session, RESOURCE) == "heliograph|inbox_by_account"
    (statement,) = session.statements
    assert statement == (
        "CREATE TABLE heliograph.inbox_by_account"
        " (account_id ascii, week int, message_id ascii, envelope blob,"
        " PRIMARY KEY ((account_id, week), message_id))"
        " WITH default_time_to_live = 2592000"
        " AND CLUSTERING ORDER BY (message_id desc) AND gc_grace_seconds = 600"
    )


def test_a_table_that_exists_as_it_should_is_adopted_untouched() -> None:
    """After a reset of the local AWS alone, the rows survive the next deployment."""
    session = FakeSession({"inbox_by_account": SHAPE})
    reconcile(session, RESOURCE)
    assert session.statements == []


def test_a_new_column_is_added_in_place() -> None:
    """The one change that Keyspaces makes in place is made here too."""
    session = FakeSession({"inbox_by_account": SHAPE})
    added = {"ColumnName": "size", "ColumnType": "int"}
    reconcile(session, RESOURCE | {"RegularColumns": [*RESOURCE["RegularColumns"], added]})
    assert session.statements == ["ALTER TABLE heliograph.inbox_by_account ADD (size int)"]


def test_a_changed_expiry_is_altered_in_place() -> None:
    """A new default expiry does not need a new table."""
    session = FakeSession({"inbox_by_account": SHAPE})
    reconcile(session, RESOURCE | {"DefaultTimeToLive": 60})
    assert session.statements == ["ALTER TABLE heliograph.inbox_by_account WITH default_time_to_live = 60"]


def test_another_type_is_refused_and_nothing_changes() -> None:
    """A type change fails on the laptop with the words that explain it, not first in AWS."""
    session = FakeSession({"inbox_by_account": SHAPE})
    with pytest.raises(SchemaRefusedError, match="envelope: type blob cannot become text"):
        reconcile(session, RESOURCE | {"RegularColumns": [{"ColumnName": "envelope", "ColumnType": "text"}]})
    assert session.statements == []


def test_another_key_is_refused_and_nothing_changes() -> None:
    """A key change would replace the table in AWS and lose its rows."""
    session = FakeSession({"inbox_by_account": SHAPE})
    with pytest.raises(SchemaRefusedError, match="the key cannot change"):
        reconcile(session, RESOURCE | {"ClusteringKeyColumns": []})
    assert session.statements == []


def test_a_column_that_the_resource_no_longer_names_stays() -> None:
    """The rollback of a failed deployment asks for the old columns and must succeed."""
    wider = Shape(SHAPE.partition, SHAPE.clustering, {**SHAPE.columns, "size": "int"}, SHAPE.ttl)
    session = FakeSession({"inbox_by_account": wider})
    reconcile(session, RESOURCE)
    assert session.statements == []


def test_a_live_schema_like_the_source_has_no_differences() -> None:
    """The check after a deployment is silent when all is well."""
    live = {spec.name: cassandra_schema.shape_of_spec(spec) for spec in TABLES}
    assert differences(FakeSession(live), "heliograph", TABLES) == []


def test_missing_different_and_unknown_tables_are_all_told() -> None:
    """One run names everything that differs, each in a sentence."""
    used = table("used_proofs")
    live = {"used_proofs": Shape((("proof", "text"),)), "forgotten": Shape((("id", "int"),))}
    found = differences(FakeSession(live), "heliograph", (used, table("account_card")))
    assert [line.split(" is ")[0] for line in found] == [
        "table used_proofs",
        "table account_card",
        "table forgotten",
    ]
    assert found[1:] == ["table account_card is missing", "table forgotten is not in the source"]
