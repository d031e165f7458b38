"""The rules of the storage ports on the real adapters, over TLS and SigV4 to a real Cassandra."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat.adapters.cassandra.accounts import CassandraCards, CassandraHandles
from chat.adapters.cassandra.chains import CassandraChains
from chat.adapters.cassandra.connections import CassandraConnections, CassandraConnectNumbers
from chat.adapters.cassandra.inbox import CassandraInbox
from chat.adapters.cassandra.limits import CassandraLimits
from chat.adapters.cassandra.policies import new_cluster
from chat.adapters.cassandra.proofs import CassandraLinks, CassandraUsedProofs
from chat.adapters.cassandra.session import Cassandra

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
from tests.integration.storage.conftest import security
from tests.integration.storage.keyspaces_double import ACCESS_KEY, SECRET_KEY, KeyspacesDouble

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ports(keyspaces: KeyspacesDouble) -> Iterator[Ports]:
    """The adapters on one session, as in a function."""
    with pytest.MonkeyPatch.context() as role:
        role.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        role.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        role.delenv("AWS_SESSION_TOKEN", raising=False)
        once = security(keyspaces)
        session = Cassandra(lambda: new_cluster(("127.0.0.1",), keyspaces.port, **once))
        yield Ports(
            CassandraHandles(session),
            CassandraCards(session),
            CassandraChains(session),
            CassandraConnections(session),
            CassandraConnectNumbers(session),
            CassandraInbox(session),
            CassandraUsedProofs(session),
            CassandraLinks(session),
            CassandraLimits(session),
        )
        session.close()
