"""Measure the handlers, the cold start and the packages; every function here returns numbers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.cpu.rows import Row, fixed_work, row
from infra.assets import ROOT, Assets
from infra.routes import FUNCTIONS

CALLS = 400
COLD_STARTS = 9
FIXED_WORKS = 50
FUNCTIONS_COLD = ("send", "ack", "sync", "authorize", "connect", "default")


class HasCassandra(Protocol):
    """A running local cloud, or anything else whose tables are there."""

    @property
    def cassandra_port(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Size:
    """One package of a cloud stage, in bytes: as uploaded and as unpacked."""

    name: str
    zipped: int
    unpacked: int


def measure(cloud: HasCassandra, calls: int = CALLS) -> list[Row]:
    """Every hot handler, warm. Takes some 30 s; rows of its accounts stay in the tables.

    Raises ``RuntimeError`` with what a handler said where it did not do its work.
    """
    with _gateway() as gateway:
        lines = _run("handlers", "--cassandra", cloud.cassandra_port, "--gateway", gateway, "--calls", calls)
    return [Row(**json.loads(line)) for line in lines]


def profile(cloud: HasCassandra, name: str, calls: int = CALLS) -> str:
    """Where the time of one row of ``measure`` goes: the table of cProfile."""
    with _gateway() as gateway:
        options = ("--gateway", gateway, "--calls", calls, "--profile", name)
        return "\n".join(_run("handlers", "--cassandra", cloud.cassandra_port, *options))


def cold(cloud: HasCassandra, starts: int = COLD_STARTS) -> list[Row]:
    """A fresh interpreter: the imports of each hot function, then the driver's first connect."""
    rows = []
    for function in FUNCTIONS_COLD:
        found = [_cold("--function", function) for _ in range(starts)]
        rows.append(_cold_row(f"imports: {function}", "imports", found))
    found = [_cold("--cassandra", cloud.cassandra_port) for _ in range(starts)]
    return [*rows, _cold_row("connect to Cassandra", "connect", found)]


def sizes() -> list[Size]:
    """What a cloud stage uploads: two layers, and the functions. Fetches the wheels the first time."""
    assets = Assets()
    with tempfile.TemporaryDirectory() as folder:
        core, functions = Path(folder) / "core", Path(folder) / "functions"
        core.mkdir()
        assets.copy_core(core)
        for function in FUNCTIONS:
            (functions / function.name).mkdir(parents=True)
            assets.copy_function(function.name, functions / function.name)
        return [
            _size("layer of dependencies", assets.wheels()),
            _size("layer core", core),
            _size(f"{len(FUNCTIONS)} functions, together", functions),
        ]


def _cold(*options: str | int) -> dict[str, tuple[float, float, float]]:
    """One cold start: (wall, cpu, fixed work) by what was done. The work is done here, right before."""
    began = time.process_time()
    for _ in range(FIXED_WORKS):
        fixed_work()
    work = (time.process_time() - began) / FIXED_WORKS
    found: dict[str, tuple[float, float]] = json.loads(_run("cold", *options)[-1])
    return {what: (wall, cpu, work) for what, (wall, cpu) in found.items()}


def _cold_row(name: str, what: str, found: list[dict[str, tuple[float, float, float]]]) -> Row:
    wall, cpu, work = zip(*(one[what] for one in found), strict=True)
    return row(name, wall, cpu, work)


@contextmanager
def _gateway() -> Iterator[int]:
    command = [sys.executable, "-m", "bench.cpu.gateway"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout  # noqa: S101, for the types
        yield int(process.stdout.readline())
        assert process.stdin  # noqa: S101
        process.stdin.close()


def _run(module: str, *options: str | int) -> list[str]:
    command = [sys.executable, "-m", f"bench.cpu.{module}", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"bench.cpu.{module} failed:\n{done.stderr}")
    return done.stdout.splitlines()


def _size(name: str, folder: Path) -> Size:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    with tempfile.TemporaryFile() as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
        archive.close()
        zipped = target.tell()
    return Size(name, zipped, sum(path.stat().st_size for path in files))
