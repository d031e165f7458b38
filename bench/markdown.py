"""Text in a page that a command writes, between two markers; the prose around it stays as it is."""

from __future__ import annotations

from collections.abc import Sequence


def begin(name: str) -> str:
    """The line before the text called ``name``."""
    return f"<!-- {name}: written by make bench -->"


def end(name: str) -> str:
    """The line behind it."""
    return f"<!-- end of {name} -->"


def replace_between(page: str, name: str, body: str) -> str:
    """The page with ``body`` between its markers. Raises ``ValueError`` for a page without them."""
    before, found, rest = page.partition(begin(name))
    _, closed, after = rest.partition(end(name))
    if not (found and closed):
        raise ValueError(f"no place for {name}: {begin(name)} ... {end(name)}")
    return f"{before}{begin(name)}\n\n{body.strip()}\n\n{end(name)}{after}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
