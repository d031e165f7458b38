"""The keyspace and its tables, rendered from ``schemas/tables.py``."""

from __future__ import annotations

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_cassandra as cassandra
from constructs import Construct

from schemas.tables import DAY, KEYSPACE, TABLES, Column, Table


class Keyspace(Construct):
    """The keyspace with every table: paid by request, encrypted with the service's own key.

    Tables whose rows live for longer than a day have point-in-time recovery (35 days).
    ``keeps_data``: keyspace and tables stay when they leave the template or the stack is deleted.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keeps_data: bool) -> None:
        super().__init__(scope, construct_id)
        policy = RemovalPolicy.RETAIN if keeps_data else RemovalPolicy.DESTROY
        keyspace = cassandra.CfnKeyspace(self, "Keyspace", keyspace_name=KEYSPACE)
        keyspace.apply_removal_policy(policy)
        for spec in TABLES:
            table = _table(self, spec)
            table.apply_removal_policy(policy)
            table.add_resource_dependency(keyspace)


def _table(scope: Construct, spec: Table) -> CfnResource:
    return cassandra.CfnTable(
        scope,
        "".join(word.capitalize() for word in spec.name.split("_")),
        keyspace_name=KEYSPACE,
        table_name=spec.name,
        partition_key_columns=[_column(column) for column in spec.partition],
        clustering_key_columns=[
            cassandra.CfnTable.ClusteringKeyColumnProperty(column=_column(column), order_by="ASC")
            for column in spec.clustering
        ],
        regular_columns=[_column(column) for column in spec.columns],
        # A value above zero is also what turns the TTL feature on for the table.
        default_time_to_live=spec.ttl_seconds or None,
        billing_mode=cassandra.CfnTable.BillingModeProperty(mode="ON_DEMAND"),
        point_in_time_recovery_enabled=spec.ttl_seconds == 0 or spec.ttl_seconds > DAY,
    )


def _column(column: Column) -> cassandra.CfnTable.ColumnProperty:
    return cassandra.CfnTable.ColumnProperty(column_name=column.name, column_type=column.type)
