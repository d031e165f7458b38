"""Dollars for counts, by the list prices of ``prices.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.counting import Counts
from infra.routes import FUNCTIONS

FILE = Path(__file__).with_name("prices.json")

MEMORY_MB: Mapping[str, int] = {function.name: function.memory_mb for function in FUNCTIONS}


@dataclass(frozen=True, slots=True)
class Prices:
    """The file: dollars per million by item, dollars a month by thing, and when they were read."""

    dated: str
    region: str
    per_million: Mapping[str, float]
    each: Mapping[str, float]
    assumed_milliseconds: float
    sources: Mapping[str, str]


@cache
def prices() -> Prices:
    """Read the file."""
    raw = json.loads(FILE.read_text())
    items = {name: item for name, item in raw.items() if isinstance(item, dict)}
    return Prices(
        dated=raw["dated"],
        region=raw["region"],
        per_million={n: i["dollars_per_million"] for n, i in items.items() if "dollars_per_million" in i},
        each={n: i["dollars_each"] for n, i in items.items() if "dollars_each" in i},
        assumed_milliseconds=items["lambda_milliseconds_assumed"]["each"],
        sources={n: i["source"] for n, i in items.items()},
    )


def bill(counts: Counts, *, connection_minutes: float = 0.0) -> dict[str, float]:
    """Dollars by item, those that are not zero.

    Lambda time is priced by the milliseconds that the price file assumes, not by those of this machine, so
    that a bill is the same on a busy laptop.
    """
    price = prices()
    gb_seconds = sum(
        number * MEMORY_MB[function] / 1024 * price.assumed_milliseconds / 1000
        for function, number in counts.invocations.items()
    )
    amounts = {
        "websocket_frames": counts.frames,
        "connection_minutes": connection_minutes,
        "https_requests": counts.https,
        "lambda_requests": counts.invokes,
        "lambda_gb_seconds": gb_seconds,
        "write_request_units": counts.wru,
        "read_request_units": counts.rru,
        "ttl_deletes": counts.ttl_deletes,
        "queue_requests": counts.queue_requests,
    }
    return {name: amount * price.per_million[name] / 1e6 for name, amount in amounts.items() if amount}


def dollars(counts: Counts, *, connection_minutes: float = 0.0) -> float:
    """The whole bill."""
    return sum(bill(counts, connection_minutes=connection_minutes).values())
