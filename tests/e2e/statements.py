"""The statements that the functions of the local cloud run: what the time of an answer is made of."""

from __future__ import annotations

import json
from pathlib import Path

COUNTING = "rate_limits"
"""The table of limits, which a sampled limiter reaches by chance: the same chance for everybody."""


class StatementLog:
    """Reads what was logged since it was made, or since the last :meth:`restart`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._start = 0
        self.restart()

    def restart(self) -> None:
        """Forget what was run so far."""
        self._start = self._file.stat().st_size if self._file.exists() else 0

    def of(self, function: str) -> list[str]:
        """The CQL of a function in the order in which it was answered, without the counting of limits."""
        with self._file.open("rb") as file:
            file.seek(self._start)
            entries = [json.loads(line) for line in file]
        return [
            entry["cql"]
            for entry in entries
            if entry["kind"] == "statement" and entry["function"] == function and entry["table"] != COUNTING
        ]
