"""The counts of all flows: as a table, in ``docs/cost.md``, and against the committed ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import markdown, pricing
from bench.flows.result import Result

COMMITTED = Path(__file__).with_name("counts.json")
PAGE = Path(__file__).parents[1] / "docs" / "cost.md"

GROWTH = 1.10
"""A count may be so many times the committed one."""

LEAST = 0.1
"""Of a unit: smaller differences are no growth."""

COLUMNS = {"frames": 14, "HTTPS": 12, "invokes": 14, "WRU": 18, "RRU": 15, "$": 17}
"""The table for a terminal, and how wide it is there."""

DASH = "–"  # noqa: RUF001

Averages = Mapping[str, Mapping[str, float]]
"""By ``flow/name``: average counts of one unit, and dollars."""


def key(result: Result) -> str:
    """How the committed file names a line."""
    return f"{result.flow}/{result.name}"


def averages(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """What the committed file holds, to two digits."""
    return {
        key(one): {name: round(value, 2) for name, value in (one.averages | {"dollars": one.dollars}).items()}
        for one in results
    }


def growth(results: Sequence[Result], committed: Averages) -> list[str]:
    """What costs more than the committed file says, in words. What it lacks has nothing to grow from."""
    grown = []
    for one in results:
        known = committed.get(key(one), {})
        for name, value in averages([one])[key(one)].items():
            before = known.get(name)
            if before is not None and value > max(before * GROWTH, before + LEAST, before + one.chance[name]):
                grown.append(f"{one.flow}, {one.name}: {name} grew from {before:g} to {value:g}")
    return grown


def committed() -> Averages:
    """The committed file; nothing where there is none yet."""
    found: Averages = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    return found


def text(results: Sequence[Result]) -> str:
    """A table for a terminal: each count beside what was planned for it."""
    lines = [
        f"{'$ per million':<28}"
        + "".join(f"{name:>{width}}" for name, width in COLUMNS.items())
        + "    naive"
    ]
    for one in results:
        budget, counted = one.budget, one.averages
        cells = [
            _beside(counted["frames"], budget.frames),
            _beside(counted["https"], budget.https),
            _beside(counted["invokes"], budget.invokes),
            _beside(counted["wru"], budget.wru),
            _beside(counted["rru"], budget.rru),
            _beside(one.dollars, budget.dollars),
        ]
        unit = f"a {one.unit}" if one.fixed_dollars is not None else f"{one.unit}s"
        row = "".join(f"{cell:>{width}}" for cell, width in zip(cells, COLUMNS.values(), strict=True))
        lines.append(f"{one.name:<28}{row}{_or_dash(one.naive):>9}  {unit}")
    return "\n".join(lines)


def write(results: Sequence[Result]) -> None:
    """Put the counts into the committed file and the tables into the page."""
    known = dict(committed()) | averages(results)
    COMMITTED.write_text(json.dumps(known, indent=2) + "\n")
    page = PAGE.read_text()
    for flow in dict.fromkeys(one.flow for one in results):
        page = markdown.replace_between(page, flow, _tables([one for one in results if one.flow == flow]))
    page = markdown.replace_between(page, "prices", _prices())
    PAGE.write_text(page)


def _tables(results: Sequence[Result]) -> str:
    unit, fixed = results[0].unit, results[0].fixed_dollars is not None
    dollars = f"$ a {unit}" if fixed else f"$ per million {unit}s"
    header = ["", "frames", "HTTPS", "invokes", "WRU", "RRU", "TTL deletes", dollars, "budget $", "naive $"]
    rows = []
    for one in results:
        counted = one.averages
        cells = [
            f"{counted[name]:.2f}" for name in ("frames", "https", "invokes", "wru", "rru", "ttl_deletes")
        ]
        rows.append(
            [
                f"**{one.name}**",
                *cells,
                f"**{one.dollars:.2f}**",
                f"{one.budget.dollars:g}",
                _or_dash(one.naive),
            ]
        )
        planned = (one.budget.frames, one.budget.https, one.budget.invokes, one.budget.wru, one.budget.rru)
        rows.append(
            ["*planned*", *("" if value is None else f"{value:g}" for value in planned), "", "", "", ""]
        )
    notes = [f"- *{one.name}*: {one.note}. Measured over {one.number:g} {one.unit}s." for one in results]
    return markdown.table(header, rows) + "\n\n" + "\n".join(notes)


def _prices() -> str:
    price = pricing.prices()
    rows = [
        [name.replace("_", " "), f"{value:g} per million", price.sources[name]]
        for name, value in price.per_million.items()
    ]
    rows += [
        [name.replace("_", " "), f"{value:g} each", price.sources[name]] for name, value in price.each.items()
    ]
    head = f"List prices of {price.region}, read on {price.dated}, in dollars.\n\n"
    return head + markdown.table(["", "$", "where it stands"], rows)


def _or_dash(dollars: float | None) -> str:
    return DASH if dollars is None else f"{dollars:g}"


def _beside(value: float, planned: float | None) -> str:
    return f"{value:.2f}" if planned is None else f"{value:.2f} of {planned:g}"
