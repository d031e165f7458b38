"""One template for the laptop and the cloud: what differs is this list, the one in ``docs/deploy.md``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from infra.allowed_resources import ALLOWED_RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.deployment import Deployment

DEPLOY_PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"

# The settings are equal, so the world alone makes these differ: where things are, and how packages arrive.
DIFFERENCES = {
    "Outputs.BaseUrl.Value",
    "Outputs.SocketUrl.Value",
    "Content.S3Key of the layer with third-party packages",
    "Environment.Variables.AUDIENCE",
    "Environment.Variables.SOCKET_URL",
    "Environment.Variables.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
}


def test_templates_of_equal_settings_differ_in_addresses_and_packages_only(dev: Deployment, dev_at_home: Deployment) -> None:
    """The same settings, synthesized for either world, differ in exactly the listed values."""
    layer = next(
        f"realtime.Resources.{key.partition('/')[2]}"
        for key, resource in dev.resources("AWS::Lambda::LayerVersion").items()
        if resource["Properties"]["Description"] == "Third-party packages"
    ).removeprefix("realtime")

    found = {
        re.sub(r"^\.Resources\.\w+\.Properties\.", "", path)
        if layer not in path
        else "Content.S3Key of the layer with third-party packages"
        for stack, template in dev.templates.items()
        for path in _differences(template, dev_at_home.templates[stack])
    }

    assert {path.removeprefix(".") for path in found} == DIFFERENCES


def test_deploy_page_lists_the_differences() -> None:
    """Who reads ``docs/deploy.md`` finds every difference between the two worlds."""
    page = DEPLOY_PAGE.read_text()

    for difference in DIFFERENCES:
        assert f"`{difference.split(' of ')[0].split('.')[-1 if 'Value' not in difference else 1]}`" in page, difference


def test_deploy_page_itemises_what_idles() -> None:
    """Who pays finds every resource type that costs anything while idle in ``docs/deploy.md``."""
    page = DEPLOY_PAGE.read_text()

    for kind, cost in ALLOWED_RESOURCES.items():
        assert cost.startswith("nothing") or f"`{kind}`" in page, kind


def test_local_stage_adds_nothing_to_the_template(local: Deployment, dev: Deployment) -> None:
    """The stage that ``make up`` deploys holds the same resources under the same logical ids as the cloud's."""
    for stack, template in dev.templates.items():
        here = local.templates[stack]["Resources"]

        assert {key: resource["Type"] for key, resource in template["Resources"].items()} == {
            key: resource["Type"] for key, resource in here.items()
        }


def test_local_addresses_are_loopback(local: Deployment) -> None:
    """At home nothing resolves a name: every address is the loopback address and the local cloud's one port."""
    outputs = local.templates["endpoints"]["Outputs"]
    register = local.functions()["register"]["Environment"]["Variables"]

    assert register["AUDIENCE"] == "127.0.0.1:4566"
    assert register["VERIFIER"] == "open"
    assert outputs["BaseUrl"]["Value"]["Fn::Join"][1][0] == "http://127.0.0.1:4566/_aws/execute-api/"
    assert outputs["SocketUrl"]["Value"]["Fn::Join"][1][0] == "ws://127.0.0.1:4566/_aws/execute-api/"
    assert outputs["SocketUrl"]["Value"]["Fn::Join"][1][-1] == "/v1"


def _differences(one: object, other: object, path: str = "") -> Iterator[str]:
    """Paths to what differs, as deep as both sides are mappings; intrinsic functions count as one value."""
    both = isinstance(one, dict) and isinstance(other, dict)
    if both and not any(key.startswith("Fn::") or key == "Ref" for key in (*one, *other)):  # type: ignore[misc]
        for key in sorted({*one, *other}):  # type: ignore[misc]
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}")  # type: ignore[attr-defined]
    elif one != other:
        yield path
