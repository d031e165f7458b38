"""A local cloud for the runbook, with barriers, and clients of the SDK in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from heliograph import Client, Plain

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.coroutines import pytest_pyfunc_call  # noqa: F401, a hook
from tests.e2e.tables import Tables


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The cloud of these tests."""
    kept = os.environ.get("HELIOGRAPH_RUNBOOK_STATE")
    state = Path(kept) if kept else tmp_path_factory.mktemp("cloud")
    barriers = Barriers(state / "barriers")
    barriers.forget()
    environment = {"HELIOGRAPH_BARRIERS": str(barriers.folder), "HELIOGRAPH_LIMITS": "wide"}
    with LocalCloud(state, decorate="tests.barriers:decorate", extra_env=environment) as running:
        yield running


@pytest.fixture
def barriers(cloud: LocalCloud) -> Iterator[Barriers]:
    """Its barriers, all open again after the test."""
    made = Barriers(cloud.places.state / "barriers")
    yield made
    made.open_all()


@pytest.fixture
def tables(cloud: LocalCloud) -> Iterator[Tables]:
    """Its tables."""
    with Tables(cloud.cassandra_port) as found:
        yield found


@pytest.fixture
def profile(tmp_path: Path, cloud: LocalCloud) -> Callable[[str], Client]:
    """Opens the client of a name; again: the same file."""

    def open_profile(name: str) -> Client:
        return Client(
            tmp_path / f"{name}.db", cloud.base_url, seal=Plain(), ack_delay=0, synchronous="normal"
        )

    return open_profile
