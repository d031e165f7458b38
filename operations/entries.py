"""One line of a function's log, wherever the log is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: ms since 1970. ``function``: its short name. ``fields``: empty where it is no JSON object."""

    at: int
    function: str
    text: str
    fields: dict[str, Any]


def entry(at: int, function: str, text: str) -> Entry:
    """An entry of a line; ``function`` may be the full name, ``heliograph-<stage>-<name>``."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    short = function.split("-", 2)[2] if function.startswith("heliograph-") else function
    return Entry(at, short, text.rstrip("\n"), found if isinstance(found, dict) else {})


def of_lines(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries of a local cloud's ``lambda.log``; a line that is cut short, as by a crash, is left out."""
    for line in lines:
        try:
            outer = json.loads(line)
            yield entry(outer["at"], outer["function"], outer["text"])
        except (ValueError, KeyError, TypeError):
            continue


def of_file(path: Path, containing: str = "") -> Iterator[Entry]:
    """Those of a file, in order, of lines that hold ``containing``; none where there is no file."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from of_lines(line for line in file if containing in line)
