"""The speed measurement from beginning to end, with next to nothing of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import markdown
from bench.speed import growth, main
from bench.speed.main import PAGE, Plan

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

LITTLE = Plan(
    in_flight=(1, 2),
    seconds=0.2,
    rates=(20,),
    rate_lanes=2,
    rate_seconds=1.0,
    rooms=(2, 4),
    idle_sockets=4,
    idle_clients=2,
    growth=growth.Size(users=2, rows=4, own=10, times=4, calls=3),
    cpu_calls=4,
    cold_starts=1,
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the page, emptied and written by a run."""
    path = tmp_path_factory.mktemp("speed") / "performance.md"
    path.write_text(PAGE.read_text())
    main.run(LITTLE, path)
    return path


def rows(page: Path, name: str, first: str) -> list[list[str]]:
    """The rows of a section's tables that begin with ``first``: their other cells."""
    section = page.read_text().partition(markdown.begin(name))[2].partition(markdown.end(name))[0]
    lines = [line for line in section.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")[1:]] for line in lines]


def test_every_picture_of_the_page_is_written(page: Path) -> None:
    """And all of them are shown."""
    pictures = [path.name for path in (page.parent / "performance").iterdir()]
    assert len(pictures) == 4
    assert all(f"(performance/{name})" in page.read_text() for name in pictures)


def test_a_message_costs_the_same_whoever_else_is_connected(page: Path) -> None:
    """Three frames and one invocation with two clients and with four; the sample chat posts to all four."""
    ours, peers = rows(page, "operations", "message"), rows(page, "operations", "sample chat")
    assert [row[:3] for row in ours] == [["2", "3.0", "1.0"], ["4", "3.0", "1.0"]]
    assert [row[:3] for row in peers] == [["2", "3.0", "1.0"], ["4", "5.0", "1.0"]]


def test_every_system_was_measured_at_every_load(page: Path) -> None:
    """Messages went through everywhere."""
    for system in ("message", "sample chat", "echo by a post"):
        assert [row[0] for row in rows(page, "fixed rates", system)] == ["20"]
        in_flight = [row[0] for row in rows(page, "highest rates", system) if row[0] in ("1", "2")]
        assert in_flight == ["1", "2"]


def test_tombstones_are_those_that_cassandra_read(page: Path) -> None:
    """A device without a mark passes one for each acknowledged row, one with a mark none."""
    without = rows(page, "growth", growth.WITHOUT_MARK)
    assert [(row[0], row[-1]) for row in without if len(row) == 4 and row[0].isdecimal()] == [
        ("10", "10"),
        ("20", "20"),
        ("40", "40"),
    ]
    marked = rows(page, "growth", growth.AFTER_ACKS)
    assert {row[-1] for row in marked if len(row) == 4 and row[0].isdecimal()} == {"0"}
