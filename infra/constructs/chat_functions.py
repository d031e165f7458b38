"""Lambda functions with exactly the rights and the environment that ``infra/routes.py`` gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.routes import SOCKET_STAGE, Function
from schemas.tables import KEYSPACE

if TYPE_CHECKING:
    from infra.addresses import Addresses
    from infra.assets import Assets
    from infra.stages import Stage

# Longer than any handler needs and shorter than the 29 s after which API Gateway gives up.
_TIMEOUT = Duration.seconds(10)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all functions of a deployment share: its stage, its addresses, its code.

    ``log_key`` makes pseudonyms of the ids in logs; a CloudFormation reference.
    """

    stage: Stage
    addresses: Addresses
    assets: Assets
    log_key: str


class Layers(Construct):
    """The two layers: our own code and the dependencies.

    Each stack has its own pair: a layer shared between stacks would be an export in use, which
    CloudFormation refuses to replace, so no second deployment would succeed.
    """

    def __init__(self, scope: Construct, construct_id: str, *, setting: Setting) -> None:
        super().__init__(scope, construct_id)
        self.all: list[lambda_.ILayerVersion] = [
            self._layer(
                "Dependencies", setting.assets.dependencies(setting.stage.world), "Third-party packages"
            ),
            self._layer("Core", setting.assets.core(), "The packages chat and schemas"),
        ]

    def _layer(self, name: str, code: lambda_.Code, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            description=description,
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )


class ChatFunction(Construct):
    """One function with a log group and a role of its own."""

    def __init__(self, scope: Construct, spec: Function, *, setting: Setting, layers: Layers) -> None:
        super().__init__(scope, "".join(word.capitalize() for word in spec.name.split("_")))
        stage = setting.stage
        name = f"heliograph-{stage.name}-{spec.name}"
        self.log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.TWO_WEEKS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            code=setting.assets.function(spec.name),
            handler=f"functions.{spec.name}.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            timeout=_TIMEOUT,
            memory_size=spec.memory_mb,
            layers=layers.all,
            environment=_environment(spec, setting),
            role=self._role(spec, setting),
            log_group=self.log_group,
            # Lambda's own three lines an invocation would cost more than the invocation.
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            # Anything above would drop the metrics, too: to Lambda a line of them is an INFO.
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
        )

    def _role(self, spec: Function, setting: Setting) -> iam.Role:
        statements = [
            iam.PolicyStatement(
                sid="OwnLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            ),
            *_table_rights(spec),
            *_socket_rights(spec, setting.addresses),
            *_text_rights(spec, setting.stage),
        ]
        return iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"access": iam.PolicyDocument(statements=statements)},
        )


def _environment(spec: Function, setting: Setting) -> dict[str, str]:
    stage, addresses = setting.stage, setting.addresses
    values = {
        "STAGE": stage.name,
        "LOG_KEY": setting.log_key,
        "TRACES": "on" if stage.traces else "off",
        "METRICS_SECONDS": str(stage.metrics_seconds),
    }
    if "AUDIENCE" in spec.needs:
        values["AUDIENCE"] = addresses.audience
    if "SOCKET_URL" in spec.needs:
        values["SOCKET_URL"] = addresses.socket_url
    if "ALLOWED_ORIGINS" in spec.needs and stage.allowed_origins:
        values["ALLOWED_ORIGINS"] = ",".join(stage.allowed_origins)
    if "VERIFIER" in spec.needs:
        values["VERIFIER"] = ",".join(stage.verifiers)
        if "oidc" in stage.verifiers:
            values |= {"OIDC_ISSUER": stage.oidc_issuer, "OIDC_AUDIENCE": stage.oidc_audience}
    if "OTP_COUNTRIES" in spec.needs and "otp" in stage.verifiers:
        values |= {
            "OTP_COUNTRIES": ",".join(stage.otp_countries),
            "OTP_DAILY_CAP_CENTS": str(stage.otp_daily_cap_cents),
            "OTP_SENDER": stage.otp_sender,
        }
        if stage.otp_sender_id:
            values["OTP_SENDER_ID"] = stage.otp_sender_id
    if spec.posts or spec.closes:
        values["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = addresses.management_url
    return values


def _table_rights(spec: Function) -> list[iam.PolicyStatement]:
    if not spec.tables:
        return []
    rights = [
        # The driver learns hosts and schema from these tables before it can ask for anything.
        iam.PolicyStatement(
            sid="DriverMetadata", actions=["cassandra:Select"], resources=[_keyspace_arn("system*")]
        )
    ]
    for verb, action in (("select", "cassandra:Select"), ("modify", "cassandra:Modify")):
        tables = sorted(name for name, verbs in spec.tables.items() if verb in verbs)
        if tables:
            resources = [_keyspace_arn(f"{KEYSPACE}/table/{name}") for name in tables]
            rights.append(
                iam.PolicyStatement(sid=f"{verb.capitalize()}Tables", actions=[action], resources=resources)
            )
    return rights


def _keyspace_arn(path: str) -> str:
    return f"arn:{Aws.PARTITION}:cassandra:{Aws.REGION}:{Aws.ACCOUNT_ID}:/keyspace/{path}"


def _socket_rights(spec: Function, addresses: Addresses) -> list[iam.PolicyStatement]:
    methods = [method for method, granted in (("POST", spec.posts), ("DELETE", spec.closes)) if granted]
    api = f"arn:{Aws.PARTITION}:execute-api:{Aws.REGION}:{Aws.ACCOUNT_ID}:{addresses.socket_api_id}"
    return [
        iam.PolicyStatement(
            sid={"POST": "PostToSockets", "DELETE": "CloseSockets"}[method],
            actions=["execute-api:ManageConnections"],
            resources=[f"{api}/{SOCKET_STAGE}/{method}/@connections/*"],
        )
        for method in methods
    ]


def _text_rights(spec: Function, stage: Stage) -> list[iam.PolicyStatement]:
    """Phones have no ARN, so the right is for all that is no topic, subscription or application."""
    if not (spec.texts and stage.sends_texts):
        return []
    return [
        iam.PolicyStatement(
            sid="TextPhones",
            actions=["sns:Publish"],
            not_resources=[f"arn:{Aws.PARTITION}:sns:*:*:*"],
        )
    ]
