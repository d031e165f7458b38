"""What was measured, as tables and pictures for ``docs/performance.md``, and what of it is over budget."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.cpu.rows import Row
from bench.cpu.run import Size as Package
from bench.encryption.report import tables as encryption_tables
from bench.encryption.run import Found as Encryption
from bench.markdown import table
from bench.speed import through
from bench.speed.chart import Chart, Line
from bench.speed.growth import AFTER_ACKS, WITHOUT_MARK, Timed
from bench.speed.idle import Clients, Idle
from bench.speed.loads import ECHO_POST, ECHO_REPLY, MESSAGE, PEER, Loaded
from bench.speed.operations import Operations
from bench.speed.page import DASH, Page, ms, rate
from bench.speed.processes import PARTS

LEAST_SHARE_OF_ECHO = 0.15
"""A stored, posted and acknowledged message costs three to five bare posted echoes; beyond seven is wrong."""

MOST_TOMBSTONES = 100
"""Read by a sync with a mark, however many rows were acknowledged before it."""

MOST_GROWTH = 2.0
"""What a hundred times more of something may do to the time of a call that should not notice."""

SYSTEMS = (ECHO_REPLY, ECHO_POST, PEER, MESSAGE)

Section = Sequence["str | tuple[str, Chart]"]
"""Texts, and pictures by name, in the order in which they are shown."""


@dataclass(slots=True)
class Found:
    """All measurements of one run."""

    ours: list[Operations] = field(default_factory=list)
    peer: list[Operations] = field(default_factory=list)
    steady: list[Loaded] = field(default_factory=list)
    fastest: list[Loaded] = field(default_factory=list)
    bare: Idle | None = None
    signed: Idle | None = None
    clients: Clients | None = None
    warm: list[Row] = field(default_factory=list)
    cold: list[Row] = field(default_factory=list)
    sizes: list[Package] = field(default_factory=list)
    growth: list[Timed] = field(default_factory=list)
    encryption: Encryption | None = None
    through: list[through.Through] = field(default_factory=list)


def sections(found: Found) -> Mapping[str, Section]:
    """Each part of the page between its markers."""
    return {
        "machine": [machine()],
        "operations": _operations(found),
        "fixed rates": _fixed_rates(found.steady),
        "highest rates": _highest_rates(found.fastest),
        "idle connections": [_idle(found)],
        "functions": [_functions(found)],
        "growth": _growth(found.growth),
        through.NAME: [through.text(found.through) if found.through else DASH],
        "encryption": [encryption_tables(found.encryption) if found.encryption else DASH],
    }


def write(page: Page, parts: Mapping[str, Section]) -> None:
    """Put all sections into the page."""
    for name, section in parts.items():
        page.put(name, *(one if isinstance(one, str) else page.picture(*one) for one in section))


def over(found: Found) -> list[str]:
    """What breaks a limit, in words. Limits are counts and ratios within this run, so that they travel."""
    lines = []
    for count in sorted({one.lanes for one in found.fastest}):
        share = _rate(found.fastest, MESSAGE, count) / _rate(found.fastest, ECHO_POST, count)
        if share < LEAST_SHARE_OF_ECHO:
            lines.append(f"{count} messages in flight: {share:.2f} messages per posted echo")
    lines += [
        f"{one.name} ({one.own:,}): {one.tombstones} tombstones"
        for one in found.growth
        if one.name == AFTER_ACKS and one.tombstones >= MOST_TOMBSTONES
    ]
    lines += [
        f"{name}: {ratio:.1f} times as long with a hundred times more {what}"
        for name, what, _, _, ratio in _ratios(found.growth)
        if name != WITHOUT_MARK and ratio > MOST_GROWTH
    ]
    return lines


def machine() -> str:
    """Where and when."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return (
        f"Measured {today} on {os.cpu_count()} cores ({_processor()}), {platform.system()},"
        f" CPython {platform.python_version()}."
    )


def _operations(found: Found) -> Section:
    rows = [
        [name, str(one.clients), *(f"{value:.1f}" for value in one.averages), f"{one.dollars:.2f}"]
        for ours, peer in zip(found.ours, found.peer, strict=True)
        for name, one in ((MESSAGE, ours), (PEER, peer))
    ]
    head = ["", "clients connected", "frames", "invocations", "write units", "read units"]
    chart = Chart(
        "Billed frames of one message, by clients connected",
        "clients connected",
        "frames a message",
        [
            Line(PEER, [(one.clients, one.frames) for one in found.peer]),
            Line(MESSAGE, [(one.clients, one.frames) for one in found.ours]),
        ],
        log_x=True,
        log_y=True,
    )
    return [table([*head, "dollars a million"], rows), ("frames", chart)]


def _fixed_rates(steady: Sequence[Loaded]) -> Section:
    rows = [
        [one.system, rate(one.rate), *map(ms, _times(one)), _share(one), _client_share(one)]
        for one in steady
        if one.system != ECHO_REPLY
    ]
    head = ["", "messages a second", "p50 ms", "p95 ms", "p99 ms", "longest ms"]
    lines = [
        Line(
            f"{system}, p{share * 100:.0f}",
            [(one.rate, one.sample.ms(share)) for one in steady if one.system == system],
        )
        for system in (PEER, MESSAGE)
        for share in (0.5, 0.99)
    ]
    chart = Chart(
        "Time until the other side has it, at fixed rates",
        "messages a second, at random moments",
        "milliseconds",
        lines,
        log_y=True,
    )
    return [table([*head, "processors busy", "of it client"], rows), ("fixed-rates", chart)]


