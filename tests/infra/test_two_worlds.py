"""One template for the laptop and the cloud: what differs is listed here and in ``docs/deploy.md``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.allowed_resources import ALLOWED_RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.deployment import Deployment

DEPLOY_PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"

# The world alone makes these differ: where things are, and how the packages arrive.
OF_THE_WORLD = {
    "BaseUrl",
    "SocketUrl",
    "AUDIENCE",
    "SOCKET_URL",
    "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
    "S3Key",
}

# The settings of the stages make these differ, in whichever world they are deployed.
OF_THE_STAGE = {
    "stage",
    "STAGE",
    "VERIFIER",
    "OIDC_ISSUER",
    "OIDC_AUDIENCE",
    "OTP_COUNTRIES",
    "OTP_DAILY_CAP_CENTS",
    "OTP_SENDER",
    "ALLOWED_ORIGINS",
    "CorsConfiguration",
    "METRICS_SECONDS",
    "Dimensions",
    "DeletionPolicy",
    "UpdateReplacePolicy",
}


def test_worlds_differ_in_addresses_and_packages_only(dev: Deployment, dev_at_home: Deployment) -> None:
    """The same settings, synthesized for either world, differ in exactly the listed values."""
    paths = set(_differences(dev.templates, dev_at_home.templates))

    assert {_name(path) for path in paths} == OF_THE_WORLD
    assert all("LayersDependencies" in path for path in paths if path.endswith(".S3Key"))


def test_stages_differ_in_their_settings_only(dev_at_home: Deployment, local: Deployment) -> None:
    """The local stage differs from another in the values of ``infra/stages.py``, not in what it deploys."""
    renamed = json.loads(json.dumps(dev_at_home.templates).replace("heliograph-dev-", "heliograph-local-"))

    assert {_name(path) for path in _differences(renamed, local.templates)} == OF_THE_STAGE


def test_deploy_page_lists_the_differences() -> None:
    """Who reads ``docs/deploy.md`` finds every difference between the local and the cloud template."""
    page = DEPLOY_PAGE.read_text()

    assert [name for name in sorted(OF_THE_WORLD | OF_THE_STAGE) if f"`{name}`" not in page] == []


def test_deploy_page_itemises_what_idles() -> None:
    """Who pays finds every resource type that costs anything while idle in ``docs/deploy.md``."""
    page = DEPLOY_PAGE.read_text()
    costly = [kind for kind, cost in ALLOWED_RESOURCES.items() if not cost.startswith("nothing")]

    assert [kind for kind in costly if f"`{kind}`" not in page] == []


def test_local_addresses_are_loopback(local: Deployment) -> None:
    """At home every address is the loopback address and the one port: nothing resolves a name."""
    outputs = local.templates["endpoints"]["Outputs"]
    register = local.functions()["register"]["Environment"]["Variables"]

    assert register["AUDIENCE"] == "127.0.0.1:4566"
    assert register["VERIFIER"] == "open,otp"
    assert outputs["BaseUrl"]["Value"]["Fn::Join"][1][0] == "http://127.0.0.1:4566/_aws/execute-api/"
    assert outputs["SocketUrl"]["Value"]["Fn::Join"][1][0] == "ws://127.0.0.1:4566/_aws/execute-api/"
    assert outputs["SocketUrl"]["Value"]["Fn::Join"][1][-1] == "/v1"


def _name(path: str) -> str:
    """What differs at the end of that path: an output, or the last key."""
    return re.sub(r".*\.Outputs\.(\w+)\.Value$", r"\1", path).rpartition(".")[2]


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Paths to what differs. An intrinsic function is one value; tags count by their name."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}")
    elif one != other:
        yield path


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and any(key == "Ref" or key.startswith("Fn::") for key in value):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, list) and value and all(isinstance(item, dict) and "Key" in item for item in value):
        return {item["Key"]: item["Value"] for item in value}
    return value
