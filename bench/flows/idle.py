"""Nobody is there: what a deployed stage costs by being deployed."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench import pricing
from bench.counting import Counts
from bench.flows.result import Budget, Result
from bench.flows.stage import Stage
from infra.allowed_resources import ALLOWED_RESOURCES

STAGE = "prod"

MONTHLY: Mapping[str, str] = {
    "AWS::CloudWatch::Alarm": "alarm_months",
    "AWS::CloudWatch::Dashboard": "dashboard_months",
    "AWS::Lambda::EventSourceMapping": "queue_poll_months",
}
"""The resource types that cost something by being there, with their price. All other allowed ones cost
nothing but what they store: ``infra/allowed_resources.py`` says so for each."""

IDLE_SECONDS = 3


def resources(stage: str = STAGE) -> Counter[str]:
    """How many of each type the template of a stage holds. Needs no account; takes some seconds."""
    # Imported here: the CDK takes a second, and starts a Node process.
    from aws_cdk import App  # noqa: PLC0415

    from infra import stages  # noqa: PLC0415
    from infra.application import CDK_FLAGS, build  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        app = App(context=CDK_FLAGS, outdir=folder)
        build(app, stages.stage(stage))
        app.synth()
        templates = [json.loads(path.read_text()) for path in Path(folder).glob("*.template.json")]
    return Counter(thing["Type"] for one in templates for thing in one["Resources"].values())


def monthly_dollars(found: Mapping[str, int]) -> float:
    """What these resources cost a month. Raises ``KeyError`` for a type that is not on the allowed list."""
    for kind in found:
        ALLOWED_RESOURCES[kind]
    return sum(found.get(kind, 0) * pricing.prices().each[price] for kind, price in MONTHLY.items())


async def measure(stage: Stage) -> list[Result]:
    """Wait a moment with nobody connected, and add up what the template costs."""
    start = await stage.settled()
    await asyncio.sleep(IDLE_SECONDS)
    counts: Counts = await stage.counted(start)
    found = await asyncio.to_thread(resources)
    priced = ", ".join(f"{found[kind]} {kind.rpartition('::')[2]}" for kind in MONTHLY if found[kind])
    return [
        Result(
            flow="idle",
            name="idle",
            unit="month",
            number=1,
            counts=counts,
            budget=Budget(5.0, frames=0, invokes=0, wru=0, rru=0),
            naive=32.0,
            note=f"stage {STAGE}: {priced or 'nothing that costs'}; the naive design pays a NAT gateway",
            fixed_dollars=monthly_dollars(found),
        )
    ]
