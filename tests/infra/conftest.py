"""One synthesized template for each kind of deployment, shared by the whole suite: synth takes seconds."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# The node that the project pins, also where the virtual environment is not activated.
if (_node := Path(sys.executable).parent / "node").exists():
    os.environ.setdefault("JSII_NODE", str(_node))

from infra.stages import stage
from tests.infra.deployment import Deployment, synthesize

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.stages import Stage


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Stage], Deployment]:
    """Synthesize a stage, once for equal settings."""
    made: dict[Stage, Deployment] = {}

    def once(settings: Stage) -> Deployment:
        if settings not in made:
            made[settings] = synthesize(settings, tmp_path_factory.mktemp("cloud_assembly"))
        return made[settings]

    return once


@pytest.fixture(scope="session")
def dev(synthesized: Callable[[Stage], Deployment]) -> Deployment:
    """The stage ``dev`` for the cloud, with an identity provider."""
    provider = {"oidc_issuer": "https://login.example.org", "oidc_audience": "chat"}
    return synthesized(stage("dev", provider | {"allowed_origins": "https://chat.example.org"}))


@pytest.fixture(scope="session")
def texting(synthesized: Callable[[Stage], Deployment]) -> Deployment:
    """The stage ``dev`` for the cloud, where phone numbers register by codes."""
    paid = {"otp_countries": "49:9,1:1,!1876", "otp_daily_cap_cents": "500", "otp_sender_id": "Helio"}
    return synthesized(stage("dev", {"verifier": "otp"} | paid))


@pytest.fixture(scope="session")
def watched(synthesized: Callable[[Stage], Deployment]) -> Deployment:
    """The stage ``prod`` with a topic for its alarms and a dashboard."""
    provider = {"oidc_issuer": "https://login.example.org", "oidc_audience": "chat"}
    topic = "arn:aws:sns:eu-central-1:123456789012:on-call"
    return synthesized(stage("prod", provider | {"alarms_to": topic, "dashboard": "on"}))


@pytest.fixture(scope="session")
def dev_at_home(dev: Deployment, synthesized: Callable[[Stage], Deployment]) -> Deployment:
    """The same settings, for the local cloud."""
    return synthesized(replace(dev.stage, world="local"))


@pytest.fixture(scope="session")
def local(synthesized: Callable[[Stage], Deployment]) -> Deployment:
    """The stage ``local`` as ``make up`` deploys it."""
    return synthesized(stage("local"))
