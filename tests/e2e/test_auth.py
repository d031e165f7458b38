"""Who is let in: forged, stolen, old and repeated proofs over real handshakes and HTTPS."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from urllib.parse import urlsplit

import pytest

from schemas import documents
from tests.e2e import bodies
from tests.e2e.client import Device, HandshakeRefused, Json, b64, now

MINUTE = 60_000


def device_routes() -> list[str]:
    """Every route of the contract that wants a device's signature."""
    contract = documents.openapi()
    default = contract.get("security", [])
    return [
        f"{method.upper()} {path}"
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "delete") and operation.get("security", default)
    ]


async def status(device: Device, proof: str | None = None, **headers: str) -> int:
    """101 where the socket opens, which is closed at once, else the status of the refusal."""
    try:
        socket = await device.open(proof, **headers)
    except HandshakeRefused as refused:
        return refused.status
    await socket.close()
    return 101


# -- the handshake -------------------------------------------------------------------------------


async def test_handshakes_without_a_good_proof(alice: Device, bob: Device) -> None:
    """401 without any; 403 for garbage, foreign and altered ones; none of them costs a number."""
    good = alice.proof()
    _, account, device, number, signature = good.split(".")
    altered = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert await status(alice, "") == 401
    for proof in (
        "garbage",
        "....",
        "." * 3_000,
        "%00",
        "%0d%0aSet-Cookie:x",
        f"v2.{account}.{device}.{number}.{signature}",
        f"v1.{account}.{device}.{number}",
        f"v1.{account}.{device}.{number}.{signature}=",
        f"v1.{account}.{device}.{number}.{altered}",
        f"v1.{account}.{device}.{int(number) + 1}.{signature}",
        f"v1.{account}.2.{number}.{signature}",
        f"v1.{account}.99999.{number}.{signature}",
        f"v1.{bob.account}.{device}.{number}.{signature}",
        f"v1.{account.upper()}.{device}.{number}.{signature}",
        f"v1.../{account}.{device}.{number}.{signature}",
    ):
        assert await status(alice, proof) == 403, proof
    assert await status(alice, good) == 101


async def test_a_proof_works_once(alice: Device) -> None:
    """Captured and shown again, and with any lower number: 403. The next one opens."""
    proof = alice.proof()

    assert [await status(alice, p) for p in (proof, proof, alice.proof(alice.connect_number - 1))] == [
        101,
        403,
        403,
    ]
    assert await status(alice) == 101


async def test_of_handshakes_with_one_number_at_once_one_opens(alice: Device) -> None:
    """However many at the same moment."""
    proof = alice.proof()

    outcomes = await asyncio.gather(*(status(alice, proof) for _ in range(6)))

    assert sorted(outcomes) == [101] + [403] * 5


@pytest.mark.parametrize(("off", "expected"), [(-61, 403), (-50, 101), (50, 101), (70, 403)])
async def test_the_number_lies_within_a_minute(alice: Device, off: int, expected: int) -> None:
    """Seconds off; an old proof that was never shown is no good later."""
    assert await status(alice, alice.proof(now() + off * 1_000)) == expected


async def test_a_removed_device_opens_nothing(alice: Device) -> None:
    """403, from the answer to its removal on; the first device goes on."""
    second = alice.link()
    assert await status(second) == 101
    assert alice.remove(second.device)[0] == 200

    assert await status(second) == 403
    assert await status(alice) == 101


@pytest.mark.local_only
@pytest.mark.parametrize(
    "origin", ["null", "http://localhost", "https://app.example.evil.test", "https://app.example:8443", ""]
)
async def test_a_browser_from_an_unlisted_origin(alice: Device, origin: str) -> None:
    """403: the local stage lists none. No Origin, as other clients come, opens."""
    assert await status(alice, Origin=origin) == 403
    assert await status(alice) == 101


# -- signed requests -----------------------------------------------------------------------------


def asked(route: str, alice: Device, bob: Device, own: Json) -> tuple[str, str, object]:
    """Method, path and body with which alice would use the route; ``own`` is her device list."""
    method, _, path = route.partition(" ")
    path = path.format(account=bob.account, handle=bob.handle, device=9, key="x")
    body: object = None
    if method == "POST":
        body = bodies.link(alice, Device(alice.base_url), "x", own)
    if route.startswith("DELETE /v1/devices"):
        body = bodies.removal(alice, 9, own)
    return method, path, body


