"""The way into Amazon Keyspaces, against a server that checks it: TLS, names, SigV4, driver settings."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, NoHostAvailable, Session
from chat.adapters.cassandra.policies import FewHosts, new_cluster
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement

from tests.integration.storage.conftest import security
from tests.integration.storage.keyspaces_double import ACCESS_KEY, KeyspacesDouble

pytestmark = pytest.mark.integration

READ_CARD = Statement("SELECT version FROM heliograph.account_card WHERE account_id = ? AND entry = ?")
READ_STALE = Statement(
    "SELECT version FROM heliograph.account_card WHERE account_id = ? AND entry = ?", consistency="LOCAL_ONE"
)
CREATE_CARD = Statement(
    "INSERT INTO heliograph.account_card (account_id, entry, version) VALUES (?, ?, ?) IF NOT EXISTS"
)


def test_signs_in_with_the_environments_role(keyspaces: KeyspacesDouble, database: Cassandra) -> None:
    """Each connection makes the whole SigV4 exchange, and the server's own computation agrees."""
    before = len(keyspaces.exchanges())
    database.connect()
    exchanges = keyspaces.exchanges()[before:]
    assert exchanges
    for exchange in exchanges:
        assert exchange["initial"] == "SigV4\0\0"
        assert exchange["accepted"] is True
        assert f"access_key={ACCESS_KEY}," in exchange["response"]


def test_sends_the_session_token_of_temporary_credentials(
    keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch, database: Cassandra
) -> None:
    """Lambda's credentials come with a token, which travels beside the signature."""
    role.setenv("AWS_SESSION_TOKEN", "token+of/role=")
    database.connect()
    assert keyspaces.exchanges()[-1]["response"].endswith(",session_token=token+of/role=")


def test_reads_the_credentials_anew_for_each_connection(
    keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch, database: Cassandra
) -> None:
    """Credentials rotate: a session that was built with old ones signs in with those of now."""
    role.setenv("AWS_SESSION_TOKEN", "old")
    database.connect()
    database.close()
    role.setenv("AWS_SESSION_TOKEN", "new")
    database.connect()
    assert keyspaces.exchanges()[-1]["response"].endswith(",session_token=new")


def test_is_refused_with_a_wrong_secret(keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch) -> None:
    """The server does check: the right key id with another secret does not get in."""
    role.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with (
        new_cluster(("127.0.0.1",), keyspaces.port, **security(keyspaces)) as cluster,
        pytest.raises(NoHostAvailable, match="the signature does not match"),
    ):
        cluster.connect()
    assert keyspaces.exchanges()[-1]["accepted"] is False


def test_refuses_a_certificate_for_another_name(keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch) -> None:
    """The peer is an IP address, yet its certificate is checked against the region's host name."""
    with (
        new_cluster(("127.0.0.1",), keyspaces.port, **security(keyspaces, region="eu-west-1")) as cluster,
        pytest.raises(NoHostAvailable, match=r"Hostname mismatch|CERTIFICATE_VERIFY_FAILED|Tried connecting"),
    ):
        cluster.connect()
    assert security(keyspaces)["ssl_context"].check_hostname


def test_refuses_an_authority_it_does_not_know(keyspaces: KeyspacesDouble, role: pytest.MonkeyPatch) -> None:
    """The roots that ship with the runtime do not know this server's authority, so nothing is sent to it."""
    stranger = security(keyspaces) | {"ssl_context": ssl.create_default_context()}
    before = len(keyspaces.exchanges())
    with (
        new_cluster(("127.0.0.1",), keyspaces.port, **stranger) as cluster,
        pytest.raises(NoHostAvailable),
    ):
        cluster.connect()
    assert len(keyspaces.exchanges()) == before


def test_live_session_follows_the_rules(database: Cassandra) -> None:
    """TLS, one connection a host, protocol 4, round robin, no client timestamps, no speculation."""
    database.connect()
    session = database._session
    assert session is not None
    (pool,) = session.get_pools()
    (connection,) = pool.get_connections()
    assert isinstance(connection._socket, ssl.SSLSocket)
    assert connection._socket.version() == "TLSv1.3"
    assert connection._socket.server_hostname == "cassandra.us-east-1.amazonaws.com"
    assert connection.protocol_version == 4
    profile = session.get_execution_profile(EXEC_PROFILE_DEFAULT)
    assert isinstance(profile.load_balancing_policy, FewHosts)
    assert profile.consistency_level == ConsistencyLevel.LOCAL_QUORUM
    assert profile.speculative_execution_policy.new_plan(None, None).next_execution(None) < 0
    assert not session.use_client_timestamp
    assert not session.cluster.schema_metadata_enabled
    assert not session.cluster.token_metadata_enabled


def test_messages_on_the_wire_carry_the_rules(database: Cassandra, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent names its consistency, LOCAL_SERIAL and a page size, and no timestamp."""
    sent: list[Any] = []
    make = Session._create_response_future

    def spy(self: Session, *args: Any, **kwargs: Any) -> Any:
        future = make(self, *args, **kwargs)
        sent.append(future)
        return future

    monkeypatch.setattr(Session, "_create_response_future", spy)
    database.run(READ_CARD, "on-the-wire", "devices")
    database.run(READ_STALE, "on-the-wire", "devices")
    database.apply(CREATE_CARD, "on-the-wire", "devices", 1)
    read, stale, write = (future for future in sent if future.prepared_statement is not None)
    assert read.message.consistency_level == ConsistencyLevel.LOCAL_QUORUM
    assert stale.message.consistency_level == ConsistencyLevel.LOCAL_ONE
    assert write.message.consistency_level == ConsistencyLevel.LOCAL_QUORUM
    for future in (read, stale, write):
        assert future.message.serial_consistency_level == ConsistencyLevel.LOCAL_SERIAL
        assert future.message.timestamp is None
        assert future.message.fetch_size == 500
    assert (read.query.is_idempotent, write.query.is_idempotent) == (True, False)
