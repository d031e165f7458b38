"""Each function may do what its row in ``infra/routes.py`` says, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chat.settings import CodeSettings, DiscoverySettings, IdentitySettings, SocketSettings, VerifierSettings

from infra.routes import FUNCTIONS, Function, HttpsRoute
from tests.infra.deployment import flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.infra.deployment import Deployment

ROOT = Path(__file__).resolve().parents[2]

# What a handler asks of its services, and the settings that this takes.
SETTINGS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "identity": IdentitySettings.from_env,
    "discovery": DiscoverySettings.from_env,
    "verification": VerifierSettings.from_env,
    "verifier": VerifierSettings.from_env,
    "sockets": SocketSettings.from_env,
    "code_settings": CodeSettings.from_env,
    "text_sender": CodeSettings.from_env,
}

by_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)

_HERE = "<AWS::Region>:<AWS::AccountId>"
_SOCKETS = f"arn:<AWS::Partition>:execute-api:{_HERE}:<ExportsOutputRefSocketFF70B13529F914CD>/v1"

# Every asterisk that a right may hold, and why it cannot be narrower.
RECORDED_ASTERISKS = {
    ("cassandra:Select", f"arn:<AWS::Partition>:cassandra:{_HERE}:/keyspace/system*"): (
        "the driver reads hosts and schema from several system keyspaces, which hold no data of ours"
    ),
    (
        "execute-api:ManageConnections",
        f"{_SOCKETS}/POST/@connections/*",
    ): "connection ids exist only at run time",
    (
        "execute-api:ManageConnections",
        f"{_SOCKETS}/DELETE/@connections/*",
    ): "connection ids exist only at run time",
}


def _rights(dev: Deployment, function: str) -> Iterator[tuple[str, str]]:
    """Every pair of action and resource that the function's role allows."""
    for statement in dev.policy(function):
        assert statement["Effect"] == "Allow"
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
        yield from ((action, flat(resource)) for action in actions for resource in resources)


@by_function
def test_table_rights_equal_the_table_of_routes(dev: Deployment, function: Function) -> None:
    """The ``cassandra:`` rights on our tables are those of the row, by table and verb."""
    granted: dict[str, set[str]] = {}
    for action, resource in _rights(dev, function.name):
        if found := re.fullmatch(r".*:/keyspace/heliograph/table/(\w+)", resource):
            granted.setdefault(found[1], set()).add(action.removeprefix("cassandra:").lower())

    assert granted == {name: set(verbs) for name, verbs in function.tables.items()}


@by_function
def test_no_right_beyond_tables_sockets_and_own_log(dev: Deployment, function: Function) -> None:
    """Whatever else a role allows is its log stream, the driver's metadata, or sockets as the row says."""
    others = {right for right in _rights(dev, function.name) if "/keyspace/heliograph/" not in right[1]}
    log = next(resource for action, resource in others if action == "logs:PutLogEvents")

    assert others == {
        ("logs:CreateLogStream", log),
        ("logs:PutLogEvents", log),
        *(
            [("cassandra:Select", f"arn:<AWS::Partition>:cassandra:{_HERE}:/keyspace/system*")]
            if function.tables
            else []
        ),
        *([("execute-api:ManageConnections", f"{_SOCKETS}/POST/@connections/*")] if function.posts else []),
        *(
            [("execute-api:ManageConnections", f"{_SOCKETS}/DELETE/@connections/*")]
            if function.closes
            else []
        ),
    }


@by_function
def test_log_right_is_for_the_own_log_group(dev: Deployment, function: Function) -> None:
    """A function writes to the log group of its own name; nothing may create another."""
    properties = dev.functions()[function.name]
    group_id = properties["LoggingConfig"]["LogGroup"]["Ref"]
    group = dev.templates[dev.stack_of(function.name)]["Resources"][group_id]["Properties"]

    assert group == group | {
        "LogGroupName": f"/aws/lambda/heliograph-dev-{function.name}",
        "RetentionInDays": 14,
    }
    assert ("logs:PutLogEvents", f"<{group_id}.Arn>") in set(_rights(dev, function.name))


