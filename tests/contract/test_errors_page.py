"""docs/errors.md against the codes of the server, of the schemas and of the two API documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from chat import entrypoint
from chat.errors import Code

from schemas import documents, frames

ROOT = Path(__file__).parents[2]
SECTION = re.compile(
    r"^### (\w+)\n\*\*Where\*\* ([^.]+)\. \*\*Retry\*\* (yes|changed|no)\.\n\n(.+?)(?=^##|\Z)", re.M | re.S
)
CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
# Words in capitals that are no error codes.
OTHER_WORDS = {"REPLACED"}


def page() -> dict[str, tuple[set[str], str]]:
    """Each code of the page with where it appears and whether to retry."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    sections = SECTION.findall(text)
    assert len(sections) == len(re.findall(r"^### ", text, re.M)), (
        "a section does not have the shape of the others"
    )
    return {code: (set(where.split(", ")), retry) for code, where, retry, _ in sections}


def test_every_code_has_a_section() -> None:
    """The page explains exactly the codes that the server can answer with."""
    documented, known = set(page()), {code.value for code in Code}
    assert not known - documented, "not explained in docs/errors.md"
    assert not documented - known, "explained, but no code of the server"


def test_statuses_are_those_of_openapi() -> None:
    """``HTTPS <status>`` of a section is what openapi.yaml says about the code, in both directions."""
    listed: dict[str, int] = documents.read("openapi.yaml")["components"]["x-error-status"]
    shown = {
        code: int(place[6:])
        for code, (where, _) in page().items()
        for place in where
        if place.startswith("HTTPS ")
    }
    assert shown == listed


def test_the_server_answers_with_these_statuses() -> None:
    """The status that the entry point gives to a code is the published one."""
    listed: dict[str, int] = documents.read("openapi.yaml")["components"]["x-error-status"]
    given = {code.value: entrypoint._STATUS.get(code, 400) for code in Code}
    assert {code: given[code] for code in listed} == listed


@pytest.mark.parametrize("place", ["frame", "message", "ack_error"])
def test_places_are_those_of_asyncapi(place: str) -> None:
    """Which codes may stand in a frame, a message's result or ``ack_error`` is what asyncapi.yaml says."""
    listed: dict[str, list[str]] = documents.read("asyncapi.yaml")["components"]["x-error-codes"]
    assert {code for code, (where, _) in page().items() if place in where} == set(listed[place])
    assert len(listed[place]) == len(set(listed[place]))


def test_every_place_is_known() -> None:
    """No section invents a place."""
    for code, (where, _) in page().items():
        for place in where:
            assert re.fullmatch(r"frame|message|ack_error|HTTPS [45]\d\d", place), f"{code}: {place}"


def strings(node: Any) -> list[str]:
    """Every string inside ``node``, keys included."""
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in (key, *strings(value))]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [node] if isinstance(node, str) else []


def texts() -> dict[str, str]:
    """What may speak of codes: the schemas, the API documents and the protocol page."""
    schemas = {
        f"{name}.schema.json": "\n".join(strings(frames.load(name))) for name in [*frames.names(), "types"]
    }
    prose = {file: (ROOT / file).read_text("utf-8") for file in ("docs/protocol.md", "docs/errors.md")}
    yaml = {file: (ROOT / "schemas" / file).read_text("utf-8") for file in ("asyncapi.yaml", "openapi.yaml")}
    return schemas | prose | yaml


@pytest.mark.parametrize("name", sorted(texts()))
def test_only_known_codes_are_mentioned(name: str) -> None:
    """A code that a schema or page speaks of exists, so a renamed or misspelt one is found."""
    mentioned = set(CODE.findall(texts()[name])) - OTHER_WORDS
    assert mentioned <= {code.value for code in Code}


def test_closed_reasons_are_explained() -> None:
    """The table of closed sessions has exactly the reasons of the event."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8").partition("## Closed sessions")[2]
    branches = {branch["title"]: branch for branch in frames.load("event")["oneOf"]}
    assert set(re.findall(r"^\| `(\w+)`", text, re.M)) == set(
        branches["session_closed"]["properties"]["reason"]["enum"]
    )