def _times(one: Loaded) -> list[float]:
    return [*(one.sample.ms(share) for share in (0.5, 0.95, 0.99)), max(one.sample.shown)]


def _highest_rates(fastest: Sequence[Loaded]) -> Section:
    rows = []
    for one in fastest:
        echo = _rate(fastest, ECHO_POST, one.lanes)
        reached = one.sample.per_second
        row = [one.system, str(one.lanes), rate(reached), f"{reached / echo:.2f}"]
        row += [ms(one.sample.ms(share)) for share in (0.5, 0.99)]
        rows.append([*row, _share(one), _client_share(one)])
    head = ["", "in flight", "messages a second", "per posted echo", "p50 ms", "p99 ms"]
    chart = Chart(
        "Highest rate, by messages in flight",
        "messages in flight",
        "messages a second",
        [
            Line(system, [(one.lanes, one.sample.per_second) for one in fastest if one.system == system])
            for system in SYSTEMS
        ],
        log_x=True,
        log_y=True,
    )
    return [
        table([*head, "processors busy", "of it client"], rows),
        ("highest-rates", chart),
        _processor_time(fastest),
    ]


def _processor_time(fastest: Sequence[Loaded]) -> str:
    """Processor time of one message, by part, where ten are in flight or as many as there were."""
    counts = sorted({one.lanes for one in fastest})
    count = 10 if 10 in counts else counts[-1]
    rows = []
    for one in fastest:
        if one.lanes == count and one.used is not None:
            each = [1000 * one.used.cpu[part] / len(one.sample.shown) for part in PARTS]
            rows.append([one.system, *(f"{value:.2f}" for value in [*each, sum(each)])])
    return table([f"processor ms a message, {count} in flight", *PARTS, "together"], rows)


def _idle(found: Found) -> str:
    rows = []
    for name, one in (("signed, synced device", found.signed), ("bare socket of the echo", found.bare)):
        if one is not None:
            grown = [_kilobytes(one.bytes_each.get(part)) for part in ("emulator", "functions", "client")]
            rows.append([name, rate(one.sockets), rate(one.connects_per_second), *grown])
    if found.clients is not None:
        each = _kilobytes(found.clients.bytes_each)
        rows.append(["SDK client, online", rate(found.clients.clients), DASH, DASH, DASH, each])
    return table(["", "open", "connects a second", "emulator KB", "functions KB", "client KB"], rows)


def _functions(found: Found) -> str:
    rows = [
        [one.name, ms(one.wall), f"{one.cpu:.2f}", f"{one.units:.1f}"] for one in (*found.warm, *found.cold)
    ]
    packages = [[one.name, rate(one.zipped / 1000), rate(one.unpacked / 1000)] for one in found.sizes]
    return (
        table(["one call", "wall ms", "CPU ms", "in units of fixed work"], rows)
        + "\n\n"
        + table(["package of a cloud stage", "zipped KB", "unpacked KB"], packages)
    )


def _growth(timed: Sequence[Timed]) -> Section:
    rows = [
        [name, what, ms(before), ms(after), f"{ratio:.2f}"]
        for name, what, before, after, ratio in _ratios(timed)
    ]
    last = max(one.others for one in timed)
    read = [
        [one.name, rate(one.own), ms(one.ms), rate(one.live), rate(one.tombstones)]
        for one in timed
        if one.others == last
    ]
    chart = Chart(
        "A sync, by rows acknowledged before it",
        "acknowledged rows",
        "milliseconds (median)",
        [
            Line(label, [(one.own, one.ms) for one in timed if one.others == last and one.name == name])
            for name, label in ((WITHOUT_MARK, "without a mark"), (AFTER_ACKS, "with its mark"))
        ],
        log_x=True,
    )
    return [
        table(["", "a hundred times more", "before ms", "after ms", "ratio"], rows),
        table(["", "own rows", "ms", "rows read", "tombstones read"], read),
        ("growth", chart),
    ]


def _ratios(timed: Sequence[Timed]) -> list[tuple[str, str, float, float, float]]:
    """Name, of what there is more, ms before and after, and the ratio."""
    found = []
    for name in dict.fromkeys(one.name for one in timed):
        mine = {(one.others, one.own): one.ms for one in timed if one.name == name}
        others, own = ({key[i] for key in mine} for i in (0, 1))
        small = mine[min(others), min(own)]
        for what, large in (
            ("users and rows of others", mine[max(others), min(own)]),
            ("own rows", mine[min(others), max(own)]),
        ):
            found.append((name, what, small, large, large / small))
    return found


def _rate(fastest: Sequence[Loaded], system: str, lanes: int) -> float:
    return next(one.sample.per_second for one in fastest if (one.system, one.lanes) == (system, lanes))


def _share(one: Loaded) -> str:
    return DASH if one.used is None else f"{sum(one.used.share(part) for part in PARTS):.2f}"


def _client_share(one: Loaded) -> str:
    return DASH if one.used is None else f"{one.used.share('client'):.2f}"


def _kilobytes(value: float | None) -> str:
    return DASH if value is None else f"{value / 1024:,.0f}"


def _processor() -> str:
    """The name of the processor, where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
