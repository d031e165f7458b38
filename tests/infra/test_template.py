"""What the template holds: tables, sockets, routes, functions, and what protects them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.allowed_resources import ALLOWED_RESOURCES
from infra.application import project_version
from infra.routes import (
    AUTHORIZER,
    FUNCTIONS,
    HTTPS_FUNCTIONS,
    SOCKET_FUNCTIONS,
    Function,
    HttpsRoute,
    SocketRoute,
)
from infra.stacks.data import DataStack
from infra.stages import STAGE_NAMES, stage
from schemas.tables import DAY, TABLES, Table
from tests.infra.deployment import STACKS, flat

if TYPE_CHECKING:
    from tests.infra.deployment import Deployment


def _routes(deployment: Deployment, stack: str) -> dict[str, dict[str, Any]]:
    return {
        resource["Properties"]["RouteKey"]: resource["Properties"]
        for name, resource in deployment.resources("AWS::ApiGatewayV2::Route").items()
        if name.startswith(f"{stack}/")
    }


def test_resource_types_are_exactly_the_allowed_ones(dev: Deployment, watched: Deployment) -> None:
    """Nothing billed by the hour slips in: a new type needs a line that says what it costs while idle."""
    used = {
        resource["Type"]
        for deployment in (dev, watched)
        for template in deployment.templates.values()
        for resource in template["Resources"].values()
    }

    assert used == set(ALLOWED_RESOURCES)


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: spec.name)
def test_table_equals_its_source(dev: Deployment, spec: Table) -> None:
    """Every table has the columns, keys, order and lifetime of its source, and is paid by request."""
    (table,) = (
        resource["Properties"]
        for resource in dev.resources("AWS::Cassandra::Table").values()
        if resource["Properties"]["TableName"] == spec.name
    )

    def columns(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [(entry["ColumnName"], entry["ColumnType"]) for entry in entries]

    assert columns(table["PartitionKeyColumns"]) == [(column.name, column.type) for column in spec.partition]
    assert columns([entry["Column"] for entry in table["ClusteringKeyColumns"]]) == [
        (column.name, column.type) for column in spec.clustering
    ]
    assert all(entry["OrderBy"] == "ASC" for entry in table["ClusteringKeyColumns"])
    assert columns(table["RegularColumns"]) == [(column.name, column.type) for column in spec.columns]
    assert table.get("DefaultTimeToLive", 0) == spec.ttl_seconds
    assert table["BillingMode"] == {"Mode": "ON_DEMAND"}
    assert "ClientSideTimestampsEnabled" not in table
    assert table["PointInTimeRecoveryEnabled"] == (spec.ttl_seconds == 0 or spec.ttl_seconds > DAY)


def test_no_table_beside_the_source(dev: Deployment) -> None:
    """The template holds one table for each entry of ``schemas/tables.py``."""
    names = [
        resource["Properties"]["TableName"] for resource in dev.resources("AWS::Cassandra::Table").values()
    ]

    assert sorted(names) == sorted(spec.name for spec in TABLES)


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_data_outlives_its_stack(name: str) -> None:
    """In every stage but the local one tables stay when their stack goes, and the stack refuses to go."""
    app = App()
    data = DataStack(app, stage(name))
    holders = Template.from_stack(data).to_json()["Resources"].values()

    assert len(holders) == len(TABLES) + 1
    for holder in holders:
        assert (
            holder["DeletionPolicy"]
            == holder["UpdateReplacePolicy"]
            == ("Delete" if name == "local" else "Retain")
        )
    assert data.termination_protection is (name != "local")


def test_connect_is_the_one_route_with_an_authorizer(dev: Deployment) -> None:
    """``$connect`` asks the authorizer, which needs the proof; the later frames carry its answer."""
    routes = _routes(dev, "realtime")
    (authorizer_id, authorizer) = next(iter(dev.resources("AWS::ApiGatewayV2::Authorizer").items()))

    assert routes["$connect"]["AuthorizationType"] == "CUSTOM"
    assert routes["$connect"]["AuthorizerId"] == {"Ref": authorizer_id.partition("/")[2]}
    assert {key: route["AuthorizationType"] for key, route in routes.items() if key != "$connect"} == {
        route.key: "NONE"
        for function in SOCKET_FUNCTIONS
        for route in function.routes
        if isinstance(route, SocketRoute) and route.key != "$connect"
    }
    assert authorizer["Properties"]["AuthorizerType"] == "REQUEST"
    assert authorizer["Properties"]["IdentitySource"] == ["route.request.querystring.proof"]
    assert f"<{_function_id(dev, AUTHORIZER)}.Arn>" in flat(authorizer["Properties"]["AuthorizerUri"])


def test_every_https_route_states_its_authorization(dev: Deployment) -> None:
    """Handlers verify signatures themselves, and the template says so for each route."""
    assert {key: route["AuthorizationType"] for key, route in _routes(dev, "https").items()} == {
        f"{route.method} {route.path}": "NONE"
        for function in HTTPS_FUNCTIONS
        for route in function.routes
        if isinstance(route, HttpsRoute)
    }


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_routes_lead_to_their_function(dev: Deployment, function: Function) -> None:
    """Each route of a row is integrated with the function of that row."""
    stack = dev.stack_of(function.name)
    resources = dev.templates[stack]["Resources"]
    for route in function.routes:
        key = route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}"
        integration_id = (
            flat(_routes(dev, stack)[key]["Target"]).removeprefix("integrations/<").removesuffix(">")
        )
        uri = flat(resources[integration_id]["Properties"]["IntegrationUri"])

        assert f"<{_function_id(dev, function.name)}.Arn>" in uri


def test_only_answering_routes_have_a_route_response(dev: Deployment) -> None:
    """What a handler returns reaches the client on ``send``, ``sync`` and ``$default``, and nowhere else."""
    routes = dev.templates["realtime"]["Resources"]
    answering = {
        routes[resource["Properties"]["RouteId"]["Ref"]]["Properties"]["RouteKey"]
        for resource in dev.resources("AWS::ApiGatewayV2::RouteResponse").values()
    }

    assert answering == {"send", "sync", "$default"}
    assert answering == {
        key for key, route in _routes(dev, "realtime").items() if "RouteResponseSelectionExpression" in route
    }


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_function_runs_as_the_table_says(dev: Deployment, function: Function) -> None:
    """Python 3.13 on arm64, ten seconds, the row's memory, both layers, and the handler of its own folder."""
    properties = dev.functions()[function.name]

    assert properties == properties | {
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Timeout": 10,
        "MemorySize": function.memory_mb,
        "Handler": f"functions.{function.name}.handler.handler",
    }
    assert len(properties["Layers"]) == 2
    assert "VpcConfig" not in properties
    assert properties["LoggingConfig"]["SystemLogLevel"] == "WARN"


