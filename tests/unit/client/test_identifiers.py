"""Ids, clocks and signed bytes against the golden vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from heliograph import signing
from heliograph.backoff import Backoff
from heliograph.ids import (
    AccountId,
    ServerClock,
    base64url,
    conversation_id,
    from_base64url,
    id_milliseconds,
    mint,
    next_milliseconds,
)
from heliograph.signing import AuthKey, Identity

VECTORS = Path(__file__).parents[3] / "schemas" / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """Read golden vectors."""
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())["vectors"]
    return found


@pytest.mark.parametrize("vector", vectors("signed_bytes"), ids=lambda vector: vector["name"])
def test_signed_bytes(vector: dict[str, Any]) -> None:
    """Each purpose signs exactly the golden text, with the golden signature."""
    fields, key = vector["fields"], AuthKey(bytes.fromhex(vector["seed"]))
    audience, account, device = fields["audience"], fields["account"], fields["device"]
    match fields["purpose"]:
        case "heliograph-connect-v1":
            signed = signing.connect_bytes(audience, account, device, fields["connect_number"])
            proof = Identity(AccountId(account), device, "", key).proof(audience, fields["connect_number"])
            assert proof == vector["proof"]
        case "heliograph-http-v1":
            body = vector.get("body", "").encode()
            signed = signing.http_bytes(
                audience,
                account,
                device,
                fields["method"],
                fields["path"],
                body,
                fields["time"],
                fields["nonce"],
            )
        case "heliograph-register-v1":
            handle, auth_key, time = (
                value
                for name, value in fields.items()
                if name not in ("purpose", "audience", "account", "device")
            )
            signed = signing.register_bytes(audience, handle, auth_key, time)
    assert signed.decode() == vector["text"]
    assert key.public == vector["auth_key"]
    assert key.sign(signed) == vector["signature"]


@pytest.mark.parametrize("vector", vectors("device_chain"), ids=lambda vector: vector["entry"]["number"])
def test_chain_entries(vector: dict[str, Any]) -> None:
    """An entry's bytes, its signature and its hash are the golden ones."""
    entry = vector["entry"]
    said = [entry[name] for name in ("change", "device", "auth_key", "signer", "time")]
    signed = signing.chain_bytes(vector["account"], entry["number"], vector["previous"], *said)
    assert signed.decode() == vector["text"]
    if vector["seed"] is not None:
        assert AuthKey(bytes.fromhex(vector["seed"])).sign(signed) == entry["signature"]
    assert signing.entry_hash(signed, entry["signature"]) == vector["hash"]


@pytest.mark.parametrize("vector", vectors("conversation"))
def test_conversation_ids(vector: dict[str, Any]) -> None:
    """Both sides compute the golden conversation id."""
    assert conversation_id(vector["mine"], vector["other"]) == vector["conversation"]


@pytest.mark.parametrize("vector", vectors("ids"))
def test_message_ids(vector: dict[str, Any]) -> None:
    """A message id is the golden UUIDv7 of its milliseconds and random bits, and gives the ms back."""
    assert mint(vector["ms"], int(vector["random"], 16)) == vector["id"]
    assert id_milliseconds(vector["id"]) == vector["ms"]


def test_the_hybrid_clock_is_monotone() -> None:
    """Ids of a conversation rise although the clock stands still or goes back."""
    newest, ids = 0, []
    for now in (1000, 1000, 990, 5, 1001, 2000):
        newest = next_milliseconds(now, newest)
        ids.append(mint(newest))
    assert ids == sorted(ids)
    assert len({id_milliseconds(item) for item in ids}) == len(ids)


def test_the_server_clock_stays_within_what_answers_prove() -> None:
    """The corrected time lies between what the request and the answer allow, and does not jitter inside."""
    local = [1000]
    clock = ServerClock(lambda: local[0])
    local[0] = 1100
    clock.learn(500_050, asked_at=1000)
    assert 500_050 <= clock.now() <= 500_150
    before = clock.offset
    clock.learn(clock.now() - 20, asked_at=local[0] - 100)
    assert clock.offset == before


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("http://127.0.0.1:4566/_aws/execute-api/abc", "127.0.0.1:4566"),
        (
            "https://Abc.Execute-API.eu-central-1.amazonaws.com",
            "abc.execute-api.eu-central-1.amazonaws.com:443",
        ),
        ("http://localhost/", "localhost:80"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_audience(url: str, audience: str) -> None:
    """The audience is host and port of the base URL, lower case, the port always written."""
    assert signing.audience(url) == audience


@pytest.mark.parametrize("url", ["ftp://host", "nonsense", "https://"])
def test_an_audience_needs_a_web_address(url: str) -> None:
    """What is no http or https URL is refused."""
    with pytest.raises(ValueError, match="not an http"):
        signing.audience(url)


def test_a_signed_field_holds_no_line_feed() -> None:
    """A line feed inside a field would let two statements have the same bytes."""
    with pytest.raises(ValueError, match="line feed"):
        signing.register_bytes("a:1", "bob\n1", "key", 1)


def test_base64url_has_no_padding() -> None:
    """Bytes travel without padding and come back the same."""
    for length in range(5):
        data = bytes(range(250, 250 + length))
        assert "=" not in base64url(data)
        assert from_base64url(base64url(data)) == data


def test_backoff_is_full_jitter_within_bounds() -> None:
    """Delays spread between 0 and a bound that doubles up to the cap; the server's wish is the least."""
    for failures, bound in ((0, 0.5), (1, 1.0), (3, 4.0), (20, 30.0)):
        delays = []
        for _ in range(200):
            backoff = Backoff()
            for _ in range(failures):
                backoff.next()
            delays.append(backoff.next())
        assert 0 <= min(delays) < bound * 0.1
        assert bound * 0.9 < max(delays) <= bound
    assert Backoff().next(retry_after=7) >= 7
