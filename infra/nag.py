"""cdk-nag: its rules run at every synth, and an open finding stops it.

Every accepted finding stands here with its reason, as narrow as its rule allows: by stack, and for rights by
the exact resource. What the rules cannot know (which route needs which proof) is tested in ``tests/infra``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, App, Stack, Validations
from cdk_nag import AwsSolutionsChecks

from infra.routes import SOCKET_STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNT_ARN = "arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One rule that we do not follow in these stacks, and why."""

    rule: str
    stacks: tuple[str, ...]
    reason: str


ACCEPTED: tuple[Accepted, ...] = (
    Accepted(
        "AwsSolutions::AwsSolutions-APIG1",
        ("realtime", "https"),
        "An access log line costs half as much as the frame it describes and would tell who talks when; "
        "each function logs its outcome, and API Gateway counts requests and errors without a log.",
    ),
    Accepted(
        "AwsSolutions::AwsSolutions-APIG4",
        ("realtime",),
        "A WebSocket has one authorizer, on $connect; API Gateway takes none on later routes, "
        "its answer comes with each of their frames.",
    ),
    Accepted(
        "AwsSolutions::AwsSolutions-APIG4",
        ("https",),
        "A signed request covers its body, which an authorizer never sees, and must not be answered from an "
        "authorizer's cache: handlers verify it. infra/routes.py says device or public for every route.",
    ),
    Accepted(
        "AwsSolutions::AwsSolutions-L1",
        ("realtime", "https"),
        "Python 3.13 is the newest version on which the tests and the local cloud run the same code.",
    ),
    Accepted(
        "AwsSolutions::AwsSolutions-IAM5[Resource::"
        + _ACCOUNT_ARN.format(service="cassandra")
        + "/keyspace/system*]",
        ("realtime", "https"),
        "The driver reads hosts and schema from the system keyspaces; they hold no data of ours and "
        "Keyspaces documents this pattern.",
    ),
    *(
        Accepted(
            # The socket API comes from the endpoints stack, so the rule shows the name of the export.
            "AwsSolutions::AwsSolutions-IAM5[Resource::"
            + _ACCOUNT_ARN.format(service="execute-api")
            + "{endpoints}:ExportsOutputRefSocketFF70B13529F914CD"
            + f"/{SOCKET_STAGE}/{method}/@connections/*]",
            ("realtime", "https"),
            "Any connected device may be a recipient: connection ids exist only at run time. "
            "The statement is limited to this API, this stage and one method.",
        )
        for method in ("POST", "DELETE")
    ),
    Accepted(
        "CloudFormation-Validate::W2001",
        ("data", "endpoints", "realtime", "https", "operations"),
        "The parameter PassOidcIssuerAndOidcAudience exists to stop a deployment without an "
        "identity provider; nothing needs its value.",
    ),
)


def check_with_nag(app: App, stacks: Mapping[str, Stack]) -> None:
    """Run the rules over ``app`` and accept what ``ACCEPTED`` lists; ``stacks`` by construct id."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for accepted in ACCEPTED:
        rule = accepted.rule.replace("{endpoints}", stacks["endpoints"].stack_name)
        for name in accepted.stacks:
            Validations.of(stacks[name]).acknowledge(Acknowledgment(id=rule, reason=accepted.reason))
