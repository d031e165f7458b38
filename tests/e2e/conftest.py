"""The stage that the end-to-end tests drive.

``HELIOGRAPH_BASE_URL`` names a deployed stage; without it the tests start a local cloud of their own on free
ports. What needs more than a base URL (barriers, kills, tables) is marked ``local_only`` and skipped there.
``TOKEN_COMMAND`` prints the ID tokens with which accounts register at such a stage, as for ``make smoke``.
``HELIOGRAPH_E2E_STATE`` names a folder that keeps the state of the local cloud from run to run, so that the
next run starts in seconds and deploys only what changed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from heliograph import Client

from local.cloud import LocalCloud
from operations.smoke import tokens
from tests.barriers import Barriers
from tests.coroutines import pytest_pyfunc_call  # noqa: F401, a hook
from tests.e2e.client import Device
from tests.e2e.tables import Tables
from tests.integration.oidc.issuer import Issuer, running_issuer

EXTERNAL = os.environ.get("HELIOGRAPH_BASE_URL", "")

LAST = "test_storage_gate.py"
"""Looks at what all the others did."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as e2e, skip what an outside stage cannot do, and put the storage gate last."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.name == LAST)  # stable: all else keeps its order
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if EXTERNAL and item.get_closest_marker("local_only"):
                item.add_marker(pytest.mark.skip(reason="needs a local cloud"))


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Who signs people in: the test deployment takes its tokens beside registrations without a proof."""
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[LocalCloud]:
    """The local cloud of this test run, with barriers, the meter and an issuer of ID tokens."""
    kept = os.environ.get("HELIOGRAPH_E2E_STATE")
    state = Path(kept) if kept else tmp_path_factory.mktemp("cloud")
    log = state / "meter.jsonl"
    log.unlink(missing_ok=True)
    barriers = Barriers(state / "barriers")
    barriers.forget()
    running = LocalCloud(
        state,
        decorate="tests.barriers:decorate",
        extra_env={
            "HELIOGRAPH_BARRIERS": str(barriers.folder),
            "HELIOGRAPH_METER": str(log),
            "HELIOGRAPH_TEST_ISSUER": issuer.url,
        },
    )
    with running:
        yield running


@pytest.fixture(scope="session")
def base_url(request: pytest.FixtureRequest) -> str:
    """The HTTPS base URL of the stage under test."""
    if EXTERNAL:
        return EXTERNAL
    url: str = request.getfixturevalue("cloud").base_url
    return url


@pytest.fixture(scope="session", autouse=True)
def signed_in() -> Iterator[None]:
    """Where accounts need a token, every client of the SDK brings one."""
    vouch = tokens.from_environment()
    if vouch is None:
        yield
        return
    register = Client.register

    async def with_token(client: Client, handle: str, **more: Any) -> None:
        more.setdefault("token", await asyncio.to_thread(vouch.token, await client.sign_in_nonce()))
        await register(client, handle, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "register", with_token)
        yield


@pytest.fixture
def barriers(cloud: LocalCloud) -> Iterator[Barriers]:
    """The barriers of the local cloud, all open again after the test."""
    made = Barriers(cloud.places.state / "barriers")
    yield made
    made.open_all()


@pytest.fixture(scope="session")
def tables(cloud: LocalCloud) -> Iterator[Tables]:
    """The tables of the local cloud, to look into."""
    with Tables(cloud.cassandra_port) as found:
        yield found


@pytest.fixture
def new_device(base_url: str) -> Callable[[], Device]:
    """Makes registered devices, each the first of an account of its own."""

    def make() -> Device:
        device = Device(base_url)
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


@pytest.fixture
def cassandra_log(cloud: LocalCloud) -> Callable[[], str]:
    """Reads what Cassandra has logged since the test began."""
    log = cloud.places.log("cassandra")
    start = log.stat().st_size

    def read() -> str:
        with log.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")

    return read
