"""The faults that a run may be given."""

from __future__ import annotations

from tests.faults.world import Injection

INJECTIONS: tuple[Injection, ...] = ()
NOT_YET: dict[str, str] = {}
