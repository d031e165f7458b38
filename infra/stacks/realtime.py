"""The stack of the socket: its functions, its routes, its authorizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

from infra.constructs.chat_functions import ChatFunction, Layers, Setting
from infra.constructs.routes import SocketRoutes
from infra.routes import AUTHORIZER, SOCKET_FUNCTIONS, SocketRoute

if TYPE_CHECKING:
    from constructs import Construct


class RealtimeStack(Stack):
    """One function a WebSocket route, and the one that admits sockets."""

    def __init__(self, scope: Construct, setting: Setting) -> None:
        super().__init__(
            scope,
            "realtime",
            stack_name=f"heliograph-{setting.stage.name}-realtime",
            description="Heliograph: what happens on the socket",
        )
        layers = Layers(self, "Layers", setting=setting)
        functions = {
            spec.name: ChatFunction(self, spec, setting=setting, layers=layers).function
            for spec in SOCKET_FUNCTIONS
        }
        SocketRoutes(
            self,
            "Routes",
            api_id=setting.addresses.socket_api_id,
            authorizer=functions[AUTHORIZER],
            stage=setting.stage,
            routes={
                route: functions[spec.name]
                for spec in SOCKET_FUNCTIONS
                for route in spec.routes
                if isinstance(route, SocketRoute)
            },
        )
