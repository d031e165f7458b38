"""What whoever runs the local cloud sees of it: the way of one message, and how much happens."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys

import boto3
import pytest

from local.cloud import LocalCloud
from local.deploy import REGION
from schemas.metrics import NAMESPACE
from tests.barriers import Barriers
from tests.e2e.client import Device, name_of
from tests.e2e.steps import relate
from tests.waiting import until

pytestmark = pytest.mark.local_only


def run(cloud: LocalCloud, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """``python -m local <command>`` for that cloud."""
    environment = {key: value for key, value in os.environ.items() if key != "AWS_ENDPOINT_URL"}
    return subprocess.run(
        [sys.executable, "-m", "local", command],
        env={**environment, "HELIOGRAPH_STATE_DIR": str(cloud.places.state), **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def hops(cloud: LocalCloud, message: str) -> list[str]:
    """What ``make trace`` says happened, without times, and X for the devices."""
    done = run(cloud, "trace", MESSAGE=message)
    assert done.returncode in (0, 1), done.stderr
    said = [line.partition(" ms  ")[2] for line in done.stdout.splitlines()[1:]]
    return [" ".join(re.sub(r"\b[a-z2-7]{16}\b", "X", line).split()) for line in said]


async def test_the_way_of_a_message(
    cloud: LocalCloud, alice: Device, bob: Device, barriers: Barriers
) -> None:
    """Accepted, met a dead socket, posted, drained, acknowledged, its receipt posted: each with its function;
    another message of the same people is not among them.
    """
    await relate(bob, "accepted", alice)
    async with await alice.connect() as a:
        async with await bob.connect() as b:
            barriers.once("send.sockets.post_all", "gone")
            [result] = await a.send(message := alice.message(bob))
            await a.send(message)
            await a.send(alice.message(bob))
        async with await bob.connect() as b:
            [event, *_] = await b.wait_for(2)
            await b.ack(delivered=[name_of(event)])
            await a.wait_for(1, "receipt")
            await until(lambda: "ack acked by X" in (hops(cloud, result["id"])))

    found = hops(cloud, result["id"])
    assert found == [
        "send accepted from X, 1 row",
        "send 410, gone: X",
        "send accepted from X, 1 row",
        "sync drained by X",
        "ack receipt (delivered) posted to X",
        "ack acked by X",
    ]


async def test_a_message_that_never_came(cloud: LocalCloud, alice: Device) -> None:
    """Exit status 1, and what may be why."""
    done = await asyncio.to_thread(run, cloud, "trace", MESSAGE=alice.new_id())

    assert (done.returncode, done.stdout[:21]) == (1, "Nothing is logged of ")


def test_what_is_no_message(cloud: LocalCloud) -> None:
    """Exit status 1 and how to find an id."""
    done = run(cloud, "trace", MESSAGE="hello")

    assert done.returncode == 1
    assert "helio history WITH --ids" in done.stderr


async def test_status_counts(cloud: LocalCloud, alice: Device, bob: Device) -> None:
    """A message more is a message more, here and in the last minute, and it took some time."""

    def facts() -> dict[str, str]:
        return dict(line.split("=", 1) for line in run(cloud, "status").stdout.splitlines())

    before = facts()
    async with await alice.connect() as a:
        await a.send(alice.message(bob))
        await until(lambda: int(facts()["ACCEPTED"]) == int(before["ACCEPTED"] or 0) + 1)

    after = facts()
    assert int(after["ACCEPTED_LAST_MINUTE"]) >= 1
    assert int(after["ACCEPT_MS_P99"]) >= int(after["ACCEPT_MS_P50"]) >= 0


def test_alarms_are_deployed_and_see_nothing(cloud: LocalCloud) -> None:
    """The template is whole here, too; but what functions log is read from their log, not by CloudWatch."""
    watching = boto3.Session("test", "test", region_name=REGION).client(
        "cloudwatch", endpoint_url=cloud.endpoint
    )

    alarms = watching.describe_alarms(AlarmNamePrefix="heliograph-local-")["MetricAlarms"]
    assert len(alarms) == 10
    assert "ALARM" not in {alarm["StateValue"] for alarm in alarms}
    assert watching.list_metrics(Namespace=NAMESPACE)["Metrics"] == []
