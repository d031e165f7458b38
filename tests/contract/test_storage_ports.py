"""The rules of the storage ports on the fakes of the unit tests."""

from __future__ import annotations

import pytest

from tests.contract.storage_ports import (  # noqa: F401 - collected here
    Ports,
    TestCards,
    TestChains,
    TestConnections,
    TestConnectNumbers,
    TestHandles,
    TestInbox,
    TestLimits,
    TestLists,
    TestProofsAndLinks,
    TestRelations,
)
from tests.fakes import storage
from tests.fakes.limits import FakeLimitRows


@pytest.fixture
def ports() -> Ports:
    """Fresh fakes."""
    return Ports(
        storage.FakeHandles(),
        storage.FakeCards(),
        storage.FakeChains(),
        storage.FakeConnections(),
        storage.FakeConnectNumbers(),
        storage.FakeInbox(),
        storage.FakeUsedProofs(),
        storage.FakeLinks(),
        FakeLimitRows(),
    )
