"""A trace out of CloudWatch Logs, as in a deployed stage."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from operations import __main__ as command
from operations.stage_logs import StageLogs, StageUnreachable
from schemas.pseudonyms import pseudonym

KEY = "0f0e0d0c-0000-4000-8000-000000000000"
SENT = 1_795_536_304_000
MESSAGE = f"{SENT:012x}"[:8] + "-" + f"{SENT:012x}"[8:] + "-7000-8000-000000000000"
NAME = pseudonym(KEY, MESSAGE)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A simulated AWS with the log groups of two stages; the function that has the key is told apart."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(StageLogs, "key", lambda _self: KEY)
    with mock_aws():
        yield


def log(stage: str, function: str, at: int, fields: dict[str, object]) -> None:
    """What a function of a stage logged."""
    client, group = boto3.client("logs"), f"/aws/lambda/heliograph-{stage}-{function}"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="one")
    events = [{"timestamp": at, "message": json.dumps(fields)}]
    client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def hop(name: str, device: str = "somebody") -> dict[str, object]:
    """A line of that message."""
    return {"level": "INFO", "hop": name, "device": device, "messages": [NAME]}


@pytest.mark.usefixtures("aws")
def test_the_hops_of_all_functions_of_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """By time across log groups; not those of another stage, nor of another message."""
    at = time.time_ns() // 1_000_000  # CloudWatch takes no line of another time
    log("dev", "ack", at + 2, hop("acked"))
    log("dev", "send", at, {**hop("accepted"), "messages": [[NAME, 1]]})
    log("dev", "sync", at + 1, {**hop("drained"), "messages": ["aaaaaaaaaaaaaaaa"]})
    log("prod", "send", at, hop("posted"))

    assert command.main(["trace", NAME, "--stage", "dev"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ms  ")[1] for line in lines] == [
        "send     accepted from somebody, 1 row",
        "ack      acked by somebody",
    ]


@pytest.mark.usefixtures("aws")
def test_nothing_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, and what may be why."""
    assert command.main(["trace", MESSAGE, "--stage", "dev"]) == 1
    assert f"Nothing is logged of {NAME}" in capsys.readouterr().out


@pytest.mark.usefixtures("aws")
def test_what_is_no_id_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, on standard error."""
    assert command.main(["trace", "hello", "--stage", "dev"]) == 2
    assert "helio history" in capsys.readouterr().err


def test_a_stage_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2 with what AWS said, and no traceback."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        assert command.main(["trace", MESSAGE, "--stage", "dev"]) == 2
        with pytest.raises(StageUnreachable):
            StageLogs("dev").key()
    assert "no key of stage 'dev'" in capsys.readouterr().err
