"""The SVG writer."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from bench.speed import chart
from bench.speed.chart import Chart, Line, linear_ticks, log_ticks, number, svg

NAMESPACE = "{http://www.w3.org/2000/svg}"

RATES = Chart(
    title="Rate & time",
    x_label="in flight",
    y_label="messages a second",
    lines=[Line("echo <post>", [(1, 500), (10, 800), (100, 900)]), Line("message", [(1, 100), (100, 300)])],
    log_x=True,
)


def texts(picture: str) -> list[str]:
    """All labels in it."""
    root = ElementTree.fromstring(picture)  # noqa: S314, our own
    return [element.text or "" for element in root.iter(f"{NAMESPACE}text")]


def dots(picture: str) -> list[tuple[float, float]]:
    """Where the measured values lie, the legend's mark of each line left out."""
    root = ElementTree.fromstring(picture)  # noqa: S314, our own
    places = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in root.iter(f"{NAMESPACE}circle")]
    return [place for place in places if place[1] >= chart.TOP]


def test_everything_is_named() -> None:
    """Title, both axes with their units, each line, each measured x: escaped, in well-formed XML."""
    found = texts(svg(RATES))
    assert {"Rate & time", "in flight", "messages a second", "echo <post>", "message"} <= set(found)
    assert {"1", "10", "100"} <= set(found)


def test_values_lie_where_the_axes_say() -> None:
    """Decades are evenly apart, larger is higher, and zero is on the axis."""
    (x1, y1), (x2, y2), (x3, y3), *_ = dots(svg(RATES))
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 > y2 > y3 > chart.TOP
    bottom = chart.HEIGHT - chart.BOTTOM
    assert (bottom - y1) / (bottom - y2) == pytest.approx(500 / 800, abs=0.01)


def test_the_same_numbers_give_the_same_bytes() -> None:
    """A run that measured the same changes nothing in the repository."""
    assert svg(RATES) == svg(RATES)


def test_it_is_readable_on_a_dark_page() -> None:
    """Text changes its colour with the page; there is no background of its own."""
    picture = svg(RATES)
    assert "prefers-color-scheme: dark" in picture
    assert "<rect" not in picture


def test_lines_are_told_apart_without_colours() -> None:
    """Each has a dash pattern of its own."""
    picture = svg(Chart("t", "x", "y", [Line(str(i), [(1, i + 1), (2, 3)]) for i in range(5)]))
    patterns = re.findall(r'<path fill="none" stroke-width="2" stroke="#\w+"([^>]*) d="M\d+\.', picture)
    assert len(set(patterns)) == 5


def test_labels_do_not_run_into_each_other() -> None:
    """Of values that lie close together the later one has a mark only."""
    crowded = Chart("t", "x", "y", [Line("a", [(1000, 1), (1001, 2), (2000, 3)])])
    assert "1,001" not in texts(svg(crowded))
    assert "2,000" in texts(svg(crowded))


def test_one_point_is_a_picture() -> None:
    """A plan with one number of clients draws it in the middle."""
    ((x, _),) = dots(svg(Chart("t", "x", "y", [Line("a", [(5, 7)])], log_x=True)))
    assert x == pytest.approx((chart.LEFT + chart.WIDTH - chart.RIGHT) / 2, abs=1)


def test_nothing_to_draw_is_refused() -> None:
    """An empty picture would look like a measurement."""
    with pytest.raises(ValueError, match="nothing to draw: t"):
        svg(Chart("t", "x", "y", [Line("a", [])]))


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(0, [0, 1]), (7, [0, 1, 2, 3, 4, 5, 6, 7]), (950, [0, 200, 400, 600, 800, 1000]), (0.3, [0, 0.05])],
)
def test_linear_ticks_are_round_and_begin_at_zero(highest: float, expected: list[float]) -> None:
    """Up to the first round number that is not below the highest value."""
    ticks = linear_ticks(highest)
    assert ticks[: len(expected)] == pytest.approx(expected)
    assert ticks[-1] >= highest
    assert len(ticks) <= 11


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(3, 90, [2, 5, 10, 20, 50, 100]), (5, 5, [5, 10]), (1, 50_000, [1, 10, 100, 1000, 10_000, 100_000])],
)
def test_log_ticks_enclose_the_values(lowest: float, highest: float, expected: list[float]) -> None:
    """1, 2, 5 of each decade; over many decades the powers of ten."""
    assert log_ticks(lowest, highest) == pytest.approx(expected)


def test_zero_has_no_place_on_a_logarithmic_axis() -> None:
    """Said in words, not by a domain error of the logarithm."""
    with pytest.raises(ValueError, match="no place for 0"):
        log_ticks(0, 10)


@pytest.mark.parametrize(
    ("value", "text"), [(1200, "1,200"), (25, "25"), (0.5, "0.5"), (2, "2"), (10.0, "10")]
)
def test_numbers_are_written_as_people_do(value: float, text: str) -> None:
    """Thousands apart, no digits that say nothing."""
    assert number(value) == text