def test_stages_throttle_each_rare_route(dev: Deployment) -> None:
    """By the stage's settings, with both numbers: an absent one would be the account's, not the stage's."""
    settings: dict[str, Any] = {}
    for resource in dev.resources("AWS::ApiGatewayV2::Stage").values():
        settings |= resource["Properties"]["RouteSettings"]

    assert settings == {
        key: {"ThrottlingRateLimit": throttle.per_second, "ThrottlingBurstLimit": throttle.burst}
        for key, throttle in dev.stage.route_throttles.items()
    }


@pytest.mark.parametrize("stack", ["realtime", "https"])
def test_a_stage_comes_after_its_routes(dev: Deployment, stack: str) -> None:
    """API Gateway refuses a throttle for a route that is not there yet: "Unable to find Route by key"."""
    resources = dev.templates[stack]["Resources"]
    routes = {name for name, resource in resources.items() if resource["Type"].endswith("::Route")}
    (stage_of_api,) = (r for r in resources.values() if r["Type"] == "AWS::ApiGatewayV2::Stage")

    assert routes <= set(stage_of_api["DependsOn"])


def test_stages_throttle_and_write_no_log_of_frames(dev: Deployment) -> None:
    """Both APIs are throttled by the stage's settings; no access log, no execution log, no data trace."""
    stages = [resource["Properties"] for resource in dev.resources("AWS::ApiGatewayV2::Stage").values()]

    assert sorted(properties["StageName"] for properties in stages) == ["$default", "v1"]
    for properties in stages:
        # Equality: a LoggingLevel or DataTraceEnabled beside the two would fail here.
        assert properties["DefaultRouteSettings"] == {"ThrottlingRateLimit": 200, "ThrottlingBurstLimit": 400}
        assert properties["AutoDeploy"] is True
        assert "AccessLogSettings" not in properties
        assert all(
            set(setting) == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
            for setting in properties["RouteSettings"].values()
        )


