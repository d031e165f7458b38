"""The CQL that both Amazon Keyspaces and Apache Cassandra understand alike: one list of rules.

Cassandra accepts nearly everything below, so a violation would only show in the cloud. The adapters'
``Statement`` refuses such text when it is built; ``python -m schemas.lint_cql`` finds it in the sources.
Reasons and sources: ``docs/storage.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.tables import KEYSPACE, TABLES, Table

MAX_IN = 100
"""Values that Keyspaces allows in one ``IN``."""

_FLAGS = re.IGNORECASE | re.DOTALL

_TABLES = {spec.name: spec for spec in TABLES}

_REFUSED: tuple[tuple[str, str, str], ...] = (
    ("truncate", r"^TRUNCATE\b", "TRUNCATE is not in Keyspaces"),
    ("index", r"^(CREATE|DROP)\s+(CUSTOM\s+)?INDEX\b", "secondary indexes are not in Keyspaces"),
    ("materialized-view", r"^(CREATE|ALTER|DROP)\s+MATERIALIZED\b", "views are not in Keyspaces"),
    ("function", r"^(CREATE|DROP)\s+(OR\s+REPLACE\s+)?(FUNCTION|AGGREGATE|TRIGGER)\b", "no code there"),
    ("alter-type", r"^ALTER\s+TYPE\b", "Keyspaces has no ALTER TYPE"),
    ("counter", r"\bcounter\b|\bSET\b.*\b(\w+)\s*=\s*\1\s*[+-]", "counting by addition is not idempotent"),
    ("use", r"^USE\b", "name the keyspace in the statement: USE is state of a connection"),
    ("batch-text", r"^BEGIN\b", "batches go through Cassandra.batch, which counts and measures them"),
    ("aggregate", r"\b(COUNT|MIN|MAX|SUM|AVG)\s*\(", "aggregates are not documented for Keyspaces"),
    ("group-by", r"\bGROUP\s+BY\b", "GROUP BY is not in Keyspaces"),
    ("distinct", r"\bDISTINCT\b", "DISTINCT is not in Keyspaces"),
    ("per-partition-limit", r"\bPER\s+PARTITION\s+LIMIT\b", "PER PARTITION LIMIT is not in Keyspaces"),
    ("allow-filtering", r"\bALLOW\s+FILTERING\b", "filtering reads, and bills, what it throws away"),
    ("contains", r"\b(CONTAINS|LIKE)\b", "CONTAINS and LIKE need an index"),
    ("using-timestamp", r"\bTIMESTAMP\s+(\?|%s|:?\w+)|\bWRITETIME\s*\(", "client-side timestamps are off"),
    ("json", r"^(SELECT|INSERT\s+INTO\s+\S+)\s+JSON\b", "JSON hides the columns from this linter"),
    ("in-on-write", r"^(UPDATE|DELETE)\b.*\bWHERE\b.*\bIN\b", "IN works in SELECT only"),
)  # fmt: skip

_PATTERNS = [(name, re.compile(pattern, _FLAGS), why) for name, pattern, why in _REFUSED]
_SHAPES = {
    "select": re.compile(r"^SELECT\b.+?\bFROM\s+([\w.]+)", _FLAGS),
    "insert": re.compile(r"^INSERT\s+INTO\s+([\w.]+)", _FLAGS),
    "update": re.compile(r"^UPDATE\s+([\w.]+)", _FLAGS),
    "delete": re.compile(r"^DELETE\b.*?\bFROM\s+([\w.]+)", _FLAGS),
}
_DDL = re.compile(r"^(CREATE|ALTER|DROP|TRUNCATE)\b", _FLAGS)
_CONDITION = re.compile(r"\bIF\s+(NOT\s+EXISTS|EXISTS|\w+\s*(=|!=|<|>|IN\b))", _FLAGS)
_WHERE = re.compile(r"\bWHERE\b(.*?)(\bIF\b|\bORDER\s+BY\b|\bLIMIT\b|;|$)", _FLAGS)
_EQUALS = re.compile(r"\b(\w+)\s*=", _FLAGS)
_IN_LIST = re.compile(r"\bIN\s*\(([^)]*)\)", _FLAGS)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: its stable name and why it exists."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rules and the adapters want to know about a statement's text."""

    verb: str
    keyspace: str
    table: str
    conditional: bool


def parts(cql: str) -> Parts | None:
    """Verb, table and condition of a SELECT, INSERT, UPDATE or DELETE; None for any other text."""
    text = _bare(cql)
    for verb, shape in _SHAPES.items():
        if found := shape.match(text):
            keyspace, _, name = found.group(1).rpartition(".")
            conditional = verb != "select" and _CONDITION.search(text) is not None
            return Parts(verb, keyspace.lower(), name.lower(), conditional)
    return None


def is_ddl(cql: str) -> bool:
    """Whether the text changes the schema."""
    return _DDL.match(_bare(cql)) is not None


def problems(cql: str) -> list[Problem]:
    """Every rule that this one statement breaks; an empty list means that both stores take it alike."""
    text = _bare(cql)
    found = [Problem(name, why) for name, pattern, why in _PATTERNS if pattern.search(text)]
    if any(values.count(",") >= MAX_IN for values in _IN_LIST.findall(text)):
        found.append(Problem("in-too-long", f"at most {MAX_IN} values in one IN"))
    about = parts(cql)
    if about and about.keyspace not in ("system", "system_schema"):
        found.extend(_against_tables(text, about))
    return found


def _against_tables(text: str, about: Parts) -> Iterator[Problem]:
    """The rules that need to know the table: its name, its key, its writes and its TTL."""
    if about.keyspace != KEYSPACE:
        yield Problem("unqualified", f"name the table as {KEYSPACE}.<table>: a session has no keyspace")
    spec = _TABLES.get(about.table)
    if spec is None:
        yield Problem("unknown-table", f"{about.table} is not in schemas/tables.py")
        return
    if about.verb != "select" and spec.lwt and not about.conditional:
        yield Problem("plain-write", f"{spec.name} is written by conditional statements only")
    if not spec.lwt and about.conditional:
        yield Problem("conditional-write", f"{spec.name} is not under conditional writes: the two do not mix")
    if re.search(r"\bUSING\b.*\bTTL\b", text, _FLAGS) and not spec.ttl_seconds:
        yield Problem("ttl", f"{spec.name} declares no ttl_seconds, so Keyspaces refuses a TTL on it")
    yield from _key_is_named(text, about, spec)


def _key_is_named(text: str, about: Parts, spec: Table) -> Iterator[Problem]:
    if about.verb == "insert":
        return
    clause = _WHERE.search(text)
    where = clause.group(1) if clause else ""
    exact = {name.lower() for name in _EQUALS.findall(where)}
    listed = {name.lower() for name in re.findall(r"\b(\w+)\s+IN\b", where, _FLAGS)}
    if about.verb == "select" and not {column.name for column in spec.partition} <= exact | listed:
        yield Problem("scan", f"a read of {spec.name} names its whole partition key")
    if about.verb != "select" and not {column.name for column in spec.key} <= exact:
        yield Problem(
            "range-write", f"rows of {spec.name} are changed and deleted by full key, never by range"
        )


def _bare(cql: str) -> str:
    """The text without comments and without what stands in quotes, which may look like a keyword."""
    return _QUOTED.sub("''", _COMMENT.sub(" ", cql)).strip()
