"""The stack with the two bare APIs: addresses without routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Fn, Stack
from aws_cdk import aws_apigatewayv2 as api

from infra.addresses import Addresses, cloud_addresses, local_addresses

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage

# What a signed request may carry from a page in a browser.
_CORS_HEADERS = ["authorization", "content-type"]


class EndpointsStack(Stack):
    """The WebSocket API and the HTTP API, and the URLs for clients.

    They are apart from their routes because functions on either side need both addresses: a device is removed
    over HTTPS and its sockets are closed, and the socket's authorizer checks the host name of the HTTP API.
    """

    def __init__(self, scope: Construct, stage: Stage, *, local_port: int) -> None:
        super().__init__(
            scope,
            "endpoints",
            stack_name=f"heliograph-{stage.name}-endpoints",
            description="Heliograph: addresses of the socket and the HTTPS API",
        )
        socket_api = api.WebSocketApi(
            self,
            "Socket",
            api_name=f"heliograph-{stage.name}-socket",
            route_selection_expression="$request.body.action",
        )
        http_api = api.HttpApi(
            self,
            "Https",
            api_name=f"heliograph-{stage.name}-https",
            create_default_stage=False,
            cors_preflight=_cors(stage),
        )
        self.addresses: Addresses = (
            local_addresses(socket_api.api_id, http_api.api_id, port=local_port)
            if stage.world == "local"
            else cloud_addresses(socket_api.api_id, http_api.api_id)
        )
        # The random part of this stack's id: new with each stage, the same for all its functions, and never
        # in a log. It costs nothing; who may read the configuration of a function may have it.
        self.log_key = Fn.select(2, Fn.split("/", self.stack_id))
        CfnOutput(
            self, "BaseUrl", value=self.addresses.base_url, description="What users configure in a client"
        )
        CfnOutput(
            self, "SocketUrl", value=self.addresses.socket_url, description="Where clients open their socket"
        )


def _cors(stage: Stage) -> api.CorsPreflightOptions | None:
    if not stage.allowed_origins:
        return None
    return api.CorsPreflightOptions(
        allow_origins=list(stage.allowed_origins),
        allow_headers=_CORS_HEADERS,
        allow_methods=[
            api.CorsHttpMethod.GET,
            api.CorsHttpMethod.POST,
            api.CorsHttpMethod.PUT,
            api.CorsHttpMethod.DELETE,
        ],
    )
