"""One Cassandra with TLS and SigV4 for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chat.adapters.cassandra.keyspaces_auth import KeyspacesAuth, security_options
from chat.adapters.cassandra.policies import new_cluster
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.sigv4 import Credentials

from schemas.tables import render_cql
from tests.integration.storage.keyspaces_double import (
    ACCESS_KEY,
    REGION,
    SECRET_KEY,
    KeyspacesDouble,
    keyspaces_double,
)


@pytest.fixture(scope="session")
def keyspaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyspacesDouble]:
    """The server, with our tables in it."""
    with keyspaces_double(tmp_path_factory.mktemp("keyspaces")) as server:
        cluster = new_cluster(
            ("127.0.0.1",),
            server.port,
            auth_provider=KeyspacesAuth(REGION, lambda: Credentials(ACCESS_KEY, SECRET_KEY)),
        )
        with cluster:
            session = cluster.connect()
            for statement in _statements(render_cql()):
                session.execute(statement, timeout=20)
        yield server


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The credentials that the server knows, where Lambda puts them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return monkeypatch


@pytest.fixture
def database(keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch) -> Iterator[Cassandra]:
    """Our session, signed in over TLS."""
    once = security(keyspaces)
    session = Cassandra(lambda: new_cluster(("127.0.0.1",), keyspaces.port, **once))
    yield session
    session.close()


def security(server: KeyspacesDouble, region: str = REGION) -> dict[str, Any]:
    """What a function uses in the cloud, but for the authority that it trusts."""
    return security_options(region) | {"ssl_context": server.trusting()}


def _statements(cql: str) -> list[str]:
    text = "\n".join(line.partition("--")[0] for line in cql.splitlines())
    return [part.strip() for part in text.split(";") if part.strip()]
