"""The rules of the ports for codes on the real adapters, over TLS and SigV4 to a real Cassandra."""

from __future__ import annotations

import pytest
from chat.adapters.cassandra.codes import CassandraCodes, CassandraSpending
from chat.adapters.cassandra.session import Cassandra

from tests.contract.code_ports import LIMIT, NOW, TestCodes, TestSpending, claim, stored  # noqa: F401 - collected here

pytestmark = pytest.mark.integration


@pytest.fixture
def codes(database: Cassandra) -> CassandraCodes:
    """On a session as in a function."""
    return CassandraCodes(database)


@pytest.fixture
def spending(database: Cassandra) -> CassandraSpending:
    """On a session as in a function."""
    return CassandraSpending(database)


def test_what_an_attempt_leaves_behind_is_no_code(database: Cassandra, codes: CassandraCodes) -> None:
    """Its column expires after those of the code: then there is none, and another code can be stored."""
    mine, second = claim(), stored()
    codes.put(mine, stored())
    assert codes.attempt(mine, LIMIT, NOW)
    session = database._session
    assert session is not None
    session.execute(
        "UPDATE heliograph.codes_by_claim SET salt = null, digest = null, expires_at = null"
        " WHERE claim = %s IF EXISTS",
        (mine,),
    )

    assert codes.attempt(mine, LIMIT, NOW) is None
    codes.put(mine, second)

    assert codes.attempt(mine, LIMIT, NOW) == (second, LIMIT - 1)
