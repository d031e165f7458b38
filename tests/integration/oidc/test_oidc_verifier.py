"""The verifier ``oidc`` against a real issuer: which tokens register an account, and for whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from chat.adapters.oidc_verifier import OidcVerifier
from chat.domain import base64url, signed_bytes
from chat.errors import ChatError, Code
from chat.ports.identity import Verification
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.events import https
from tests.fakes.handlers import body_of, call, serving
from tests.fakes.world import AUDIENCE, World
from tests.integration.oidc.issuer import DISCOVERY, KEYS, Issuer, running_issuer

pytestmark = pytest.mark.integration

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(32))
AUTH_KEY = DEVICE.public_key().public_bytes_raw()
NONCE = base64url.encode(hashlib.sha256(AUTH_KEY).digest())


@pytest.fixture(scope="module")
def _server() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(_server: Issuer) -> Iterator[Issuer]:
    """The issuer, as it was, after the test too."""
    keys, pages = dict(_server.keys), dict(_server.pages)
    _server.fetched.clear()
    yield _server
    _server.keys, _server.pages, _server.hangs_up = keys, pages, False


@pytest.fixture
def verifier(issuer: Issuer) -> OidcVerifier:
    """A verifier that has fetched nothing yet."""
    return OidcVerifier(issuer.url, "heliograph")


def owner(verifier: OidcVerifier, token: str, method: str = "oidc") -> str:
    """Whom the token names."""
    return verifier.owner(Verification(method, token), handle="alice", auth_key=AUTH_KEY)


def refusal(verifier: OidcVerifier, token: str, method: str = "oidc") -> Code:
    """The code of the refusal, which quotes nothing of the token."""
    with pytest.raises(ChatError) as refused:
        owner(verifier, token, method)
    assert not refused.value.details
    return refused.value.code


@pytest.mark.parametrize("kid", ["rsa-1", "ed-1"])
def test_a_good_token_names_its_owner(issuer: Issuer, verifier: OidcVerifier, kid: str) -> None:
    """By issuer and subject, whatever else the token says of them."""
    token = issuer.token(kid, nonce=NONCE, email="alice@example.org", preferred_username="admin")

    assert owner(verifier, token) == f"oidc:{issuer.url}#user-1"


@pytest.mark.parametrize("aud", ["heliograph", ["other", "heliograph"]])
def test_the_audience_may_be_one_of_several(issuer: Issuer, verifier: OidcVerifier, aud: Any) -> None:
    """As the specification allows."""
    assert owner(verifier, issuer.token(nonce=NONCE, aud=aud))


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-app"},
        {"aud": ["another-app"]},
        {"aud": None},
        {"aud": ""},
        {"iss": "https://evil.test"},
        {"iss": None},
        {"exp": NOW - 3_600},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 3_600},
        {"iat": None},
        {"nbf": NOW + 3_600},
        {"sub": None},
        {"sub": 5},
        {"sub": ""},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": base64url.encode(hashlib.sha256(b"another key").digest())},
        {"nonce": NONCE + "="},
        {"nonce": 5},
        {"nonce": [NONCE]},
    ],
    ids=str,
)
def test_a_token_with_one_wrong_claim(issuer: Issuer, verifier: OidcVerifier, claims: dict[str, Any]) -> None:
    """VERIFICATION_FAILED: for another audience, from another issuer, too old, or of another device's key."""
    try:
        token = issuer.token(**{"nonce": NONCE, **claims})
    except TypeError:  # the library will not make such a token: sign it by hand
        key, algorithm = issuer.keys["rsa-1"]
        payload = json.dumps(issuer.claims(**{"nonce": NONCE, **claims})).encode()
        token = jwt.api_jws.encode(payload, key, algorithm, headers={"kid": "rsa-1"})

    assert refusal(verifier, token) is Code.VERIFICATION_FAILED


def unsigned(issuer: Issuer) -> str:
    """``alg: none``."""
    return jwt.encode(issuer.claims(nonce=NONCE), None, "none", headers={"kid": "rsa-1"})


