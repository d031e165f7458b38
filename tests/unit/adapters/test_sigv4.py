"""Our signatures are those of AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from chat.adapters.cassandra.keyspaces_auth import KeyspacesAuth, signed_response
from chat.adapters.sigv4 import Credentials, signed_headers
from chat.settings import SettingMissing
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = "UserSecretKey-1"
KEYSPACES_NONCE = b"91703fdc2ef562e19fbdab0f58e42fe5"
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def test_host_headers_equal_botocores_for_a_callback_address() -> None:
    """The readable case: a post to a socket with temporary credentials."""
    _compare(
        "abc.execute-api.eu-west-1.amazonaws.com", "/v1/@connections/L0SM9cOFvHcCIhw%3D", b"{}", "token", 0
    )


@given(
    connection=PLAIN.filter(lambda text: text not in (".", "..")),  # botocore takes them for folders
    body=st.binary(max_size=200),
    token=st.one_of(st.just(""), PLAIN),
    secret=PLAIN,
    seconds=st.integers(0, 4_000_000_000),
    method=st.sampled_from(["POST", "DELETE", "GET"]),
)
@settings(max_examples=200, deadline=None)
def test_equals_botocore(
    connection: str, body: bytes, token: str, secret: str, seconds: int, method: str
) -> None:
    """Any connection id, body, credentials and time: byte for byte the headers that botocore signs."""
    path = "/v1/@connections/" + quote(connection, safe="")
    _compare("127.0.0.1:4566", path, body, token, seconds, secret=secret, method=method)


def _compare(
    host: str, path: str, body: bytes, token: str, seconds: int, *, secret: str = SECRET, method: str = "POST"
) -> None:
    ours = signed_headers(
        method,
        host,
        path,
        body,
        region="eu-west-1",
        service="execute-api",
        credentials=Credentials("AKID", secret, token),
        now=float(seconds),
    )
    request = AWSRequest(method, f"http://{host}{path}", data=body)
    request.context["timestamp"] = datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
    signer = SigV4Auth(BotocoreCredentials("AKID", secret, token or None), "execute-api", "eu-west-1")
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    canonical = signer.canonical_request(request)
    string_to_sign = signer.string_to_sign(request, canonical)
    assert ours["authorization"].endswith("Signature=" + signer.signature(string_to_sign, request))
    assert f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}," in ours["authorization"]


def test_answers_the_published_keyspaces_challenge() -> None:
    """The test vector of the public authentication plugins."""
    now = datetime(2020, 6, 9, 22, 41, 51, tzinfo=UTC)
    answer = signed_response("us-west-2", Credentials("UserID-1", SECRET), KEYSPACES_NONCE, now)
    assert answer == (
        "signature=7f3691c18a81b8ce7457699effbfae5b09b4e0714ab38c1292dbdf082c9ddd87,"
        "access_key=UserID-1,amzdate=2020-06-09T22:41:51.000Z"
    )


def test_sends_the_session_token_last() -> None:
    """Temporary credentials need their token beside the signature, which does not cover it."""
    now = datetime(2020, 6, 9, 22, 41, 51, tzinfo=UTC)
    answer = signed_response("us-west-2", Credentials("UserID-1", SECRET, "tok"), KEYSPACES_NONCE, now)
    assert answer.endswith("Z,session_token=tok")


def test_cuts_milliseconds() -> None:
    """999.9 ms are .999, never .1000, which the server would refuse once in 2,000 connections."""
    now = datetime(2020, 6, 9, 22, 41, 51, 999_999, tzinfo=UTC)
    answer = signed_response("us-west-2", Credentials("UserID-1", SECRET), KEYSPACES_NONCE, now)
    assert answer.endswith("amzdate=2020-06-09T22:41:51.999Z")


def test_a_handshake_announces_itself_and_needs_a_nonce() -> None:
    """The mechanism's name first; a challenge without a nonce is an error, not a signature of nothing."""
    authenticator = KeyspacesAuth("us-west-2", lambda: Credentials("UserID-1", SECRET)).new_authenticator(
        None
    )
    assert authenticator.initial_response() == b"SigV4\0\0"
    assert authenticator.evaluate_challenge(b"nonce=" + KEYSPACES_NONCE).startswith(b"signature=")
    with pytest.raises(ValueError, match="nonce"):
        authenticator.evaluate_challenge(b"hello")


def test_credentials_come_from_the_environment_and_are_not_printed() -> None:
    """A missing variable is named; a representation in a log shows no secret."""
    environ = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "quiet"}
    credentials = Credentials.from_env(environ)
    assert credentials == Credentials("AKID", "hush", "quiet")
    assert "hush" not in repr(credentials)
    assert "quiet" not in repr(credentials)
    with pytest.raises(SettingMissing, match="AWS_SECRET_ACCESS_KEY"):
        Credentials.from_env({"AWS_ACCESS_KEY_ID": "AKID"})