def code(answer: tuple[int, Json]) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer[0], answer[1]["error"]["code"]


def test_no_device_route_serves_a_request_that_the_device_did_not_sign(alice: Device, bob: Device) -> None:
    """Unsigned, signed by bob, for another server, method, path, body, time or nonce: 401 everywhere."""
    routes, own = device_routes(), alice.own_list()
    assert len(routes) >= 9
    stranger = Device(alice.base_url)
    stranger.account, stranger.device = alice.account, 1
    elsewhere = Device("https://evil.test")
    elsewhere.key, elsewhere.account, elsewhere.device = alice.key, alice.account, 1
    before = [device.request("GET", "/v1/account") for device in (alice, bob)]

    for route in routes:
        method, path, body = asked(route, alice, bob, own)
        data = b"" if body is None else json.dumps(body).encode()
        good = alice.authorization(method, path, data)
        scheme, _, fields = good.partition(" ")
        account, device, at, nonce, signature = fields.split(":")
        other_nonce = "x" if nonce == "-" else b64(secrets.token_bytes(16))
        forged = {
            "unsigned": "",
            "another scheme": f"Bearer {fields}",
            "garbage": f"{scheme} garbage",
            "signed by another key": stranger.authorization(method, path, data),
            "signed by bob": good.replace(alice.account, bob.account),
            "bob's signature": bob.authorization(method, path, data).replace(bob.account, alice.account),
            "another server": elsewhere.authorization(method, path, data),
            "another method": alice.authorization("PATCH", path, data, nonce=nonce),
            "another path": alice.authorization(method, path + "/x", data),
            "a query": alice.authorization(method, path + "?a=1", data),
            "another body": alice.authorization(method, path, data + b" "),
            "another time": f"{scheme} {account}:{device}:{int(at) + 1}:{nonce}:{signature}",
            "another nonce": f"{scheme} {account}:{device}:{at}:{other_nonce}:{signature}",
            "another device": f"{scheme} {account}:2:{at}:{nonce}:{signature}",
            "an unknown account": good.replace(alice.account, alice.account[:-4] + "0000"),
        }
        for name, header in forged.items():
            assert code(alice.raw_request(method, path, data, header)) == (401, "UNAUTHENTICATED"), (
                route,
                name,
            )
        for off in (-61_000, 70_000):
            old = alice.authorization(method, path, data, time_ms=now() + off)
            status, answer = alice.raw_request(method, path, data, old)
            assert (status, answer["error"]["code"]) == (401, "CLOCK_SKEW"), route
            assert abs(answer["error"]["details"]["time"] - now()) < MINUTE

    assert [device.request("GET", "/v1/account") for device in (alice, bob)] == before


def test_a_signed_request_works_once(alice: Device, bob: Device) -> None:
    """What changes something is REPLAYED the second time; a GET may come again, also with a query."""
    path = f"/v1/account/blocks/{bob.account}"
    header = alice.authorization("PUT", path, b"")
    assert alice.raw_request("PUT", path, b"", header)[0] == 200
    assert code(alice.raw_request("PUT", path, b"", header)) == (401, "REPLAYED")

    path = "/v1/account?a=1&b=%20c&b="
    header = alice.authorization("GET", path, b"")
    assert [alice.raw_request("GET", path, b"", header)[0] for _ in range(2)] == [200, 200]
    assert code(alice.raw_request("GET", "/v1/account?a=1", b"", header)) == (401, "UNAUTHENTICATED")


def test_a_removed_device_is_told_so(alice: Device) -> None:
    """DEVICE_REMOVED on every route."""
    second = alice.link()
    assert alice.remove(second.device)[0] == 200

    own = alice.own_list()
    for route in device_routes():
        method, path, body = asked(route, second, alice, own)
        assert code(second.request(method, path, body)) == (401, "DEVICE_REMOVED"), route


