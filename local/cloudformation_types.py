"""CloudFormation types that ministack lacks: with them the one template of the project deploys here as it is.

A keyspace and a table become the real thing in Cassandra. Deleting a stack never drops either: like the
tables in the cloud they are kept, and the next deployment adopts them with their rows. Only ``make reset``
drops.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.cassandra_schema import reconcile
from local.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

Created = tuple[str, dict[str, str]]
Properties = Mapping[str, Any]


def register() -> None:
    """Teach ministack the types. Raises ``RuntimeError`` when it has learnt one itself: then ours must go."""
    types: dict[str, dict[str, Callable[..., Any]]] = {
        "AWS::Cassandra::Keyspace": {"create": _create_keyspace, "update": _update_keyspace, "delete": _keep},
        "AWS::Cassandra::Table": {"create": _create_table, "update": _update_table, "delete": _keep},
        "AWS::ApiGatewayV2::RouteResponse": {
            "create": _create_route_response,
            "update": _update_route_response,
            "delete": _delete_route_response,
        },
    }
    if known := sorted(types.keys() & _RESOURCE_HANDLERS.keys()):
        raise RuntimeError(f"ministack has {', '.join(known)} of its own now: remove ours")
    _RESOURCE_HANDLERS.update(types)


@contextmanager
def cassandra_session(port: int) -> Iterator[Any]:
    """A driver session to the local Cassandra. Raises the driver's ``NoHostAvailable`` when it is not up."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile  # noqa: PLC0415  0.1 s, at deploys
    from cassandra.policies import RoundRobinPolicy  # noqa: PLC0415

    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=30)
    cluster = Cluster(
        [HOST], port=port, protocol_version=4, execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        schema_metadata_enabled=False, token_metadata_enabled=False,
    )  # fmt: skip
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def _create_keyspace(_logical_id: str, props: Properties, _stack: str) -> Created:
    name = props["KeyspaceName"]
    with cassandra_session(int(os.environ["CASSANDRA_PORT"])) as session:
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {name}"
            " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
    return name, {}


def _update_keyspace(physical_id: str, _old: Properties, _new: Properties, _stack: str) -> Created:
    return physical_id, {}


def _create_table(_logical_id: str, props: Properties, _stack: str) -> Created:
    with cassandra_session(int(os.environ["CASSANDRA_PORT"])) as session:
        return reconcile(session, props), {}


def _update_table(_physical_id: str, _old: Properties, new: Properties, stack: str) -> Created:
    return _create_table("", new, stack)


def _keep(_physical_id: str, _props: Properties) -> None:
    """Deleting keeps the data."""


def _create_route_response(_logical_id: str, props: Properties, _stack: str) -> Created:
    key = {"routeResponseKey": props["RouteResponseKey"]}
    status, _headers, body = apigateway._create_route_response(props["ApiId"], _route(props), key)
    if status != 201:
        raise ValueError(f"route response of {props['RouteId']}: {body.decode()}")
    return json.loads(body)["routeResponseId"], {}


def _update_route_response(physical_id: str, old: Properties, new: Properties, stack: str) -> Created:
    _delete_route_response(physical_id, old)
    return _create_route_response("", new, stack)


def _delete_route_response(physical_id: str, props: Properties) -> None:
    apigateway._delete_route_response(props["ApiId"], _route(props), physical_id)


def _route(props: Properties) -> str:
    """Ref of a route is ``api/route`` in ministack, the route id alone in AWS."""
    return str(props["RouteId"]).rsplit("/", 1)[-1]
