"""Puts the stacks of one stage together. No AWS call, no credentials, no Docker."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aws_cdk import App, CfnParameter, Stack, Tags

from infra.assets import ROOT, Assets
from infra.constructs.chat_functions import Setting
from infra.nag import check_with_nag
from infra.stacks.data import DataStack
from infra.stacks.endpoints import EndpointsStack
from infra.stacks.https import HttpsStack
from infra.stacks.operations import OperationsStack
from infra.stacks.realtime import RealtimeStack
from infra.stages import OVERRIDES, Stage, StageError, stage

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_STAGE = "local"
DEFAULT_GATEWAY_PORT = 4566

CDK_FLAGS: dict[str, object] = {
    # The APIs outlive the stacks that refer to them, so ordinary exports are right.
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    # Keep the sids of our policies: they name what each statement is for.
    "@aws-cdk/aws-iam:minimizePolicies": False,
}


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of one stage, in the order in which they are deployed."""

    data: DataStack
    endpoints: EndpointsStack
    realtime: RealtimeStack
    https: HttpsStack
    operations: OperationsStack

    @property
    def all(self) -> tuple[Stack, ...]:
        """All of them, in that order."""
        return (self.data, self.endpoints, self.realtime, self.https, self.operations)


def stage_from_context(app: App) -> Stage:
    """The stage that the command line names, ``-c stage=dev`` and overrides. Raises ``StageError``."""
    given = {
        key: str(value) for key in sorted(OVERRIDES) if (value := app.node.try_get_context(key)) is not None
    }
    return stage(app.node.try_get_context("stage") or DEFAULT_STAGE, given)


def build(
    app: App, settings: Stage, *, assets: Assets | None = None, local_port: int = DEFAULT_GATEWAY_PORT
) -> Stacks:
    """Build the stacks of one stage into ``app``. ``local_port`` is the one port of the local cloud."""
    data = DataStack(app, settings)
    endpoints = EndpointsStack(app, settings, local_port=local_port)
    setting = Setting(settings, endpoints.addresses, assets or Assets(), endpoints.log_key)
    stacks = Stacks(
        data,
        endpoints,
        RealtimeStack(app, setting),
        HttpsStack(app, setting),
        OperationsStack(app, settings, endpoints.addresses),
    )
    # First in, last out: a removal that stops at the protected data has already removed everything else.
    endpoints.add_stack_dependency(data)
    for stack in stacks.all:
        if settings.lacks_identity_provider:
            _refuse_deployment(stack)
        Tags.of(stack).add("project", "heliograph")
        Tags.of(stack).add("stage", settings.name)
        Tags.of(stack).add("version", project_version())
    check_with_nag(app, {stack.node.id: stack for stack in stacks.all})
    return stacks


def refuse_real_account(settings: Stage, environment: Mapping[str, str]) -> None:
    """Keep the local stage, where anybody may register, out of AWS. Raises ``StageError``.

    The CDK command sets ``CDK_DEFAULT_ACCOUNT`` once it holds credentials, as any deployment must.
    """
    endpoint = urlsplit(environment.get("AWS_ENDPOINT_URL", "")).hostname
    if (
        settings.world == "local"
        and environment.get("CDK_DEFAULT_ACCOUNT")
        and endpoint not in ("127.0.0.1", "localhost")
    ):
        raise StageError(
            "the stage 'local' belongs to the local cloud, but these credentials are for AWS: "
            "use `make up`, or name another stage with STAGE=dev (-c stage=dev)"
        )


def project_version() -> str:
    """The version in ``pyproject.toml``: the one place that holds it."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _refuse_deployment(stack: Stack) -> None:
    """Let the template be synthesized and read, but not deployed: a parameter that nobody gives a value.

    The CDK command and CloudFormation both stop at it, and print its name.
    """
    CfnParameter(
        stack,
        "PassOidcIssuerAndOidcAudience",
        description="No identity provider: pass -c oidc_issuer=https://... -c oidc_audience=...",
    )
