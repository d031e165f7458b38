"""One run: a cloud starts, the flows play, the controls are planted, everything stops and is searched."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heliograph.content import Content

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.canary.controls import Controls
from tests.canary.flow import Flow
from tests.canary.needles import Ledger, Needle, Store
from tests.canary.scene import Scene, World
from tests.canary.search import Hit, Searcher
from tests.canary.stores import search_files, search_rows
from tests.e2e.tables import Tables
from tests.integration.oidc.issuer import Issuer, running_issuer

FLOW_SECONDS = 180.0
AT_ONCE = 3
"""Flows side by side: more keep two cores no busier."""
STOP_SECONDS = 60.0


@dataclass(slots=True)
class Outcome:
    """What a run found. ``unused``: by flow, what it claims to use and did not."""

    needles: list[Needle] = field(default_factory=list)
    controls: list[Needle] = field(default_factory=list)
    hits: set[Hit] = field(default_factory=set)
    searched: Mapping[Store, int] = field(default_factory=dict)
    patterns: int = 0
    unused: dict[str, list[str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def leaks(self) -> list[Hit]:
        """Where a needle lies that must not lie there."""
        found = [hit for hit in self.hits if hit.store not in hit.needle.allowed]
        return sorted(found, key=lambda hit: (hit.needle.flow, hit.needle.what, hit.store, hit.place))

    @property
    def missed(self) -> list[tuple[Needle, Store, str]]:
        """Controls that were not found where they were planted: the search is blind there."""
        seen = {(hit.needle, hit.store, hit.form) for hit in self.hits}
        wanted = [(needle, store, form) for needle in self.controls for store, form in needle.planted]
        return [one for one in wanted if one not in seen]

    @property
    def passed(self) -> bool:
        """Nothing leaked, everything planted was found, every flow played as it claims."""
        return not (self.leaks or self.missed or self.unused or self.broken)


def run(flows: Mapping[str, Flow], folder: Path) -> Outcome:
    """Play flows in a new cloud below ``folder`` and search what is left of it."""
    outcome, ledger, controls = Outcome(), Ledger(), Controls()
    state = folder / "state"
    with running_issuer() as issuer, _logged(state / "clients.log"):
        began = time.monotonic()
        cloud, barriers = _cloud(state, issuer)
        with cloud:
            outcome.seconds["start"] = time.monotonic() - began
            world = World(cloud, barriers, issuer, ledger, controls, folder / "profiles")
            began = time.monotonic()
            with _kinds_noted() as kinds:
                asyncio.run(_play(flows, world, outcome))
            claimed = set().union(*(flow.kinds for flow in flows.values()))
            if unsent := sorted(claimed - kinds):
                outcome.unused["all flows together"] = unsent
            outcome.seconds["flows"] = time.monotonic() - began
            began = time.monotonic()
            with Tables(cloud.cassandra_port) as tables:
                controls.plant_in_database(tables)
                controls.plant_in_aws(cloud)
                outcome.needles, outcome.controls = ledger.needles(), controls.needles
                rows = Searcher([*outcome.needles, *outcome.controls])
                search_rows(rows, tables)
            _stop(cloud)
            outcome.seconds["stop"] = time.monotonic() - began
    began = time.monotonic()
    controls.plant_in_files(state)
    files = Searcher([*outcome.needles, *outcome.controls])
    search_files(files, state)
    outcome.hits = rows.hits | files.hits
    outcome.searched = {**files.searched, **rows.searched}
    outcome.patterns = files.patterns
    outcome.seconds["search"] = time.monotonic() - began
    return outcome


async def _play(flows: Mapping[str, Flow], world: World, outcome: Outcome) -> None:
    """First all that leave the cloud whole, some at a time, then the others one by one."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def take_turn(flow: Flow) -> None:
        async with turn:
            await _play_one(flow, world, outcome)

    await asyncio.gather(*(take_turn(flow) for flow in flows.values() if not flow.alone))
    for flow in flows.values():
        if flow.alone:
            await _play_one(flow, world, outcome)


async def _play_one(flow: Flow, world: World, outcome: Outcome) -> None:
    scene = Scene(world, flow.name)
    try:
        async with asyncio.timeout(FLOW_SECONDS), scene:
            await flow.play(scene)
    except Exception as problem:
        logging.getLogger("heliograph").exception("flow %s", flow.name)
        outcome.broken[flow.name] = f"{type(problem).__name__}: {problem}"
        return
    if unused := sorted((flow.routes - scene.routes) | (flow.verbs - scene.verbs)):
        outcome.unused[flow.name] = unused


def _cloud(state: Path, issuer: Issuer) -> tuple[LocalCloud, Barriers]:
    """A cloud whose files can be read: no table is compressed, no segment of the commit log is dropped, and
    what is temporary lies below the state, too.
    """
    archive, temporary = state / "cassandra" / "archive", state / "tmp"
    conf = state / "cassandra" / "conf"
    for path in (archive, temporary, conf):
        path.mkdir(parents=True)
    (conf / "commitlog_archiving.properties").write_text(
        f"archive_command=/bin/ln %path {archive}/%name\n"
        "restore_command=\nrestore_directories=\nrestore_point_in_time=\n"
    )
    barriers = Barriers(state / "barriers")
    environment = {
        "HELIOGRAPH_BARRIERS": str(barriers.folder),
        "HELIOGRAPH_TEST_ISSUER": issuer.url,
        "HELIOGRAPH_LIMITS": "wide",
        "JDK_JAVA_OPTIONS": (f"-Dcassandra.sstable_compression_default=false -Djava.io.tmpdir={temporary}"),
        "TMPDIR": str(temporary),
    }
    return LocalCloud(state, decorate="tests.barriers:decorate", extra_env=environment), barriers


def _stop(cloud: LocalCloud) -> None:
    """End Cassandra in order, so that it writes its memtables; the rest of the cloud then stops by itself."""
    process = cloud.processes["cassandra"]
    os.kill(process, signal.SIGTERM)
    if cloud._child is not None:
        cloud._child.wait(STOP_SECONDS)


@contextmanager
def _kinds_noted() -> Iterator[set[str]]:
    """The kinds of content that the SDK writes meanwhile."""
    kinds: set[str] = set()
    encode = Content.encode

    def noting(content: Content) -> bytes:
        kinds.add(content.kind)
        return encode(content)

    Content.encode = noting  # type: ignore[method-assign]
    try:
        yield kinds
    finally:
        Content.encode = encode  # type: ignore[method-assign]


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """Write all that clients of this process and their libraries log, however detailed, to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file)
    loggers = [logging.getLogger(name) for name in ("heliograph", "httpx2", "httpcore2", "websockets")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()
