"""The probe stack as a CDK app: two WebSocket APIs, an HTTP API, a queue and tables, all around one function.

Questions about API Gateway are asked of a stack of their own: it can crash in its authorizer, throttle its
stage and lack a route, needs no account at an identity provider, and its figures in CloudWatch are nobody
else's. It costs nothing while it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cassandra as cassandra
from aws_cdk import aws_lambda as lambdas
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration, WebSocketLambdaIntegration
from constructs import Construct

KEYSPACE = "heliograph_probe"

STAGES = ("v1", "throttled", "answered", "posted", "gone", "empty", "pings")
"""Stages of the socket API: one to talk to, one that is throttled, and one for each question to the bill."""

TABLES: Mapping[str, int] = MappingProxyType(
    {
        "rules": 3600,
        "one_row": 0,
        "no_row": 0,
        "deleted_rows": 3600,
        "in_rows": 0,
        "in_parts": 0,
        "limited": 0,
        "refused": 0,
        "refused_ttl": 3600,
        "applied": 0,
        "batched": 0,
        "deletes": 0,
    }
)
"""Tables by name, one for each question to the bill, with their TTL in seconds (0: none)."""


class ProbeStack(cdk.Stack):
    """Everything that is asked, to be removed right after. Outputs are ids."""

    def __init__(self, scope: Construct, stage: str) -> None:
        super().__init__(scope, "probe", stack_name=f"heliograph-{stage}-probe")
        self._function = self._make_function(stage)
        routed = self._socket_api("Routed", ("call", "quiet"))
        self._output("RoutedApi", routed.api_id)
        self._output("DefaultApi", self._socket_api("Default", ("$default",)).api_id)
        http = gateway.HttpApi(self, "Https", api_name=f"heliograph-{stage}-probe-https")
        integration = HttpLambdaIntegration("HttpsIntegration", self._function)
        methods = [gateway.HttpMethod.GET, gateway.HttpMethod.PUT, gateway.HttpMethod.DELETE]
        http.add_routes(path="/call", methods=methods, integration=integration)
        self._output("HttpsApi", http.api_id)
        self._output("FunctionName", self._function.function_name)
        queue = sqs.Queue(self, "Queue", removal_policy=cdk.RemovalPolicy.DESTROY)
        self._output("QueueUrl", queue.queue_url)
        self._tables()

    def _make_function(self, stage: str) -> lambdas.Function:
        name = f"heliograph-{stage}-probe"
        group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.ONE_DAY,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        return lambdas.Function(
            self,
            "Function",
            function_name=name,
            code=lambdas.Code.from_inline((Path(__file__).parent / "echo.py").read_text("utf-8")),
            handler="index.handler",
            runtime=lambdas.Runtime.PYTHON_3_13,
            architecture=lambdas.Architecture.ARM_64,
            timeout=cdk.Duration.seconds(40),
            memory_size=256,
            log_group=group,
        )

    def _socket_api(self, name: str, routes: tuple[str, ...]) -> gateway.WebSocketApi:
        authorizer = WebSocketLambdaAuthorizer(
            f"{name}Proof", self._function, identity_source=["route.request.querystring.proof"]
        )
        api = gateway.WebSocketApi(
            self,
            name,
            connect_route_options=gateway.WebSocketRouteOptions(
                integration=WebSocketLambdaIntegration(f"{name}Connect", self._function),
                authorizer=authorizer,
            ),
        )
        for route in routes:
            api.add_route(
                route,
                integration=WebSocketLambdaIntegration(f"{name}{route}", self._function),
                return_response=route != "quiet",
            )
        for stage in STAGES if name == "Routed" else STAGES[:1]:
            slow = gateway.ThrottleSettings(rate_limit=1, burst_limit=1) if stage == "throttled" else None
            gateway.WebSocketStage(
                self,
                f"{name}{stage.capitalize()}",
                web_socket_api=api,
                stage_name=stage,
                auto_deploy=True,
                throttle=slow,
            )
        return api

    def _tables(self) -> None:
        keyspace = cassandra.CfnKeyspace(self, "Keyspace", keyspace_name=KEYSPACE)
        keyspace.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        column = cassandra.CfnTable.ColumnProperty
        for name, seconds in TABLES.items():
            table = cassandra.CfnTable(
                self,
                f"Table{name.replace('_', '').capitalize()}",
                keyspace_name=KEYSPACE,
                table_name=name,
                partition_key_columns=[column(column_name="part", column_type="ascii")],
                clustering_key_columns=[
                    cassandra.CfnTable.ClusteringKeyColumnProperty(
                        column=column(column_name="place", column_type="int"), order_by="ASC"
                    )
                ],
                regular_columns=[
                    column(column_name="state", column_type="int"),
                    column(column_name="text", column_type="ascii"),
                ],
                default_time_to_live=seconds or None,
                billing_mode=cassandra.CfnTable.BillingModeProperty(mode="ON_DEMAND"),
            )
            table.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
            table.add_resource_dependency(keyspace)

    def _output(self, name: str, value: str) -> None:
        cdk.CfnOutput(self, name, value=value)


def main() -> None:
    """Synthesize the one stack."""
    app = cdk.App()
    ProbeStack(app, app.node.try_get_context("stage") or "local")
    app.synth()


if __name__ == "__main__":
    main()
