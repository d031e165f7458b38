"""Alarms: which there are, what they watch, what they cost, and who hears of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.constructs import alarms
from infra.stages import stage
from schemas.metrics import METRICS, NAMESPACE

if TYPE_CHECKING:
    from tests.infra.deployment import Deployment

TOPIC = "arn:aws:sns:eu-central-1:123456789012:on-call"


def properties(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The alarms of a deployment, by their name in it."""
    found = [alarm["Properties"] for alarm in deployment.resources("AWS::CloudWatch::Alarm").values()]
    return {alarm["AlarmName"].removeprefix(f"heliograph-{deployment.stage.name}-"): alarm for alarm in found}


def test_what_is_watched(dev: Deployment, local: Deployment) -> None:
    """Errors of both APIs and of the functions, throttles, latency, dead sockets, backlog, storage, bugs."""
    expected = {
        "socket-errors",
        "socket-execution-errors",
        "https-5xx",
        "function-errors",
        "function-throttles",
        "unexpected-errors",
        "storage-unavailable",
        "slow-accepts",
        "many-gone",
        "drain-backlog",
    }

    assert set(properties(dev)) == set(properties(local)) == expected


def test_alarms_of_a_stage_cost_at_most_a_dollar(dev: Deployment) -> None:
    """Ten at $0.10 a month: each watches one metric at the standard resolution."""
    assert len(properties(dev)) <= 10
    for alarm in properties(dev).values():
        assert "Metrics" not in alarm  # metric math costs as much as an alarm a metric
        assert alarm["Period"] >= 60


def test_an_alarm_watches_what_is_counted(dev: Deployment) -> None:
    """Our metrics by the names and the dimension under which the functions count; AWS's own by API."""
    own = [alarm for alarm in properties(dev).values() if alarm["Namespace"] == NAMESPACE]

    assert len(own) == 5
    for alarm in own:
        assert alarm["MetricName"] in METRICS
        assert alarm["Dimensions"] == [{"Name": "stage", "Value": "dev"}]
    for alarm in properties(dev).values():
        if alarm["Namespace"] == "AWS/ApiGateway":
            assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["ApiId"]


def test_silence_rings_nothing_and_a_text_says_what_to_do(dev: Deployment) -> None:
    """While nobody talks there are no values; who is woken at night reads what it means."""
    for alarm in properties(dev).values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert len(alarm["AlarmDescription"].split()) > 6


def test_a_larger_stage_has_larger_numbers(dev: Deployment, watched: Deployment) -> None:
    """A lot is a tenth of what API Gateway lets through in five minutes."""
    assert properties(dev)["many-gone"]["Threshold"] == 6_000
    assert properties(watched)["many-gone"]["Threshold"] == 60_000


def test_who_hears_of_alarms(dev: Deployment, watched: Deployment) -> None:
    """The topic of the stage, when one rings and when it is over; without one nobody."""
    for alarm in properties(watched).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]
    for alarm in properties(dev).values():
        assert "AlarmActions" not in alarm


def test_a_dashboard_is_made_on_request(dev: Deployment, watched: Deployment) -> None:
    """It costs $3 a month."""
    assert dev.resources("AWS::CloudWatch::Dashboard") == {}
    [dashboard] = watched.resources("AWS::CloudWatch::Dashboard").values()
    body = str(dashboard["Properties"]["DashboardBody"])
    assert [name for name in ("accepted", "gone", "accept_ms", "storage_retries") if name not in body] == []


def test_a_queue_is_watched_with_its_dead_letters() -> None:
    """A stage has no queue today; one that gets a queue gets two alarms: age, and jobs that were given up."""
    app = App()
    stack = Stack(app, "example")
    dead = sqs.Queue(stack, "Dead")
    queue = sqs.Queue(stack, "Queue", dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=3))
    for watch in alarms.of_queue("push", queue, dead):
        watch.alarm(stack, stage("local"))

    found = {
        alarm["Properties"]["AlarmName"]: alarm["Properties"]
        for alarm in Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    }
    age, given_up = found["heliograph-local-push-age"], found["heliograph-local-push-dead-letters"]
    assert (age["MetricName"], age["Threshold"]) == ("ApproximateAgeOfOldestMessage", 300)
    assert (given_up["MetricName"], given_up["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)
    assert "Dead" in str(given_up["Dimensions"])
    assert "Queue" in str(age["Dimensions"])
