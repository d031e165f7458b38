"""The register of probes: each is explained, leads somewhere, and every listed difference has one."""

from __future__ import annotations

import ast
import re

import pytest

from local.emulator_patches import PATCHES
from local.places import ROOT
from operations.probe import __main__ as command
from operations.probe import app, echo
from operations.probe.probes import REGISTER, Probe, Register, Saw

PROBES = list(REGISTER.probes.values())
PAGE = (ROOT / "docs" / "local-cloud.md").read_text("utf-8")


def rows_below(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of docs/local-cloud.md that has a column for probes."""
    text = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = text.partition("`make probe` |\n|---|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in table.splitlines()]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_says_what_was_assumed_and_leads_somewhere(probe: Probe) -> None:
    """A question, an assumption, a file that relies on it, a heading of a page, and what to change."""
    assert probe.question.endswith("?")
    assert probe.assumed
    assert probe.otherwise.endswith(".")
    assert probe.local != probe.assumed
    assert (ROOT / probe.used).is_file(), probe.used
    page, _, anchor = probe.docs.partition("#")
    titles = re.findall(r"^#+ (.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, probe.docs


@pytest.mark.parametrize("heading", ["Mended in ministack", "Differences that remain"])
def test_every_listed_difference_has_a_probe_or_a_reason(heading: str) -> None:
    """The last column names probes that exist, or says "none: " and why."""
    rows = rows_below(heading)
    assert rows
    for row in rows:
        named = re.findall(r"`([a-z0-9-]+)`", row[3])
        assert set(named) <= REGISTER.probes.keys(), row
        assert named or re.fullmatch(r"none: .{10,}", row[3]), row


def test_every_patch_is_a_row_of_the_table() -> None:
    """So that a new patch cannot go without a probe."""
    assert {patch.probe for patch in PATCHES} == {
        row[2].strip("`") for row in rows_below("Mended in ministack")
    }


def test_every_known_difference_is_a_row_of_the_table() -> None:
    """A probe with an answer of its own for the local cloud stands in a row; those of the bill share one."""
    listed = {
        name
        for row in rows_below("Differences that remain")
        for name in re.findall(r"`([a-z0-9-]+)`", row[3])
    }
    of_the_bill = {name for name in REGISTER.probes if name.startswith(("counted-", "units-of-"))}
    assert {probe.name for probe in PROBES if probe.local is not None} - of_the_bill <= listed


def test_a_probe_without_a_way_on_is_refused() -> None:
    """The second paragraph of its docstring is not optional."""

    def probe(_: object) -> Saw:
        """What is missing here?"""
        return Saw("x")

    with pytest.raises(ValueError, match="If not"):
        Register().add(assumed="x", used="y", docs="z")(probe)


def test_a_run_costs_less_than_five_cents() -> None:
    """What all probes together may use, at list prices."""
    assert 0 < command.dollars(PROBES) < 0.05


def test_the_code_of_the_stack_fits_into_its_template() -> None:
    """Lambda takes 4,096 characters; nothing of ours can be imported there."""
    assert echo.__file__
    text = (ROOT / "operations" / "probe" / "echo.py").read_text("utf-8")
    assert len(text) <= 4096
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert {node.module for node in imported} == {"__future__", "typing"}


def test_each_question_to_the_bill_has_a_place_of_its_own() -> None:
    """No two probes share a stage or a table, or their figures would mix."""
    text = (ROOT / "operations" / "probe" / "bill.py").read_text("utf-8")
    stages = re.findall(r'_messages\(\s*place,\s*"(\w+)"', text)
    tables = re.findall(r'_units\(\s*place,\s*"(\w+)"', text)
    assert sorted(stages) == sorted(set(app.STAGES) - {"v1", "throttled"})
    assert sorted(tables) == sorted(set(app.TABLES) - {"rules"})