@by_function
def test_every_asterisk_has_a_recorded_reason(dev: Deployment, function: Function) -> None:
    """No right holds an asterisk, but for those recorded above."""
    broad = {right for right in _rights(dev, function.name) if "*" in "".join(right)}

    assert broad <= set(RECORDED_ASTERISKS)


def test_every_function_has_a_role_of_its_own(dev: Deployment) -> None:
    """No role is shared, holds a managed policy, or can be assumed by anything but Lambda."""
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in dev.functions().values()]

    assert len(set(roles)) == len(roles) == len(dev.resources("AWS::IAM::Role"))
    assert dev.resources("AWS::IAM::Policy") == {}
    for role in dev.resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_only_our_apis_may_invoke_the_functions(dev: Deployment) -> None:
    """Every permission is for API Gateway, for one of our two APIs."""
    apis = ("<ExportsOutputRefSocketFF70B13529F914CD>/", "<ExportsOutputRefHttpsAAAA90BA7CCFF6DD>/")
    prefixes = tuple(f"arn:<AWS::Partition>:execute-api:{_HERE}:{api}" for api in apis)
    for permission in dev.resources("AWS::Lambda::Permission").values():
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        assert flat(permission["Properties"]["SourceArn"]).startswith(prefixes)


@by_function
def test_environment_equals_the_table_of_routes(dev: Deployment, function: Function) -> None:
    """A function gets the settings that its row names and no other."""
    expected = {"STAGE", "LOG_KEY", "TRACES", "METRICS_SECONDS", *function.needs} - {"OTP_COUNTRIES"}
    if "VERIFIER" in function.needs:
        expected |= {"OIDC_ISSUER", "OIDC_AUDIENCE"}
    if function.posts or function.closes:
        expected.add("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI")

    assert set(dev.functions()[function.name]["Environment"]["Variables"]) == expected


@by_function
def test_only_codes_may_send_text_messages(texting: Deployment, dev: Deployment, function: Function) -> None:
    """It may publish to phones and to no topic, where the stage sends codes; nobody else may publish."""
    granted = {
        deployment.stage.verifiers: [s for s in deployment.policy(function.name) if "sns" in repr(s)]
        for deployment in (texting, dev)
    }

    phones = {
        "Sid": "TextPhones",
        "Effect": "Allow",
        "Action": "sns:Publish",
        "NotResource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":sns:*:*:*"]]},
    }
    assert granted == {("otp",): [phones] if function.name == "codes" else [], ("oidc",): []}


def test_codes_learn_what_they_may_cost(texting: Deployment) -> None:
    """Countries, cap and sender reach that function alone; the others learn that there are codes."""
    variables = {
        name: {key: value for key, value in made["Environment"]["Variables"].items() if "OTP" in key}
        for name, made in texting.functions().items()
    }

    assert variables.pop("codes") == {
        "OTP_COUNTRIES": "49:9,1:1,!1876",
        "OTP_DAILY_CAP_CENTS": "500",
        "OTP_SENDER": "sns",
        "OTP_SENDER_ID": "Helio",
    }
    assert not any(variables.values())
    assert texting.functions()["register"]["Environment"]["Variables"]["VERIFIER"] == "otp"


def test_a_laptop_may_not_send(local: Deployment) -> None:
    """Its codes stand in its log: no function of it may publish."""
    assert [name for name in local.functions() if "sns" in repr(local.policy(name))] == []


@by_function
def test_environment_satisfies_the_settings_of_the_handler(
    dev: Deployment, texting: Deployment, function: Function
) -> None:
    """Every setting that a handler reads at its first call is complete in its function's environment."""
    variables = (texting if function.texts else dev).functions()[function.name]["Environment"]["Variables"]
    environment = {name: flat(value) for name, value in variables.items()} | {"AWS_REGION": "eu-central-1"}
    handler = (ROOT / "functions" / function.name / "handler.py").read_text()
    used = set(re.findall(r"\bapp\.(\w+)", handler)) & set(SETTINGS)
    if any(route.auth == "device" for route in function.routes if isinstance(route, HttpsRoute)):
        used.add("identity")

    for name in used:
        SETTINGS[name](environment)
