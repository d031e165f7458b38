"""Figures of CloudWatch, which come minutes after what they count; until then they are kept in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.places import ROOT
from operations.probe.probes import Metered, Saw

MINUTE = 60

WAIT = 6 * MINUTE
"""Seconds after which ``make probe`` waits no longer: CloudWatch has most figures after three minutes."""


def read(cloudwatch: Any, what: Metered) -> float | None:
    """The sum of a metric since then; ``None`` while there is nothing of it.

    Some metrics exist only with a further dimension, such as the operation: then all of those are added up.
    """
    total = _sum(cloudwatch, what, what.dimensions)
    if total is not None:
        return total
    known = cloudwatch.list_metrics(
        Namespace=what.namespace, MetricName=what.metric, Dimensions=_pairs(what.dimensions)
    )
    finer = [{pair["Name"]: pair["Value"] for pair in one["Dimensions"]} for one in known["Metrics"]]
    fewest = min((len(dimensions) for dimensions in finer), default=0)
    parts = [_sum(cloudwatch, what, one) for one in finer if len(one) == fewest > len(what.dimensions)]
    found = [part for part in parts if part is not None]
    return sum(found) if found else None


def _pairs(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _sum(cloudwatch: Any, what: Metered, dimensions: Mapping[str, str]) -> float | None:
    start = int(what.since) // MINUTE * MINUTE
    found = cloudwatch.get_metric_statistics(
        Namespace=what.namespace,
        MetricName=what.metric,
        Dimensions=_pairs(dimensions),
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(start + 30 * MINUTE, UTC),
        Period=MINUTE,
        Statistics=["Sum"],
    )
    points = found.get("Datapoints", [])
    return sum(float(point["Sum"]) for point in points) if points else None


def saw(what: Metered, total: float) -> Saw:
    """The answer: so much each, to a tenth."""
    each = round((total - what.apart) / what.times, 1)
    return Saw(f"{each:g} {what.unit}", f"{total:g} in all, {what.apart} of them besides, for {what.times}")


def wait_for(
    cloudwatch: Any,
    asked: Mapping[str, Metered],
    *,
    seconds: float = WAIT,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Saw]:
    """The answers that are in: figures that were the same in two readings a minute apart.

    Returns after ``seconds`` with what it has; the others are for ``--read`` later.
    """
    end, before, done = clock() + seconds, dict[str, float](), dict[str, Saw]()
    while True:
        for name in asked.keys() - done.keys():
            total = read(cloudwatch, asked[name])
            if total is not None and total >= asked[name].apart and before.get(name) == total:
                done[name] = saw(asked[name], total)
            elif total is not None:
                before[name] = total
        if len(done) == len(asked) or clock() + MINUTE > end:
            return done
        sleep(MINUTE)


def keep(stage: str, asked: Mapping[str, Metered], root: Path = ROOT) -> None:
    """Note what was asked, for ``--read``."""
    path = _path(stage, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(what) for name, what in asked.items()}))


def kept(stage: str, root: Path = ROOT) -> dict[str, Metered]:
    """What the last run asked; empty where there was none."""
    path = _path(stage, root)
    if not path.is_file():
        return {}
    return {name: Metered(**what) for name, what in json.loads(path.read_text()).items()}


def _path(stage: str, root: Path) -> Path:
    return root / ".local" / "probes" / f"{stage}.json"
