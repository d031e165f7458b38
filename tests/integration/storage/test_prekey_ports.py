"""The rules of the port for prekeys on the real adapter, over TLS and SigV4 to a real Cassandra."""

from __future__ import annotations

import pytest
from chat.adapters.cassandra.prekeys import CassandraPrekeys
from chat.adapters.cassandra.session import Cassandra

from tests.contract.prekey_ports import TestPrekeys  # noqa: F401 - collected here

pytestmark = pytest.mark.integration


@pytest.fixture
def prekeys(database: Cassandra) -> CassandraPrekeys:
    """On a session as in a function."""
    return CassandraPrekeys(database)
