"""The peer as a CDK app: three functions, one WebSocket API, one table of connections paid by request."""

from __future__ import annotations

import os
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambdas
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

HANDLERS = Path(__file__).parent / "handlers"


class PeerStack(cdk.Stack):
    """Routes ``$connect``, ``$disconnect`` and ``sendmessage``. Output ``SocketUrl`` is its local address."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        port = os.environ.get("GATEWAY_PORT", "4566")
        key = dynamodb.Attribute(name="connectionId", type=dynamodb.AttributeType.STRING)
        self._table = dynamodb.Table(
            self,
            "Connections",
            partition_key=key,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        connect, disconnect, send = (self._function(n) for n in ("onconnect", "ondisconnect", "sendmessage"))
        api = gateway.WebSocketApi(
            self,
            "Socket",
            connect_route_options=_route("Connect", connect),
            disconnect_route_options=_route("Disconnect", disconnect),
        )
        api.add_route("sendmessage", integration=WebSocketLambdaIntegration("Send", send))
        stage = gateway.WebSocketStage(self, "Stage", web_socket_api=api, stage_name="v1", auto_deploy=True)
        stage.grant_management_api_access(send)
        address = f"127.0.0.1:{port}/_aws/execute-api/{api.api_id}/v1"
        send.add_environment("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", f"http://{address}")
        cdk.CfnOutput(self, "SocketUrl", value=f"ws://{address}")

    def _function(self, name: str) -> lambdas.Function:
        function = lambdas.Function(
            self,
            name,
            runtime=lambdas.Runtime.PYTHON_3_13,
            handler=f"{name}.handler",
            code=lambdas.Code.from_asset(str(HANDLERS)),
            memory_size=512,
            timeout=cdk.Duration.seconds(10),
            environment={"TABLE_NAME": self._table.table_name},
        )
        self._table.grant_read_write_data(function)
        return function


def _route(name: str, function: lambdas.Function) -> gateway.WebSocketRouteOptions:
    return gateway.WebSocketRouteOptions(integration=WebSocketLambdaIntegration(name, function))


def main() -> None:
    """Synthesize the one stack."""
    app = cdk.App()
    PeerStack(app, "peer")
    app.synth()


if __name__ == "__main__":
    main()
