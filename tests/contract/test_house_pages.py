"""The pages for contributors, where they repeat what a test already knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.addresses import local_addresses
from infra.constructs import alarms
from infra.stages import stage
from tests.infra.test_routes import PARTS

ROOT = Path(__file__).parents[2]
PAGES = sorted(page.relative_to(ROOT) for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))


def test_the_parts_of_a_route_are_listed() -> None:
    """The table in CONTRIBUTING.md has the row of infra/routes.py and each part that its test looks for."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = page.partition("| part | where |\n")[2].partition("\n\n")[0]
    parts = re.findall(r"^\| ([\w ]+) \|", table, re.MULTILINE)
    assert parts[0] == "row"
    assert set(parts[1:]) == set(PARTS)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder, and every anchor a heading of it."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", (ROOT / page).read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (ROOT / page.parent / target) if target else ROOT / page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}


def test_the_version_has_an_entry() -> None:
    """CHANGELOG.md speaks of the version that the project declares."""
    declared = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert declared
    assert f"## {declared[1]}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_runbook_knows_every_alarm() -> None:
    """A row for each alarm of a stage, and for those of any queue."""
    watches = alarms.of_stage(stage("local"), local_addresses("socket", "https", port=1))
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = page.partition("| alarm | look at | do |\n")[2].partition("\n\n")[0]
    named = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    assert named == [*(f"`{watch.name}`" for watch in watches), "`<queue>-age`, `<queue>-dead-letters`"]