def signed_with_the_public_key(issuer: Issuer) -> str:
    """HS256 with the public key as the secret: whoever trusts the header's ``alg`` is fooled."""
    key, _ = issuer.keys["rsa-1"]
    secret = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}, issuer.claims(nonce=NONCE))
    )
    signature = hmac.new(secret, head + b"." + payload, hashlib.sha256).digest()
    return b".".join((head, payload, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def signed_by_another(issuer: Issuer) -> str:
    """The right ``kid``, another key."""
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(issuer.claims(nonce=NONCE), stranger, "RS256", headers={"kid": "rsa-1"})


def of_another_kind(issuer: Issuer) -> str:
    """The RSA key's ``kid`` on a token of the Ed25519 key."""
    key, algorithm = issuer.keys["ed-1"]
    return jwt.encode(issuer.claims(nonce=NONCE), key, algorithm, headers={"kid": "rsa-1"})


def of_an_unknown_key(issuer: Issuer) -> str:
    """A ``kid`` that the issuer does not have."""
    key, algorithm = issuer.keys["rsa-1"]
    return jwt.encode(issuer.claims(nonce=NONCE), key, algorithm, headers={"kid": "nobody"})


def without_a_key_id(issuer: Issuer) -> str:
    """No ``kid`` at all."""
    key, algorithm = issuer.keys["rsa-1"]
    return jwt.encode(issuer.claims(nonce=NONCE), key, algorithm)


def tampered(issuer: Issuer) -> str:
    """A character of the payload changed."""
    head, payload, signature = issuer.token(nonce=NONCE).split(".")
    return f"{head}.{payload[:-2]}{'A' if payload[-2] != 'A' else 'B'}{payload[-1]}.{signature}"


@pytest.mark.parametrize(
    "make",
    [
        unsigned,
        signed_with_the_public_key,
        signed_by_another,
        of_another_kind,
        of_an_unknown_key,
        without_a_key_id,
        tampered,
        lambda _: "",
        lambda _: "garbage",
        lambda _: "a.b.c",
        lambda _: "\u00fc.\u00fc.\u00fc",
        lambda _: "." * 8_192,
        lambda i: i.token(nonce=NONCE)[:-5],
    ],
)
def test_a_token_that_the_issuer_did_not_sign(issuer: Issuer, verifier: OidcVerifier, make: Any) -> None:
    """VERIFICATION_FAILED."""
    assert refusal(verifier, make(issuer)) is Code.VERIFICATION_FAILED


def test_another_method(issuer: Issuer, verifier: OidcVerifier) -> None:
    """``open`` on a stage with an issuer: VERIFICATION_FAILED, and the issuer is not even asked."""
    assert refusal(verifier, issuer.token(nonce=NONCE), method="open") is Code.VERIFICATION_FAILED
    assert not issuer.fetched


def test_keys_are_fetched_once(issuer: Issuer, verifier: OidcVerifier) -> None:
    """One discovery and one set of keys for many registrations, good and bad."""
    for _ in range(5):
        owner(verifier, issuer.token(nonce=NONCE))
        refusal(verifier, issuer.token(nonce=NONCE, aud="x"))

    assert issuer.fetched == {DISCOVERY: 1, KEYS: 1}


def test_a_new_key_is_fetched_when_it_is_first_seen(
    issuer: Issuer, verifier: OidcVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The issuer rotated: one fetch more, then the new key is known, and the old one, withdrawn, is not."""
    old = issuer.token(nonce=NONCE)
    owner(verifier, old)
    issuer.keys = {"rsa-2": (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256")}
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)

    for _ in range(3):
        assert owner(verifier, issuer.token("rsa-2", nonce=NONCE))

    assert issuer.fetched == {DISCOVERY: 1, KEYS: 2}
    assert refusal(verifier, old) is Code.VERIFICATION_FAILED


def test_made_up_key_ids_do_not_make_us_ask_the_issuer(issuer: Issuer, verifier: OidcVerifier) -> None:
    """Twenty of them, and the keys were fetched once: registering is open to all."""
    owner(verifier, issuer.token(nonce=NONCE))
    key, _ = issuer.keys["rsa-1"]

    for number in range(20):
        token = jwt.encode(issuer.claims(nonce=NONCE), key, "RS256", headers={"kid": f"made-up-{number}"})
        assert refusal(verifier, token) is Code.VERIFICATION_FAILED

    assert issuer.fetched[KEYS] == 1


class TestAnIssuerThatFails:
    """UNAVAILABLE: the client tries again; it is not the token's fault."""

    def test_it_is_down(self) -> None:
        """Nobody listens there any more."""
        with running_issuer() as gone:
            token = gone.token(nonce=NONCE)

        assert refusal(OidcVerifier(gone.url, "heliograph"), token) is Code.UNAVAILABLE

    @pytest.mark.parametrize("path", [DISCOVERY, KEYS])
    @pytest.mark.parametrize("page", [b"", b"<html>", b"[]", b"null", b"{}", b"\xff"])
    def test_it_answers_rubbish(self, issuer: Issuer, verifier: OidcVerifier, path: str, page: bytes) -> None:
        """Instead of its document or its keys."""
        issuer.pages[path] = page

        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.UNAVAILABLE

    def test_it_has_no_such_page(self, issuer: Issuer, verifier: OidcVerifier) -> None:
        """404."""
        del issuer.pages[DISCOVERY]

        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.UNAVAILABLE

    def test_it_hangs_up(self, issuer: Issuer, verifier: OidcVerifier) -> None:
        """Without an answer, at the document and at the keys."""
        issuer.hangs_up = True
        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.UNAVAILABLE

        issuer.hangs_up = False
        verifier._key_client()
        issuer.hangs_up = True
        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.UNAVAILABLE

    def test_it_comes_back(self, issuer: Issuer, verifier: OidcVerifier) -> None:
        """A failure is not remembered."""
        issuer.hangs_up = True
        refusal(verifier, issuer.token(nonce=NONCE))
        issuer.hangs_up = False

        assert owner(verifier, issuer.token(nonce=NONCE))


class TestWhereKeysMayComeFrom:
    """Nobody on the way may put in keys of his own."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://login.example.org",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://127.0.0.1@evil.test",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "login.example.org",
            "",
        ],
    )
    def test_an_issuer_without_tls(self, url: str) -> None:
        """Refused when the function starts; loopback is for tests."""
        with pytest.raises(ValueError, match="https"):
            OidcVerifier(url, "heliograph")

    @pytest.mark.parametrize(
        "keys", ["http://evil.test/keys", "file:///etc/passwd", "ftp://127.0.0.1/k", "/keys"]
    )
    def test_keys_without_tls(self, issuer: Issuer, verifier: OidcVerifier, keys: str) -> None:
        """The document may not lead there."""
        issuer.pages[DISCOVERY] = json.dumps({"issuer": issuer.url, "jwks_uri": keys}).encode()

        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.VERIFICATION_FAILED

    def test_the_document_of_another_issuer(self, issuer: Issuer, verifier: OidcVerifier) -> None:
        """It must name the issuer that it was asked of."""
        document = {"issuer": "https://evil.test", "jwks_uri": issuer.url + KEYS}
        issuer.pages[DISCOVERY] = json.dumps(document).encode()

        assert refusal(verifier, issuer.token(nonce=NONCE)) is Code.VERIFICATION_FAILED


@pytest.mark.parametrize(
    "sub", ["a#b", "oidc:x#y", "../x", "'; DROP TABLE x; --", "\u00fc\U0001f600", "x\ny", "\x00", "x" * 255]
)
def test_odd_subjects_stay_apart(issuer: Issuer, verifier: OidcVerifier, sub: str) -> None:
    """They are part of the owner as they are, and differ from the plain one."""
    assert owner(verifier, issuer.token(nonce=NONCE, sub=sub)) == f"oidc:{issuer.url}#{sub}"


def register(
    world: World, token: str, handle: str = "alice", key: Ed25519PrivateKey = DEVICE
) -> dict[str, Any]:
    """``POST /v1/register`` with a token."""
    public = key.public_key().public_bytes_raw()
    text = signed_bytes.register(AUDIENCE, handle, public, world.time)
    body = {
        "handle": handle,
        "auth_key": base64url.encode(public),
        "name": "laptop",
        "time": world.time,
        "signature": base64url.encode(key.sign(text)),
        "verification": {"method": "oidc", "token": token},
    }
    return body_of(call("register", https("POST /v1/register", "/v1/register", body)))


class TestRegistering:
    """The whole route with this verifier."""

    @pytest.fixture
    def world(self, verifier: OidcVerifier) -> Iterator[World]:
        """Fakes, with the real verifier."""
        world = World()
        world.verifier = verifier  # type: ignore[assignment]
        with serving(world):
            yield world

    def test_a_repeat_gives_the_same_account(self, world: World, issuer: Issuer) -> None:
        """With a fresh token of the same person."""
        first = register(world, issuer.token(nonce=NONCE))
        world.time += 30_000

        assert first["handle"] == "alice"
        assert register(world, issuer.token("ed-1", nonce=NONCE)) == first

    def test_a_stolen_token_registers_no_other_key(self, world: World, issuer: Issuer) -> None:
        """Its nonce is the hash of the key it was asked for."""
        answer = register(world, issuer.token(nonce=NONCE), key=Ed25519PrivateKey.generate())

        assert answer["error"]["code"] == "VERIFICATION_FAILED"
        assert world.handles.claims == {}

    def test_a_handle_belongs_to_its_subject(self, world: World, issuer: Issuer) -> None:
        """Somebody else with the same key does not get the account."""
        register(world, issuer.token(nonce=NONCE))

        assert register(world, issuer.token(nonce=NONCE, sub="user-2"))["error"]["code"] == "HANDLE_TAKEN"

    def test_nothing_is_written_while_the_issuer_is_away(self, world: World, issuer: Issuer) -> None:
        """UNAVAILABLE with a time to wait; the repeat registers."""
        issuer.hangs_up = True
        answer = register(world, issuer.token(nonce=NONCE))
        assert answer["error"] == {
            "code": "UNAVAILABLE",
            "message": answer["error"]["message"],
            "retry_after": 1,
        }
        assert world.handles.claims == {}

        issuer.hangs_up = False
        assert "account" in register(world, issuer.token(nonce=NONCE))
