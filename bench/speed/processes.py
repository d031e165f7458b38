"""Processor time and memory of what runs here, by part: client, emulator, functions, Cassandra.

Read from ``/proc``, so on Linux alone; elsewhere there are no numbers (``None``), and tables show a dash.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PARTS = ("client", "emulator", "functions", "Cassandra")


@dataclass(frozen=True, slots=True)
class Reading:
    """At one moment (``time.perf_counter``): processor seconds so far and resident bytes of each part."""

    at: float
    cpu: Mapping[str, float]
    rss: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Used:
    """Processor seconds of each part between two readings, and how long that was."""

    seconds: float
    cpu: Mapping[str, float]

    def share(self, part: str) -> float:
        """Of one processor."""
        return self.cpu[part] / self.seconds


class Processes:
    """The parts of one local cloud, and this process as its client. A part may have many processes."""

    def __init__(self, aws: int, cassandra: int) -> None:
        self._aws, self._cassandra = aws, cassandra

    def read(self) -> Reading | None:
        """Now. Functions that ended since the last reading are missing: idle ones do after a minute."""
        if sys.platform != "linux":
            return None
        pids = {
            "client": [os.getpid()],
            "emulator": [self._aws],
            "functions": _children(self._aws),
            "Cassandra": [self._cassandra],
        }
        cpu = {part: sum(_cpu_seconds(pid) for pid in mine) for part, mine in pids.items()}
        rss = {part: sum(resident(pid) for pid in mine) for part, mine in pids.items()}
        return Reading(time.perf_counter(), cpu, rss)


def used(before: Reading | None, after: Reading | None) -> Used | None:
    """What was used between two readings."""
    if before is None or after is None:
        return None
    return Used(after.at - before.at, {part: after.cpu[part] - before.cpu[part] for part in after.cpu})


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 once it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _children(parent: int) -> list[int]:
    mine = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [pid for pid in mine if (found := _stat(pid)) and int(found[1]) == parent]


def _cpu_seconds(pid: int) -> float:
    found = _stat(pid)
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK") if found else 0.0


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold spaces: state, parent, ...; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
