"""What somebody should be told, each with its reason: alarms at $0.10 a month, ringing or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from schemas.metrics import ACCEPT_MILLISECONDS, DIMENSION, METRICS, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from infra.addresses import Addresses
    from infra.stages import Stage

_PERIOD = Duration.minutes(5)


@dataclass(frozen=True, slots=True)
class Watch:
    """Ring when ``statistic`` of a metric reaches ``threshold`` in ``periods`` periods of 5 min in a row.

    ``why`` is what the mail says: what it means, and where to look.
    """

    name: str
    why: str
    namespace: str
    metric: str
    threshold: float
    statistic: str = "Sum"
    periods: int = 1
    dimensions: Mapping[str, str] | None = None

    def alarm(self, scope: Construct, stage: Stage) -> cloudwatch.Alarm:
        """The alarm. Silence is no trouble: while nobody talks there are no values."""
        metric = cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=self.metric,
            dimensions_map=self.dimensions,
            statistic=self.statistic,
            period=_PERIOD,
        )
        return metric.create_alarm(
            scope,
            "".join(word.capitalize() for word in self.name.split("-")),
            alarm_name=f"heliograph-{stage.name}-{self.name}",
            alarm_description=self.why,
            threshold=self.threshold,
            evaluation_periods=self.periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def own(name: str, why: str, metric: str, threshold: float, stage: Stage, **more: object) -> Watch:
    """A watch on one of our metrics. Raises ``KeyError`` for one that nothing counts."""
    METRICS[metric]
    return Watch(name, why, NAMESPACE, metric, threshold, dimensions={DIMENSION: stage.name}, **more)  # type: ignore[arg-type]


def of_stage(stage: Stage, addresses: Addresses) -> tuple[Watch, ...]:
    """All of them, for a stage without queues.

    Counts and not rates: a rate is metric math, which costs an alarm a metric and which a local cloud lacks.
    What is a lot is measured by what the stage lets through (``Stage.throttle``).
    """
    much = stage.throttle.per_second * 300 / 10
    socket_api, http_api = {"ApiId": addresses.socket_api_id}, {"ApiId": addresses.http_api_id}
    return (
        Watch(
            "socket-errors",
            "Functions of the socket failed or refused handshakes. Which: Errors of the functions, by name.",
            *("AWS/ApiGateway", "IntegrationError", 10),
            periods=2,
            dimensions=socket_api,
        ),
        Watch(
            "socket-execution-errors",
            "API Gateway could not call functions of the socket: rights, or a limit of the account.",
            *("AWS/ApiGateway", "ExecutionError", 1),
            dimensions=socket_api,
        ),
        Watch(
            "https-5xx",
            "HTTPS requests were answered with a 5xx. Look for unexpected in the logs.",
            *("AWS/ApiGateway", "5xx", 5),
            dimensions=http_api,
        ),
        Watch(
            "function-errors",
            "A function raised, timed out or died (all functions of this account and Region).",
            *("AWS/Lambda", "Errors", 1),
        ),
        Watch(
            "function-throttles",
            "Lambda refused invocations: the concurrency of the account is used up.",
            *("AWS/Lambda", "Throttles", 1),
        ),
        own(
            "unexpected-errors",
            "Handlers met exceptions that nobody expected: a bug. The logs have type and place of each.",
            "refused_internal",
            1,
            stage,
        ),
        own(
            "storage-unavailable",
            "Statements were given up. If it lasts: the status and the limits of Amazon Keyspaces.",
            "storage_unavailable",
            10,
            stage,
            periods=2,
        ),
        own(
            "slow-accepts",
            "One message in a hundred waits more than a second until it is accepted.",
            ACCEPT_MILLISECONDS,
            1_000,
            stage,
            statistic="p99",
            periods=3,
        ),
        own(
            "many-gone",
            "A tenth of what the stage lets through is posted to dead sockets: $disconnect is not served, "
            "or many clients break off.",
            "gone",
            much,
            stage,
            periods=3,
        ),
        own(
            "drain-backlog",
            "Inboxes are drained page after page: clients do not acknowledge, or many come back at once.",
            "full_pages",
            much,
            stage,
            periods=3,
        ),
    )


def of_queue(name: str, queue: sqs.IQueue, dead_letters: sqs.IQueue) -> tuple[Watch, ...]:
    """Those of a queue with its dead-letter queue: jobs that wait too long, and jobs that were given up."""
    return (
        Watch(
            f"{name}-age",
            "Jobs wait for more than 5 minutes: their function fails, or there are too many.",
            *("AWS/SQS", "ApproximateAgeOfOldestMessage", 300),
            statistic="Maximum",
            dimensions={"QueueName": queue.queue_name},
        ),
        Watch(
            f"{name}-dead-letters",
            "Jobs were given up and lie in the dead-letter queue: mend the cause, then redrive.",
            *("AWS/SQS", "ApproximateNumberOfMessagesVisible", 1),
            statistic="Maximum",
            dimensions={"QueueName": dead_letters.queue_name},
        ),
    )
