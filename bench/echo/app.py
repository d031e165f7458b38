"""The echo stack as a CDK app: route ``reply`` answers by route response, ``post`` by @connections."""

from __future__ import annotations

import os
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_lambda as lambdas
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

HANDLERS = Path(__file__).parent / "handlers"


class EchoStack(cdk.Stack):
    """One WebSocket API with two routes. Output ``SocketUrl`` is its address in the local cloud."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        port = os.environ.get("GATEWAY_PORT", "4566")
        api = gateway.WebSocketApi(self, "Socket")
        stage = gateway.WebSocketStage(self, "Stage", web_socket_api=api, stage_name="v1", auto_deploy=True)
        address = f"127.0.0.1:{port}/_aws/execute-api/{api.api_id}/v1"
        for route in ("reply", "post"):
            function = lambdas.Function(
                self,
                route.capitalize(),
                runtime=lambdas.Runtime.PYTHON_3_13,
                handler=f"{route}.handler",
                code=lambdas.Code.from_asset(str(HANDLERS)),
                timeout=cdk.Duration.seconds(10),
                environment={"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": f"http://{address}"},
            )
            stage.grant_management_api_access(function)
            api.add_route(
                route,
                integration=WebSocketLambdaIntegration(f"{route}Integration", function),
                return_response=route == "reply",
            )
        cdk.CfnOutput(self, "SocketUrl", value=f"ws://{address}")


def main() -> None:
    """Synthesize the one stack."""
    app = cdk.App()
    EchoStack(app, "echo")
    app.synth()


if __name__ == "__main__":
    main()
