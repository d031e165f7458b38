"""Figures of CloudWatch: read, waited for, kept; and how answers are judged and told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local.errors import StepError
from operations.probe import __main__ as command
from operations.probe import figures
from operations.probe.place import Place, stack_outputs
from operations.probe.probes import Metered, Probe, Saw, Unanswered
from operations.probe.report import Answer, as_json, judge, line, summary

SINCE = 1_700_000_030.0
WHAT = Metered(
    "AWS/ApiGateway", "MessageCount", {"ApiId": "a", "Stage": "gone"}, SINCE, 100, "messages each", 20
)


def cloudwatch(*totals: list[float]) -> tuple[Any, Stubber]:
    """A CloudWatch with one reading after the other, each a list of minutes, if it is asked rightly."""
    client = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    start = datetime.fromtimestamp(1_699_999_980, UTC)
    for minutes in totals:
        stub.add_response(
            "get_metric_statistics",
            {"Datapoints": [{"Sum": value, "Timestamp": start} for value in minutes]},
            {
                "Namespace": "AWS/ApiGateway",
                "MetricName": "MessageCount",
                "Dimensions": [{"Name": "ApiId", "Value": "a"}, {"Name": "Stage", "Value": "gone"}],
                "StartTime": start,
                "EndTime": datetime.fromtimestamp(1_699_999_980 + 1800, UTC),
                "Period": 60,
                "Statistics": ["Sum"],
            },
        )
        if not minutes:
            stub.add_response("list_metrics", {"Metrics": []})
    stub.activate()
    return client, stub


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waited(*totals: list[float]) -> dict[str, Saw]:
    """The answers that are in after these readings."""
    client, stub = cloudwatch(*totals)
    clock = Clock()
    with stub:
        found = figures.wait_for(client, {"gone": WHAT}, sleep=clock.sleep, clock=clock)
    stub.assert_no_pending_responses()
    assert clock.now <= figures.WAIT
    return found


def test_minutes_are_added_up_from_the_whole_minute_before() -> None:
    """The sum over all minutes since the one in which the probe began."""
    client, stub = cloudwatch([50, 70])
    with stub:
        assert figures.read(client, WHAT) == 120


def test_a_metric_with_a_further_dimension_is_found() -> None:
    """Where nothing stands under the dimensions that were asked for, those with one more are added up."""
    client = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    finer = [
        [
            {"Name": "ApiId", "Value": "a"},
            {"Name": "Stage", "Value": "gone"},
            {"Name": "Route", "Value": route},
        ]
        for route in ("call", "quiet")
    ]
    stub.add_response("get_metric_statistics", {"Datapoints": []})
    stub.add_response("list_metrics", {"Metrics": [{"Dimensions": dimensions} for dimensions in finer]})
    for value in (3, 4):
        stub.add_response("get_metric_statistics", {"Datapoints": [{"Sum": value}]})
    with stub:
        assert figures.read(client, WHAT) == 7


def test_what_was_done_besides_is_taken_off() -> None:
    """120 messages, 20 of them the frames that asked for the id: one for each of 100 posts."""
    assert figures.saw(WHAT, 120).what == "1 messages each"
    assert figures.saw(WHAT, 20).what == "0 messages each"


def test_figures_are_believed_when_they_stand_still() -> None:
    """A sum that still grows is read again; one below what surely was done is not in yet."""
    assert waited([], [10], [10], [20, 50], [20, 100], [20, 100])["gone"].what == "1 messages each"


def test_a_zero_is_told_from_figures_that_are_late() -> None:
    """Nothing counted for the posts, as the twenty frames besides are there."""
    assert waited([20], [20])["gone"].what == "0 messages each"


def test_waiting_has_an_end() -> None:
    """Without figures nothing is answered, and no reading is made after the last minute."""
    assert waited(*[[]] * (figures.WAIT // 60 + 1)) == {}


def test_questions_survive_the_end_of_the_command(tmp_path: Path) -> None:
    """What --read finds is what the run noted."""
    assert figures.kept("dev", tmp_path) == {}
    figures.keep("dev", {"gone": WHAT}, tmp_path)
    assert figures.kept("dev", tmp_path) == {"gone": WHAT}


def made(local: str | None = None, ask: Any = None) -> Probe:
    """A probe that assumes "so"."""
    return Probe("p", "Is it?", "change it.", "so", "infra/routes.py", "docs/deploy.md#deploy", ask, local)


@pytest.mark.parametrize(
    ("probe", "saw", "is_local", "verdict"),
    [
        (made(), "so", False, "as assumed"),
        (made(), "other", False, "differs"),
        (made(), "so", True, "as assumed"),
        (made("not so"), "so", False, "as assumed"),
        (made("not so"), "not so", False, "differs"),
        (made("not so"), "not so", True, "known difference"),
        (made("not so"), "so", True, "differs"),
        (made("not so"), "third", True, "differs"),
    ],
)
def test_an_answer_is_judged_by_where_it_was_given(
    probe: Probe, saw: str, is_local: bool, verdict: str
) -> None:
    """In the local cloud a known difference is never "as assumed"; one that is gone differs."""
    assert judge(probe, Saw(saw), local=is_local).verdict == verdict


def test_a_difference_says_where_to_go() -> None:
    """The line names assumption, file, page and what to change; the summary ends with the count."""
    answers = [judge(made(), Saw("other", "3 of 4"), local=False), judge(made(), Saw("so"), local=False)]
    for text in ("other (3 of 4)", "assumed: so", "infra/routes.py", "docs/deploy.md#deploy", "change it."):
        assert text in line(answers[0])
    assert summary(answers) == "1 as assumed, 1 differs"
    assert summary(answers[1:]) == "1 as assumed, 0 differs"
    assert [entry["verdict"] for entry in json.loads(as_json(answers))] == ["differs", "as assumed"]


def test_a_probe_that_fails_leaves_the_others_alone() -> None:
    """What a probe trips over is told as its answer, with the name of the error."""

    def refuse(_: Place) -> Saw:
        raise Unanswered("not here")

    def crash(_: Place) -> Saw:
        raise OSError("no route")

    place = Place("dev", boto3.Session(region_name="us-east-1"), {}, "", "")
    probes = [made(ask=refuse), made(ask=crash), made(ask=lambda _: Saw("so")), made(ask=lambda _: WHAT)]
    told: list[str] = []
    answers, metered = command.ask_all(place, probes, with_slow=False, tell=told.append)
    assert [(answer.verdict, answer.why) for answer in answers] == [
        ("not answered", "not here"),
        ("not answered", "OSError: no route"),
        ("as assumed", ""),
    ]
    assert metered == {"p": WHAT}
    assert len(told) == 3


def test_addresses_come_from_the_deployed_stack() -> None:
    """The outputs by name; a stack that is not there is told with the command that makes it."""
    client = boto3.client("cloudformation", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    outputs = [{"OutputKey": "BaseUrl", "OutputValue": "https://x"}]
    stack = {
        "StackName": "s",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_COMPLETE",
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", {"Stacks": [{**stack, "Outputs": outputs}]}, {"StackName": "s"})
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id s does not exist")
        assert stack_outputs(client, "s") == {"BaseUrl": "https://x"}
        with pytest.raises(StepError, match="cannot be read"):
            stack_outputs(client, "s")


@pytest.mark.parametrize(
    "arguments", [["--stage", "nowhere"], ["--stage", "local"], ["--only", "no-such-probe"]]
)
def test_what_cannot_be_asked_is_one_clear_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown stage or probe ends with status 2 before anything is deployed."""
    monkeypatch.setattr("operations.probe.place._run", lambda *_: pytest.fail("nothing may be deployed"))
    assert command.main(arguments) == 2
    assert "fix" in capsys.readouterr().err


def test_answers_of_the_stage_go_by_its_addresses() -> None:
    """Sockets by wss with the name of the stage, requests by https."""
    place = Place(
        "dev", boto3.Session(region_name="eu-west-1"), {"RoutedApi": "abc", "HttpsApi": "def"}, "", ""
    )
    assert place.address("RoutedApi") == "wss://abc.execute-api.eu-west-1.amazonaws.com/v1"
    assert place.address("HttpsApi", "", scheme="https") == "https://def.execute-api.eu-west-1.amazonaws.com"


def test_a_late_figure_tells_how_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is "later" with the command."""
    monkeypatch.setattr(figures, "wait_for", lambda *_: {})
    place = Place("dev", boto3.Session(region_name="us-east-1"), {}, "", "")
    answers = command.read_figures(place, {"units-of-in": WHAT}, stage="dev", tell=lambda _: None)
    assert [(answer.verdict, answer.why) for answer in answers] == [
        ("later", "look again in 5 minutes: make probe STAGE=dev READ=1")
    ]
    assert isinstance(answers[0], Answer)
