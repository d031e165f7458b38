"""The tables in the local Cassandra: made out of CloudFormation resources, compared with
``schemas/tables.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.tables import Table

#: Tables whose rows are deleted soon: at home their tombstones may go after ten minutes instead of ten days.
#: Nobody is down meanwhile: there is one node. Keyspaces has no such setting.
SHORT_GRACE_SECONDS = 600
SHORT_GRACE_TABLES = frozenset({"connections_by_account", "inbox_by_account"})


class Session(Protocol):
    """The one call of a driver session that is used here."""

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> Iterable[Any]:
        """Run one statement."""
        ...


class SchemaRefusedError(ValueError):
    """A change that would lose data or that Keyspaces does not do in place. CloudFormation shows the text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes up a table: key columns with their types in order, regular columns, expiry in seconds."""

    partition: tuple[tuple[str, str], ...]
    clustering: tuple[tuple[str, str, str], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    ttl: int = 0


def shape_of_resource(props: Mapping[str, Any]) -> Shape:
    """The shape that the properties of an ``AWS::Cassandra::Table`` ask for."""
    return Shape(
        partition=tuple((column["ColumnName"], _type(column)) for column in props["PartitionKeyColumns"]),
        clustering=tuple(
            (column["Column"]["ColumnName"], _type(column["Column"]), column.get("OrderBy", "ASC").lower())
            for column in props.get("ClusteringKeyColumns") or ()
        ),
        columns={column["ColumnName"]: _type(column) for column in props.get("RegularColumns") or ()},
        ttl=int(props.get("DefaultTimeToLive") or 0),
    )


def shape_of_spec(spec: Table) -> Shape:
    """The shape that ``schemas/tables.py`` declares."""
    return Shape(
        partition=tuple((column.name, column.type) for column in spec.partition),
        clustering=tuple((column.name, column.type, "asc") for column in spec.clustering),
        columns={column.name: column.type for column in spec.columns},
        ttl=spec.ttl_seconds,
    )


def live_shape(session: Session, keyspace: str, table: str) -> Shape | None:
    """The shape of a table in Cassandra, or ``None`` where there is none."""
    rows = list(
        session.execute(
            "SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns"
            " WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, table),
        )
    )
    if not rows:
        return None
    options = list(
        session.execute(
            "SELECT default_time_to_live FROM system_schema.tables"
            " WHERE keyspace_name = %s AND table_name = %s",
            (keyspace, table),
        )
    )
    rows.sort(key=lambda row: row.position)
    return Shape(
        partition=tuple((row.column_name, row.type) for row in rows if row.kind == "partition_key"),
        clustering=tuple(
            (row.column_name, row.type, row.clustering_order) for row in rows if row.kind == "clustering"
        ),
        columns={row.column_name: row.type for row in rows if row.kind in ("regular", "static")},
        ttl=options[0].default_time_to_live if options else 0,
    )


def reconcile(session: Session, props: Mapping[str, Any]) -> str:
    """Make the table of the resource exist with at least its columns; returns the physical id
    ``keyspace|table``.

    Creates it, or adopts the one that exists: a missing regular column is added, the expiry set. Anything
    else raises ``SchemaRefusedError`` and changes nothing. A live column that the resource does not name
    stays: after a failed deployment the rollback asks for exactly that.
    """
    keyspace, table, wanted = props["KeyspaceName"], props["TableName"], shape_of_resource(props)
    name = f"{keyspace}.{table}"
    live = live_shape(session, keyspace, table)
    if live is None:
        session.execute(create_statement(keyspace, table, wanted))
        return f"{keyspace}|{table}"
    if (live.partition, live.clustering) != (wanted.partition, wanted.clustering):
        raise SchemaRefusedError(
            f"{name}: the key cannot change from {_key(live)} to {_key(wanted)}; make a new table"
        )
    for column, kind in wanted.columns.items():
        if column in live.columns and live.columns[column] != kind:
            raise SchemaRefusedError(
                f"{name}.{column}: type {live.columns[column]} cannot become {kind}; add a new column"
            )
    if added := [f"{column} {kind}" for column, kind in wanted.columns.items() if column not in live.columns]:
        session.execute(f"ALTER TABLE {name} ADD ({', '.join(added)})")
    if live.ttl != wanted.ttl:
        session.execute(f"ALTER TABLE {name} WITH default_time_to_live = {wanted.ttl}")
    return f"{keyspace}|{table}"


def create_statement(keyspace: str, table: str, shape: Shape) -> str:
    """``CREATE TABLE`` for that shape."""
    columns = [f"{name} {kind}" for name, kind in shape.partition]
    columns += [f"{name} {kind}" for name, kind, _ in shape.clustering]
    columns += [f"{name} {kind}" for name, kind in shape.columns.items()]
    partition = ", ".join(name for name, _ in shape.partition)
    clustering = "".join(f", {name}" for name, _, _ in shape.clustering)
    options = [f"default_time_to_live = {shape.ttl}"]
    if shape.clustering:
        order = ", ".join(f"{name} {direction}" for name, _, direction in shape.clustering)
        options.append(f"CLUSTERING ORDER BY ({order})")
    if table in SHORT_GRACE_TABLES:
        options.append(f"gc_grace_seconds = {SHORT_GRACE_SECONDS}")
    return (
        f"CREATE TABLE {keyspace}.{table} ({', '.join(columns)}, PRIMARY KEY (({partition}){clustering}))"
        f" WITH {' AND '.join(options)}"
    )


def differences(session: Session, keyspace: str, specs: Iterable[Table]) -> list[str]:
    """What the live keyspace has different from the source, one sentence each; empty when they agree."""
    found: list[str] = []
    known = set()
    for spec in specs:
        known.add(spec.name)
        live, wanted = live_shape(session, keyspace, spec.name), shape_of_spec(spec)
        if live is None:
            found.append(f"table {spec.name} is missing")
        elif live != wanted:
            found.append(f"table {spec.name} is {live}, the source says {wanted}")
    rows = session.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", (keyspace,)
    )
    return found + [
        f"table {row.table_name} is not in the source" for row in rows if row.table_name not in known
    ]


def _type(column: Mapping[str, Any]) -> str:
    kind = str(column["ColumnType"]).lower()
    return "text" if kind == "varchar" else kind


def _key(shape: Shape) -> str:
    partition = ", ".join(f"{name} {kind}" for name, kind in shape.partition)
    clustering = "".join(f", {name} {kind} {order}" for name, kind, order in shape.clustering)
    return f"(({partition}){clustering})"
