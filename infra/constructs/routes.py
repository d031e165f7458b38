"""Routes of the two APIs, each leading to its function, and the stages that throttle them.

The APIs live in a stack of their own, so both are imported by id here: everything that belongs to a route
(integration, permission, authorizer) then lands in the stack of its function, and no cycle arises.
A stage comes after its routes: API Gateway refuses a throttle for a route that does not exist yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_apigatewayv2 as api
from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration, WebSocketLambdaIntegration
from constructs import Construct

from infra.routes import SOCKET_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_lambda as lambda_

    from infra.routes import HttpsRoute, SocketRoute
    from infra.stages import Stage, Throttle

# A browser cannot set headers on a handshake, so the signed proof is a query parameter. Without it the
# handshake is refused before the authorizer is asked (and paid).
_IDENTITY_SOURCE = "route.request.querystring.proof"


class SocketRoutes(Construct):
    """The routes of the WebSocket API, and its stage. ``$connect`` has the authorizer; its answer holds for
    the socket.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api_id: str,
        routes: Mapping[SocketRoute, lambda_.IFunction],
        authorizer: lambda_.IFunction,
        stage: Stage,
    ) -> None:
        super().__init__(scope, construct_id)
        socket_api = api.WebSocketApi.from_web_socket_api_attributes(self, "Api", web_socket_id=api_id)
        proof = WebSocketLambdaAuthorizer("Proof", authorizer, identity_source=[_IDENTITY_SOURCE])
        made = api.WebSocketStage(
            self,
            "Stage",
            web_socket_api=socket_api,
            stage_name=SOCKET_STAGE,
            auto_deploy=True,
            throttle=_settings(stage.throttle),
        )
        _throttle_routes(made, [route.key for route in routes], stage)
        for route, function in routes.items():
            name = route.key.removeprefix("$").capitalize()
            socket_route = api.WebSocketRoute(
                self,
                name,
                web_socket_api=socket_api,
                route_key=route.key,
                integration=WebSocketLambdaIntegration(f"{name}Integration", function),
                authorizer=proof if route.key == "$connect" else None,
                return_response=route.answers,
            )
            made.node.add_dependency(socket_route)


class HttpsRoutes(Construct):
    """The routes of the HTTP API and its stage, all of authorization type NONE: handlers verify the signature
    themselves.

    An authorizer of API Gateway never sees the body, which the signature covers, and may answer from a cache.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api_id: str,
        routes: Mapping[HttpsRoute, lambda_.IFunction],
        stage: Stage,
    ) -> None:
        super().__init__(scope, construct_id)
        http_api = api.HttpApi.from_http_api_attributes(self, "Api", http_api_id=api_id)
        made = api.HttpStage(
            self, "Stage", http_api=http_api, auto_deploy=True, throttle=_settings(stage.throttle)
        )
        _throttle_routes(made, [f"{route.method} {route.path}" for route in routes], stage)
        integrations: dict[str, HttpLambdaIntegration] = {}
        for route, function in routes.items():
            integration = integrations.setdefault(
                function.node.path,
                HttpLambdaIntegration("Integration", function, scope_permission_to_route=False),
            )
            https_route = api.HttpRoute(
                self,
                f"{route.method} {route.path.replace('/', '.')}",
                http_api=http_api,
                route_key=api.HttpRouteKey.with_(route.path, api.HttpMethod[route.method]),
                integration=integration,
                authorizer=api.HttpNoneAuthorizer(),
            )
            made.node.add_dependency(https_route)


def _settings(throttle: Throttle) -> api.ThrottleSettings:
    return api.ThrottleSettings(rate_limit=throttle.per_second, burst_limit=throttle.burst)


def _throttle_routes(made: api.WebSocketStage | api.HttpStage, keys: list[str], stage: Stage) -> None:
    """Give the rare routes throttles of their own. Both numbers, for one that is absent is not inherited."""
    resource = made.node.default_child
    assert isinstance(resource, api.CfnStage)  # noqa: S101 - what the two constructs are made of
    resource.route_settings = {
        key: {"ThrottlingRateLimit": throttle.per_second, "ThrottlingBurstLimit": throttle.burst}
        for key in keys
        if (throttle := stage.route_throttles.get(key))
    }
