"""A synthesized stage as plain data: templates, and the folders of their assets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import App

from infra.application import CDK_FLAGS, build

if TYPE_CHECKING:
    from pathlib import Path

    from infra.assets import Assets
    from infra.stages import Stage

STACKS = ("data", "endpoints", "realtime", "https", "operations")

Resource = dict[str, Any]


@dataclass(frozen=True)
class Deployment:
    """The templates of one stage by stack, and where the assembly lies."""

    stage: Stage
    assembly: Path
    templates: dict[str, dict[str, Any]]

    def resources(self, kind: str) -> dict[str, Resource]:
        """All resources of that type in all stacks, by ``<stack>/<logical id>``."""
        return {
            f"{stack}/{logical_id}": resource
            for stack, template in self.templates.items()
            for logical_id, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def functions(self) -> dict[str, Resource]:
        """The properties of each Lambda function, by the name it has in ``infra/routes.py``."""
        prefix = f"heliograph-{self.stage.name}-"
        found = [resource["Properties"] for resource in self.resources("AWS::Lambda::Function").values()]
        return {properties["FunctionName"].removeprefix(prefix): properties for properties in found}

    def stack_of(self, function: str) -> str:
        """The stack that holds this function."""
        name = f"heliograph-{self.stage.name}-{function}"
        for key, resource in self.resources("AWS::Lambda::Function").items():
            if resource["Properties"]["FunctionName"] == name:
                return key.partition("/")[0]
        raise KeyError(function)

    def policy(self, function: str) -> list[dict[str, Any]]:
        """The statements of the function's role; the role has one inline policy and nothing else."""
        role_id = self.functions()[function]["Role"]["Fn::GetAtt"][0]
        role = self.templates[self.stack_of(function)]["Resources"][role_id]["Properties"]
        (policy,) = role["Policies"]
        statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
        return statements

    def asset(self, key: dict[str, Any]) -> Path:
        """The folder of the asset that ``Code`` or ``Content`` of a resource names."""
        return self.assembly / f"asset.{key['S3Key'].removesuffix('.zip')}"

    def layer(self, description: str, stack: str = "realtime") -> Path:
        """The folder of the layer with that description."""
        for resource in self.templates[stack]["Resources"].values():
            if (
                resource["Type"] == "AWS::Lambda::LayerVersion"
                and resource["Properties"]["Description"] == description
            ):
                return self.asset(resource["Properties"]["Content"])
        raise KeyError(description)


def synthesize(settings: Stage, folder: Path, assets: Assets | None = None) -> Deployment:
    """Build and synthesize one stage into ``folder``, as ``app.py`` does."""
    app = App(context=CDK_FLAGS, outdir=str(folder))
    build(app, settings, assets=assets)
    app.synth()
    templates = {name: json.loads((folder / f"{name}.template.json").read_text()) for name in STACKS}
    return Deployment(settings, folder, templates)


def flat(value: object) -> str:
    """A CloudFormation value as one string, references in angle brackets: ``<AWS::Region>``."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": str(name)}:
            return f"<{name.partition(':')[2]}>"
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(flat(part) for part in parts)
        case {"Fn::Select": [int(place), {"Fn::Split": [str(between), whole]}]}:
            return f"<part {place} of {flat(whole)} between {between}>"
        case _:
            raise ValueError(f"not a string in a template: {value!r}")