def test_every_log_is_kept_for_two_weeks(dev: Deployment, local: Deployment, watched: Deployment) -> None:
    """In every stage, one group a function: what is older than a trace needs is nobody's business."""
    for deployment in (dev, local, watched):
        groups = [group["Properties"] for group in deployment.resources("AWS::Logs::LogGroup").values()]
        assert len(groups) == len(FUNCTIONS)
        assert {group["RetentionInDays"] for group in groups} == {14}


def test_browsers_are_admitted_by_origin_only(dev: Deployment, local: Deployment) -> None:
    """The HTTP API answers preflights for the configured origins; without any it has no such setting."""

    def cors(deployment: Deployment) -> object:
        apis = [
            resource["Properties"] for resource in deployment.resources("AWS::ApiGatewayV2::Api").values()
        ]
        (http_api,) = (properties for properties in apis if properties["ProtocolType"] == "HTTP")
        return http_api.get("CorsConfiguration", {}).get("AllowOrigins")

    assert cors(dev) == ["https://chat.example.org"]
    assert cors(local) is None


def test_outputs_are_the_two_addresses(dev: Deployment) -> None:
    """Clients find the base URL and the socket URL among the outputs of the endpoints stack."""
    outputs = {
        name: flat(output["Value"])
        for name, output in dev.templates["endpoints"]["Outputs"].items()
        if "Export" not in output
    }

    domain = "execute-api.<AWS::Region>.<AWS::URLSuffix>"
    assert outputs == {
        "BaseUrl": f"https://<HttpsAAAA90BA>.{domain}",
        "SocketUrl": f"wss://<SocketFF70B135>.{domain}/v1",
    }


@pytest.mark.parametrize("stack", STACKS)
def test_everything_is_tagged(dev: Deployment, stack: str) -> None:
    """Every resource that takes tags names project, stage and version, so a bill can be read."""
    expected = {"project": "heliograph", "stage": "dev", "version": project_version()}
    tagged = [
        resource["Properties"]["Tags"]
        for resource in dev.templates[stack]["Resources"].values()
        if "Tags" in resource["Properties"]
    ]

    assert tagged
    for tags in tagged:
        assert (tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}) == expected


def test_stacks_depend_in_one_direction(dev: Deployment) -> None:
    """Data comes first and goes last, then endpoints; the others can be removed and built again."""
    manifest = json.loads((dev.assembly / "manifest.json").read_text())
    needs = {
        stack: set(manifest["artifacts"][stack]["dependencies"]) & set(STACKS) - {stack} for stack in STACKS
    }

    assert needs["data"] == set()
    assert needs["endpoints"] == {"data"}
    assert needs["realtime"] == needs["https"] == needs["operations"] == {"endpoints"}


def _function_id(deployment: Deployment, function: str) -> str:
    name = f"heliograph-{deployment.stage.name}-{function}"
    return next(
        key.partition("/")[2]
        for key, resource in deployment.resources("AWS::Lambda::Function").items()
        if resource["Properties"]["FunctionName"] == name
    )