@pytest.mark.parametrize("path", [
    "/v1/accounts/x", "/v1/accounts/..%2f..%2fetc", "/v1/accounts/%00", "/v1/accounts/" + "a" * 5_000,
    "/v1/handles/A", "/v1/handles/%0d%0ax", "/v1/handles/%0a", "/v1/handles/%d0%b0lice",
    "/v1/handles/al%C4%B1ce", "/v1/handles/..", "/v1/links/x", "/v1/links/" + "A" * 42 + "B",
])  # fmt: skip
def test_paths_that_name_nothing(alice: Device, path: str) -> None:
    """Escapes, controls, look-alikes: an error of the contract or of API Gateway, no 5xx and no trace.

    What is escaped reaches the function unescaped, so the signature over the escaped path does not fit.
    """
    header = alice.authorization("GET", path, b"")
    status, answer = raw(alice, "GET", path, b"", header)

    assert status in (400, 401, 404)
    assert set(answer) in ({"error"}, {"message"})
    assert "Traceback" not in json.dumps(answer)


def raw(device: Device, method: str, path: str, data: bytes, header: str) -> tuple[int, Json]:
    """A request whose answer may be API Gateway's own, which the contract does not describe."""
    url = urlsplit(device.base_url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    link = kind(url.hostname or "", url.port, timeout=30)
    link.request(method, url.path + path, data or None, {"authorization": header} if header else {})
    answer = link.getresponse()
    body: Json = json.loads(answer.read())
    link.close()
    return answer.status, body


REGISTER_BODIES: dict[str, object] = {
    "nothing": b"",
    "not JSON": b"hunter2",
    "array": b"[]",
    "not UTF-8": b'{"handle":"\xff"}',
    "duplicate": b'{"handle":"a","handle":"b"}',
    "deep": b'{"x":' + b"[" * 8_000,
    "no handle": {"handle": None},
    "mixed case": {"handle": "Alice"},
    "look-alike": {"handle": "\u0430lice"},
    "dotless": {"handle": "al\u0131ce"},
    "wide": {"handle": "\uff41lice"},
    "path": {"handle": "../alice"},
    "controls": {"handle": "alice\r\n"},
    "10 kB": {"handle": "a" * 10_000},
    "a long name": {"name": "x" * 41},
    "a name with NUL": {"name": "a\x00"},
    "a key with padding": {"auth_key": "A" * 42 + "="},
    "a key with unused bits": {"auth_key": "A" * 42 + "B"},
    "a time in words": {"time": "now"},
    "another method": {"verification": {"method": "otp"}},
}


def test_registrations_of_a_wrong_shape(alice: Device) -> None:
    """BAD_REQUEST, quoting nothing; 16 KB and more is TOO_LARGE."""
    for name, changes in REGISTER_BODIES.items():
        new = Device(alice.base_url)
        if isinstance(changes, bytes):
            answer = new.raw_request("POST", "/v1/register", changes)
        else:
            assert isinstance(changes, dict)
            answer = new.register(**changes)
        assert code(answer) == (400, "BAD_REQUEST"), name
        assert "hunter2" not in json.dumps(answer)
    assert code(alice.raw_request("POST", "/v1/register", b'{"x":"' + b"y" * 20_000 + b'"}')) == (
        413,
        "TOO_LARGE",
    )


@pytest.mark.parametrize("handle", ["admin", "root", "support", "everyone", "heliograph"])
def test_reserved_handles(base_url: str, handle: str) -> None:
    """HANDLE_TAKEN, like a handle of somebody else."""
    assert code(Device(base_url, handle).register()) == (409, "HANDLE_TAKEN")


def test_registering_for_somebody_else(alice: Device) -> None:
    """A taken handle, a foreign key, a key that anybody could sign for, a wrong clock: each has its code."""
    assert code(Device(alice.base_url, alice.handle).register()) == (409, "HANDLE_TAKEN")
    assert code(Device(alice.base_url).register(auth_key=alice.auth_key)) == (401, "UNAUTHENTICATED")
    assert code(Device(alice.base_url).register(time=now() - 2 * MINUTE)) == (401, "CLOCK_SKEW")
    identity = b64(b"\x01" + bytes(31))
    forged = b64(b"\x01" + bytes(63))
    assert code(Device(alice.base_url).register(auth_key=identity, signature=forged)) == (
        401,
        "UNAUTHENTICATED",
    )
    again = (alice.account, alice.device)
    assert alice.register()[0] == 200
    assert (alice.account, alice.device) == again
