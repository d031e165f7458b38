"""The stack of everything that happens over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

from infra.constructs.chat_functions import ChatFunction, Layers, Setting
from infra.constructs.routes import HttpsRoutes
from infra.routes import HTTPS_FUNCTIONS, HttpsRoute

if TYPE_CHECKING:
    from constructs import Construct


class HttpsStack(Stack):
    """One function a resource of the HTTP API."""

    def __init__(self, scope: Construct, setting: Setting) -> None:
        super().__init__(
            scope,
            "https",
            stack_name=f"heliograph-{setting.stage.name}-https",
            description="Heliograph: registration, devices, accounts, discovery",
        )
        layers = Layers(self, "Layers", setting=setting)
        functions = {
            spec.name: ChatFunction(self, spec, setting=setting, layers=layers).function
            for spec in HTTPS_FUNCTIONS
        }
        HttpsRoutes(
            self,
            "Routes",
            api_id=setting.addresses.http_api_id,
            stage=setting.stage,
            routes={
                route: functions[spec.name]
                for spec in HTTPS_FUNCTIONS
                for route in spec.routes
                if isinstance(route, HttpsRoute)
            },
        )
