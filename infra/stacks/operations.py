"""The stack of who runs a stage: alarms, and a dashboard where the stage wants one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from infra.constructs import alarms
from schemas.metrics import ACCEPT_MILLISECONDS, DIMENSION, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from infra.addresses import Addresses
    from infra.stages import Stage

_WIDGETS: Mapping[str, tuple[str, ...]] = {
    "Messages": ("accepted", "drained", "acked"),
    "Posts": ("posted", "gone", "post_failed"),
    "Refusals": ("refused_rate_limited", "refused_stale", "refused_internal", "refused_other"),
    "Storage": ("storage_retries", "storage_unavailable"),
}
"""Graphs of sums, by title."""


class OperationsStack(Stack):
    """Alarms over the whole stage. ``queues``: each queue with its dead-letter queue, by name."""

    def __init__(
        self,
        scope: Construct,
        stage: Stage,
        addresses: Addresses,
        queues: Mapping[str, tuple[sqs.IQueue, sqs.IQueue]] | None = None,
    ) -> None:
        super().__init__(
            scope,
            "operations",
            stack_name=f"heliograph-{stage.name}-operations",
            description="Heliograph: alarms",
        )
        watches = list(alarms.of_stage(stage, addresses))
        for name, (queue, dead_letters) in (queues or {}).items():
            watches += alarms.of_queue(name, queue, dead_letters)
        made = [watch.alarm(self, stage) for watch in watches]
        if stage.alarms_to:
            topic = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", stage.alarms_to))
            for alarm in made:
                alarm.add_alarm_action(topic)
                alarm.add_ok_action(topic)
        if stage.dashboard:
            self._dashboard(stage, made)

    def _dashboard(self, stage: Stage, made: list[cloudwatch.Alarm]) -> None:
        shown = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=f"heliograph-{stage.name}")
        graphs = [
            cloudwatch.GraphWidget(
                title=title, left=[_metric(stage, name, "Sum") for name in names], width=12
            )
            for title, names in _WIDGETS.items()
        ]
        latency = [_metric(stage, ACCEPT_MILLISECONDS, statistic) for statistic in ("p50", "p99")]
        graphs.append(cloudwatch.GraphWidget(title="Accept latency, ms", left=latency, width=12))
        shown.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(made), width=24), *graphs)


def _metric(stage: Stage, name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={DIMENSION: stage.name},
        statistic=statistic,
        period=Duration.minutes(1),
        label=f"{name} {statistic}",
    )
