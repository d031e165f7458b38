"""The page that is written, and how its numbers look."""

from __future__ import annotations

from pathlib import Path

from bench.markdown import replace_between
from bench.speed.chart import Chart, svg
from local.places import ROOT

PAGE = ROOT / "docs" / "performance.md"

DASH = "–"  # noqa: RUF001
"""Stands for a number that is not there."""


def ms(value: float) -> str:
    """Milliseconds for a cell: one decimal below 100."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}"


def rate(value: float) -> str:
    """A rate or count for a cell."""
    return f"{value:,.0f}"


class Page:
    """``docs/performance.md`` and the pictures beside it; nothing is written before ``write``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = path.read_text()
        self._pictures: dict[Path, str] = {}

    def put(self, name: str, *parts: str) -> None:
        """Replace what stands between the markers of ``name``. Raises ``ValueError`` without markers."""
        self._text = replace_between(self._text, name, "\n\n".join(parts))

    def picture(self, name: str, chart: Chart) -> str:
        """Draw ``performance/<name>.svg`` beside the page; returns the Markdown that shows it."""
        path = self._path.parent / "performance" / f"{name}.svg"
        self._pictures[path] = svg(chart)
        return f"![{chart.title}](performance/{name}.svg)"

    def write(self) -> None:
        """Write the pictures, then the page. Run again after a crash: all of it is written again."""
        for path, text in self._pictures.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self._path.write_text(self._text)
