"""A local cloud with barriers whose every link goes by way of a proxy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.coroutines import pytest_pyfunc_call  # noqa: F401, a hook
from tests.e2e.client import Device
from tests.e2e.tables import Tables
from tests.faults.proxies import Links


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalCloud, Links]]:
    kept = os.environ.get("HELIOGRAPH_FAULTS_STATE")
    state = Path(kept) if kept else tmp_path_factory.mktemp("cloud")
    ports = LocalCloud(state).ports
    links = Links(cassandra_port=ports.cassandra, gateway_port=ports.gateway)
    barriers = Barriers(state / "barriers")
    barriers.forget()
    environment = {"HELIOGRAPH_BARRIERS": str(barriers.folder), "HELIOGRAPH_LIMITS": "wide"}
    cloud = LocalCloud(
        state, ports, decorate="tests.barriers:decorate", extra_env=environment | links.environment
    )
    with cloud:
        yield cloud, links
    links.close()


@pytest.fixture
def cloud(_running: tuple[LocalCloud, Links]) -> LocalCloud:
    """The cloud of these tests."""
    return _running[0]


@pytest.fixture
def links(_running: tuple[LocalCloud, Links]) -> Iterator[Links]:
    """Its links, all well again after the test."""
    yield _running[1]
    _running[1].heal()


@pytest.fixture
def barriers(cloud: LocalCloud) -> Iterator[Barriers]:
    """Its barriers, all open again after the test."""
    made = Barriers(cloud.places.state / "barriers")
    yield made
    made.open_all()


@pytest.fixture(scope="session")
def tables(_running: tuple[LocalCloud, Links]) -> Iterator[Tables]:
    """Its tables, to look into."""
    with Tables(_running[0].cassandra_port) as found:
        yield found


@pytest.fixture
def new_device(cloud: LocalCloud) -> Callable[[], Device]:
    """Makes registered devices, each the first of an account of its own."""

    def make() -> Device:
        device = Device(cloud.base_url)
        status, answer = device.register()
        assert status == 200, answer
        return device

    return make


@pytest.fixture
def alice(new_device: Callable[[], Device]) -> Device:
    """One account."""
    return new_device()


@pytest.fixture
def bob(new_device: Callable[[], Device]) -> Device:
    """Another account."""
    return new_device()
