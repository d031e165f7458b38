"""What an injection may touch: the world of one run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Literal, Protocol

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.tables import Tables
from tests.faults.device import DeviceProcess
from tests.faults.history import Recorder
from tests.faults.proxies import Doors, Links, PostProxy, TcpProxy


class Stage:
    """What all runs share: one local cloud with its links, barriers and tables."""

    def __init__(
        self, cloud: LocalCloud, links: Links, barriers: Barriers, tables: Tables, folder: Path
    ) -> None:
        self.cloud = cloud
        self.links = links
        self.barriers = barriers
        self.tables = tables
        self.folder = folder

    def heal(self) -> None:
        """Everything passes again; nothing that was set waits for somebody any more."""
        self.links.heal()
        self.barriers.open_all()


class World:
    """One run: its devices, its history, and the stage that it plays on."""

    def __init__(self, stage: Stage, folder: Path, recorder: Recorder) -> None:
        self.stage = stage
        self.folder = folder
        self.recorder = recorder
        self.devices: list[DeviceProcess] = []

    @property
    def cloud(self) -> LocalCloud:
        """The local cloud."""
        return self.stage.cloud

    @property
    def barriers(self) -> Barriers:
        """The fail-points inside the functions."""
        return self.stage.barriers

    @property
    def database_link(self) -> TcpProxy:
        """Between functions and Cassandra."""
        return self.stage.links.database

    @property
    def connections_link(self) -> PostProxy:
        """Between functions and ``@connections``."""
        return self.stage.links.connections

    @property
    def client_link(self) -> Doors:
        """Between devices and the WebSocket API."""
        return self.stage.links.clients

    def fault(self, name: str, what: Literal["begin", "end"], detail: dict[str, Any]) -> None:
        """Record that a fault begins or ends."""
        self.recorder.record("fault", name=name, what=what, detail=detail)


class Injection(Protocol):
    """A fault. ``weight`` says how often it is drawn; a heavy one has a small weight."""

    name: str
    title: str
    weight: float

    async def inject(self, run: World, rng: random.Random) -> None:
        """Break something for some seconds, and record begin and end through ``run.fault``."""
        ...

    async def heal(self, run: World) -> None:
        """Leave nothing of the fault; idempotent, called after every run whatever happened."""
        ...
