"""``python -m schemas.lint_cql``: every CQL text of the project keeps the rules of ``cql_subset``.

Texts are found in the syntax tree (plain, joined, added and formatted strings, not docstrings), so a new
file is covered without being listed. Prints ``file:line: rule: why`` for each violation and exits with 1.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas import cql_subset
from schemas.tables import KEYSPACE

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("layers", "functions", "local", "schemas")
DDL_ALLOWED = ("local", "schemas")
"""Where the schema may be changed: what renders and applies it. Never at run time in the cloud."""

_CONSISTENCIES = {"LOCAL_QUORUM", "LOCAL_ONE", "LOCAL_SERIAL"}

_LOOKS_LIKE_CQL = re.compile(
    r"""\s*(
      SELECT\s.+?\sFROM\s+[\w{}]+(\.|\s+(WHERE|LIMIT|ALLOW)\s|\s*;?\s*$)
    | INSERT\s+INTO\s+[\w.{}]+\s*(\(|JSON)
    | UPDATE\s+[\w.{}]+\s+(USING|SET)\s
    | DELETE\s+(.*?\s)?FROM\s+[\w.{}]+(\s+(USING|WHERE|IF)\s|\s*;?\s*$)
    | TRUNCATE\s+(TABLE\s+)?[\w.{}]+\s*;?\s*$
    | (CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?(TABLE|KEYSPACE|CUSTOM\s+INDEX|INDEX|MATERIALIZED\s+VIEW|TYPE
      |FUNCTION|AGGREGATE|TRIGGER)\s
    | BEGIN\s+(\w+\s+)?BATCH\b
    | USE\s+[\w{}]+\s*;?\s*$
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule at one place."""

    file: str
    line: int
    rule: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.why}"


def lint(root: Path = ROOT) -> list[Violation]:
    """All violations below the source folders of ``root``, in file order."""
    found: list[Violation] = []
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*")):
            name = file.relative_to(root).as_posix()
            if file.suffix == ".py":
                found.extend(lint_python(file.read_text(), name))
            elif file.suffix == ".cql":
                found.extend(_lint_script(file.read_text(), name))
    return found


def lint_python(source: str, name: str) -> Iterator[Violation]:
    """The violations in one Python source; ``name`` is its path from the root, with slashes."""
    tree = ast.parse(source, name)
    skipped = _docstrings(tree) | _parts_of_larger_strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_consistency(node) and node.attr not in _CONSISTENCIES:
            yield Violation(
                name, node.lineno, "consistency", f"Keyspaces takes {sorted(_CONSISTENCIES)} only"
            )
        if isinstance(node, ast.expr) and id(node) not in skipped:
            text = _text(node)
            if text is not None and _LOOKS_LIKE_CQL.match(text):
                yield from _lint_statement(text, name, node.lineno)


def _lint_script(source: str, name: str) -> Iterator[Violation]:
    bare = "\n".join(line.partition("--")[0] for line in source.split("\n"))
    line = 1
    for statement in bare.split(";"):
        if statement.strip():
            blank = len(statement) - len(statement.lstrip())
            yield from _lint_statement(statement, name, line + statement[:blank].count("\n"))
        line += statement.count("\n")


def _lint_statement(text: str, name: str, line: int) -> Iterator[Violation]:
    if cql_subset.is_ddl(text) and not name.startswith(tuple(f"{folder}/" for folder in DDL_ALLOWED)):
        yield Violation(name, line, "ddl-at-run-time", "the schema changes by deployment only")
    for problem in cql_subset.problems(text):
        yield Violation(name, line, problem.rule, problem.why)


def _text(node: ast.AST) -> str | None:
    """The text of a string expression; a formatted value becomes its name in braces."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "" for value in values)
        case ast.FormattedValue(value=ast.Name(id="KEYSPACE") | ast.Attribute(attr="KEYSPACE")):
            return KEYSPACE
        case ast.FormattedValue():
            return "{}"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _text(left), _text(right)
            return None if first is None and second is None else (first or "{}") + (second or "{}")
    return None


def _docstrings(tree: ast.AST) -> set[int]:
    """Bare string statements: documentation of a module, class, function or name."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _parts_of_larger_strings(tree: ast.AST) -> set[int]:
    larger: Iterable[ast.AST] = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.BinOp) and _text(node) is not None
    )
    return {id(part) for node in larger for part in ast.walk(node) if part is not node}


def _is_consistency(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "ConsistencyLevel"


def main() -> int:
    """Print the violations; the exit status says whether there are any."""
    found = lint()
    for violation in found:
        sys.stdout.write(f"{violation}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
