"""Bodies and path parts of HTTPS requests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat.domain.device_chain import ChainEntry, first_chain
from chat.domain.devices import FIRST_DEVICE, LAST_DEVICE, Device, DeviceList
from chat.domain.ids import AccountId, DeviceId
from chat.errors import ChatError, Code
from chat.wire import bodies
from chat.wire.request_body import BODY_BYTES

from schemas import frames as schemas
from tests.fakes import shapes

ACCOUNT = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
REGISTER: dict[str, Any] = schemas.load("register_request")["examples"][0]
LINK: dict[str, Any] = schemas.load("link_request")["examples"][0]
REMOVAL: dict[str, Any] = schemas.load("removal_request")["examples"][0]


def remove(body: bytes) -> object:
    """The body of a removal, read."""
    return bodies.parse_removal("2", body)


def code(parse: Any, body: Any) -> Code:
    """The code that refuses ``body``."""
    with pytest.raises(ChatError) as refused:
        parse(body if isinstance(body, bytes | str) else json.dumps(body).encode())
    return refused.value.code


def test_examples_are_read() -> None:
    """The published examples make commands."""
    registration = bodies.parse_registration(json.dumps(REGISTER).encode())
    link = bodies.parse_link(json.dumps(LINK).encode())

    assert (registration.handle, len(registration.auth_key), len(registration.signature)) == ("alice", 32, 64)
    assert registration.verification.method == "open"
    assert (len(link.auth_key), len(link.signature), link.number) == (32, 64, LINK["number"])
    removal = bodies.parse_removal("3", json.dumps(REMOVAL).encode())
    assert (removal.device, removal.number, removal.auth_key) == (3, REMOVAL["number"], b"")


@pytest.mark.parametrize("parse", [bodies.parse_registration, bodies.parse_link, remove])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b'"x"', b'{"a":1,"a":1}', b"[" * 10_000, "\ufeff{}".encode()]
)
def test_no_json_object(parse: Any, body: bytes) -> None:
    """Nothing, half a thing and other things are BAD_REQUEST."""
    assert code(parse, body) is Code.BAD_REQUEST


@pytest.mark.parametrize("parse", [bodies.parse_registration, bodies.parse_link, remove])
def test_a_huge_body_is_not_even_read(parse: Any) -> None:
    """Above 16 KB it is TOO_LARGE, before anything is parsed."""
    assert code(parse, b"[" * (BODY_BYTES + 1)) is Code.TOO_LARGE
    assert code(parse, b"[" * BODY_BYTES) is Code.BAD_REQUEST


@pytest.mark.parametrize(
    "changes",
    [
        {"handle": "A"},
        {"handle": "a"},
        {"handle": "Alice"},
        {"handle": "al\u0131ce"},
        {"handle": "\u0430lice"},
        {"handle": "alice\n"},
        {"handle": "../alice"},
        {"handle": "a" * 31},
        {"handle": "a" * 10_000},
        {"handle": 5},
        {"name": ""},
        {"name": "x" * 41},
        {"name": "a\x00b"},
        {"name": "a\r\nb"},
        {"time": "1764000000000"},
        {"time": -1},
        {"time": 1.5},
        {"time": True},
        {"time": 2**63},
        {"auth_key": REGISTER["auth_key"] + "="},
        {"auth_key": "A" * 42 + "B"},
        {"signature": "AA"},
        {"verification": "open"},
        {"verification": {"method": "sms"}},
        {"verification": {"method": "otp", "code": 123456}},
        {"verification": {"method": "otp", "code": "12345"}},
        {"verification": {"method": "otp", "code": "123456\n"}},
        {"verification": {"method": "otp", "code": "\u0661\u0662\u0663\u0664\u0665\u0666"}},
        {"handle": "+1201555"},
        {"handle": "+02015550123"},
        {"handle": "12015550123"},
        {"handle": "+1201555012345678"},
        {"handle": "+1 2015550123"},
        {"handle": "+12015550123\n"},
        {"verification": {"method": "oidc", "token": "x" * 8_193}},
    ],
    ids=str,
)
def test_a_registration_with_one_bad_field(changes: dict[str, Any]) -> None:
    """Each is BAD_REQUEST: handles of another case or script, control characters, loose numbers and keys."""
    assert code(bodies.parse_registration, REGISTER | changes) is Code.BAD_REQUEST


def test_fields_that_claim_an_identity_are_ignored() -> None:
    """``account`` and ``signer`` in a body change nothing."""
    plain = bodies.parse_link(json.dumps(LINK).encode())

    assert bodies.parse_link(json.dumps(LINK | {"account": "x", "signer": 7, "by": 1}).encode()) == plain


@pytest.mark.parametrize("text", ["1", "5", str(LAST_DEVICE)])
def test_device_numbers(text: str) -> None:
    """From 1 to the highest of the contract."""
    assert bodies.parse_device(text) == int(text)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.0", "1e3", "32768", "99999", "9" * 5_000, "\u0661", " 1", "1\n", "one", "%31"]
)
def test_no_device_number(text: str) -> None:
    """BAD_REQUEST."""
    assert code(bodies.parse_device, text) is Code.BAD_REQUEST


@pytest.mark.parametrize("parse", [bodies.parse_account, bodies.parse_handle, bodies.parse_key])
@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "%2e%2e", "x\r\ny", "\x00", "\u0430lice", "A", "x" * 10_000, ACCOUNT + "\n"],
)
def test_no_part_of_a_path(parse: Any, text: str) -> None:
    """Path tricks, control characters, look-alikes and 10 kB are BAD_REQUEST."""
    assert code(parse, text) is Code.BAD_REQUEST


def test_answers_fit_their_schemas() -> None:
    """Own names, who took whom in and what has lapsed for oneself; the chain for everybody."""
    laptop = Device(FIRST_DEVICE, b"k" * 32, 1, "laptop")
    chain = first_chain(ACCOUNT, FIRST_DEVICE, laptop.auth_key, 1)
    assert chain.last is not None
    registered = DeviceList(ACCOUNT, "alice", 1, 2, (laptop,), chain)
    added = ChainEntry(2, "add", DeviceId(2), b"l" * 32, FIRST_DEVICE, 2, b"s" * 64)
    devices = registered.with_device(added, "phone", 2)
    gone = devices.without(DeviceId(2))

    own, public = bodies.own_account_answer(devices, [ACCOUNT]), bodies.account_answer(devices)

    shapes.demand("own_account_answer", own)
    shapes.demand("devices_answer", bodies.devices_answer(devices))
    shapes.demand("account_answer", public)
    shapes.demand("devices_answer", bodies.devices_answer(gone))
    retired = bodies.chain_answer(gone.without(FIRST_DEVICE), [chain.last, added])
    shapes.demand("chain_answer", retired)
    assert (retired["devices"], [entry["number"] for entry in retired["entries"]]) == ([], [1, 2])
    assert retired["entries"][0]["signature"] == "-"
    assert (own["lapsed"], bodies.devices_answer(gone)["lapsed"]) == ([], [2])
    assert "laptop" in json.dumps(own)
    assert own["devices"][1]["linked_by"] == 1
    assert "laptop" not in json.dumps(public)
    assert "linked_by" not in json.dumps(public)
