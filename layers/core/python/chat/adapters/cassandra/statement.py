"""One CQL statement, checked when it is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from schemas import cql_subset

Consistency = Literal["LOCAL_QUORUM", "LOCAL_ONE"]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A SELECT, INSERT, UPDATE or DELETE with ``?`` for its values: a constant of an adapter's module.

    Built once per environment. Raises ``ValueError`` for text outside the common subset of Amazon
    Keyspaces and Apache Cassandra (``schemas/cql_subset.py``), for a plain write of a table under
    conditional writes and the other way round: a mistake fails at import, not in the cloud.

    Writes are LOCAL_QUORUM. A read may ask for LOCAL_ONE, which costs half and may be stale: good for
    public profiles and old pages, never for connections, inbox, devices or membership.
    """

    cql: str
    consistency: Consistency = "LOCAL_QUORUM"
    verb: str = field(init=False)
    table: str = field(init=False)
    conditional: bool = field(init=False)
    limited: bool = field(init=False)
    """Whether its last value is the LIMIT."""

    def __post_init__(self) -> None:
        about = cql_subset.parts(self.cql)
        if about is None:
            raise ValueError(f"not a SELECT, INSERT, UPDATE or DELETE: {self.cql}")
        if broken := cql_subset.problems(self.cql):
            raise ValueError(f"{broken[0].rule}: {broken[0].why}: {self.cql}")
        if self.consistency != "LOCAL_QUORUM" and about.verb != "select":
            raise ValueError(f"writes are LOCAL_QUORUM: {self.cql}")
        object.__setattr__(self, "verb", about.verb)
        object.__setattr__(self, "table", about.table)
        object.__setattr__(self, "conditional", about.conditional)
        object.__setattr__(self, "limited", self.cql.endswith("LIMIT ?"))

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice leaves what sending it once leaves: everything but a conditional write."""
        return not self.conditional
