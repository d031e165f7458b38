"""Prekeys: left with the server, given once, and gone with their device."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.bodies import prekey, prekeys
from tests.e2e.client import Device, b64
from tests.e2e.keys import CLAIM, claim, leave
from tests.e2e.steps import link, of_type, relate
from tests.e2e.tables import Tables
from tests.waiting import until

CANARY = "hunter2"


def refusal(by: Device, method: str, path: str, body: Any) -> tuple[int, str, str]:
    """Status, code and place of a refusal, which quotes nothing."""
    status, answer = by.request(method, path, body)
    assert CANARY not in str(answer)
    return status, answer["error"]["code"], answer["error"].get("details", {}).get("path", "")


def test_an_upload_is_held_and_may_be_repeated(alice: Device) -> None:
    """Counts, current ids and the digest that the device computes itself; the same for a repeat and a GET."""
    body = prekeys(alice, one_time=range(1, 101), one_time_kem=range(1, 21), signed=4, last_resort=6)
    lines = (
        "heliograph-keys-v1",
        alice.account,
        "1",
        "4",
        body["signed"]["key"],
        "6",
        body["last_resort"]["key"],
    )
    assert alice.request("GET", "/v1/keys") == (200, {"one_time": 0, "one_time_kem": 0})

    answer = leave(alice, body)

    assert answer == {
        "signed": 4,
        "last_resort": 6,
        "one_time": 100,
        "one_time_kem": 20,
        "digest": b64(hashlib.sha256("\n".join(lines).encode()).digest()),
    }
    assert leave(alice, body) == answer
    assert alice.request("GET", "/v1/keys") == (200, answer)


def test_keys_that_stay_are_replaced_by_higher_ids_alone(alice: Device, bob: Device) -> None:
    """A lower one changes nothing; what is claimed is the current one, byte for byte."""
    first = leave(alice, signed=7, last_resort=7)
    assert leave(alice, signed=3, last_resort=3) == first
    newest = prekeys(alice, signed=9, last_resort=0)

    assert leave(alice, newest)["signed"] == 9

    [bundle] = claim(bob, alice)
    assert (bundle["signed"], bundle["kem"]["id"], bundle["auth_key"]) == (
        newest["signed"],
        7,
        alice.auth_key,
    )


def test_each_one_time_key_is_given_once_then_the_last_resort_for_ever(alice: Device, bob: Device) -> None:
    """Claims are never stopped by an empty pool, and those of own devices take keys like any."""
    body = prekeys(alice, one_time=range(1, 4), one_time_kem=range(1, 3))
    leave(alice, body)
    second = alice.link()

    bundles = [claim(by, alice)[0] for by in (bob, second, bob, bob, second, bob)]

    given = [bundle["one_time"] for bundle in bundles if "one_time" in bundle]
    assert sorted(given, key=lambda key: int(key["id"])) == body["one_time"]
    kems = [bundle["kem"] for bundle in bundles]
    assert [kem.pop("kind") for kem in kems] == ["one_time_kem"] * 2 + ["last_resort"] * 4
    assert sorted(kems[:2], key=lambda key: int(key["id"])) == body["one_time_kem"]
    assert kems[2:] == [body["last_resort"]] * 4
    assert alice.request("GET", "/v1/keys")[1]["one_time"] == 0


def test_forty_claims_at_once_get_different_keys(alice: Device, bob: Device) -> None:
    """Each key goes to one of them, or to none where the store could not tell."""
    leave(alice, one_time=range(1, 101), one_time_kem=range(1, 21))

    with ThreadPoolExecutor(40) as pool:
        bundles = [found for [found] in pool.map(lambda _: claim(bob, alice), range(40))]

    ids = [bundle["one_time"]["id"] for bundle in bundles if "one_time" in bundle]
    kems = [bundle["kem"]["id"] for bundle in bundles if bundle["kem"]["kind"] == "one_time_kem"]
    assert len(bundles) == 40
    assert len(set(ids)) == len(ids) >= 10
    assert len(set(kems)) == len(kems) <= 20
    left = alice.request("GET", "/v1/keys")[1]
    assert left["one_time"] <= 100 - len(ids)
    assert left["one_time_kem"] <= 20 - len(kems)


def test_devices_without_keys_and_unknown_ones_are_left_out(alice: Device, bob: Device) -> None:
    """Half of the keys are none; nobody's account is NOT_FOUND."""
    second = alice.link()
    assert claim(bob, alice, second) == []
    leave(alice, last_resort=0)
    leave(second)

    status, answer = bob.request("POST", CLAIM, {"account": alice.account, "devices": [1, 2, 3, 2]})

    assert (status, answer["version"], [each["device"] for each in answer["bundles"]]) == (200, 2, [2])
    nobody = {"account": alice.account[:-4] + "0000", "devices": [1]}
    assert refusal(bob, "POST", CLAIM, nobody)[:2] == (404, "NOT_FOUND")


async def test_somebody_blocked_gets_what_anybody_gets(alice: Device, bob: Device) -> None:
    """The answer says nothing of the block."""
    body = prekeys(alice, one_time=[1, 2])
    await asyncio.to_thread(leave, alice, body)
    await relate(alice, "blocks", bob)

    [bundle] = await asyncio.to_thread(claim, bob, alice)

    assert bundle["signed"] == body["signed"]
    assert bundle["one_time"] in body["one_time"]


def test_keys_of_others_are_refused(alice: Device, bob: Device) -> None:
    """Signed by another account, by another device, or for another place: BAD_KEY, and nothing is held."""
    second = alice.link()
    kem = prekey(alice, "one_time_kem", 1)
    moved = {**prekey(alice, "signed", 1), "id": 2}
    swapped = {"signature": prekey(alice, "signed", 1)["signature"]}
    cases = [
        ({"signed": prekey(bob, "signed", 1)}, "signed"),
        ({"signed": prekey(second, "signed", 1)}, "signed"),
        ({"signed": moved}, "signed"),
        ({"signed": prekey(alice, "signed", 1) | swapped}, "signed"),
        ({"last_resort": kem}, "last_resort"),
        ({"one_time_kem": [kem, prekey(bob, "one_time_kem", 2)]}, "one_time_kem[1]"),
        ({"signed": prekey(alice, "signed", 1, bytes(31) + b"\x80")}, "signed"),
        ({"one_time": [prekey(alice, "one_time", 1, b"\x01" + bytes(31))]}, "one_time[0]"),
    ]
    good = {"one_time": [prekey(alice, "one_time", 5)]}
    for bad, path in cases:
        assert refusal(alice, "PUT", "/v1/keys", good | bad) == (400, "BAD_KEY", path)
    assert alice.request("GET", "/v1/keys") == (200, {"one_time": 0, "one_time_kem": 0})


def test_an_id_has_one_key_and_a_pool_an_end(alice: Device) -> None:
    """KEY_CONFLICT keeps the key that was there; KEY_LIMIT counts what would be there."""
    first = leave(alice, one_time=range(1, 100))
    for kind in ("signed", "last_resort"):
        assert refusal(alice, "PUT", "/v1/keys", {kind: prekey(alice, kind, 1)}) == (
            409,
            "KEY_CONFLICT",
            kind,
        )
    changed = {"one_time": [prekey(alice, "one_time", 100), prekey(alice, "one_time", 3)]}
    assert refusal(alice, "PUT", "/v1/keys", changed) == (409, "KEY_CONFLICT", "one_time[1]")
    assert alice.request("GET", "/v1/keys") == (200, first | {"one_time": 100})
    more = {"one_time": [prekey(alice, "one_time", 101)]}
    assert refusal(alice, "PUT", "/v1/keys", more) == (409, "KEY_LIMIT", "one_time")


def test_bodies_of_a_wrong_shape(alice: Device, bob: Device) -> None:
    """BAD_REQUEST with the place, TOO_LARGE, and no value of the client in the answer."""
    good = prekey(alice, "signed", 1)
    uploads: list[Any] = [
        {},
        [],
        {"note": CANARY},
        {"signed": CANARY},
        {"signed": good | {"id": CANARY}},
        {"signed": good | {"id": 0}},
        {"signed": good | {"id": 2**31}},
        {"signed": good | {"key": CANARY}},
        {"signed": good | {"signature": CANARY}},
        {"last_resort": good},
        {"one_time": good},
        {"one_time": [prekey(alice, "one_time", 1)] * 101},
        {"one_time_kem": [prekey(alice, "one_time_kem", 1)] * 21},
    ]
    claims: list[Any] = [
        {},
        {"account": bob.account},
        {"account": CANARY, "devices": [1]},
        {"account": bob.account, "devices": []},
        {"account": bob.account, "devices": [1, 2, 3, 4, 5, 6]},
        {"account": bob.account, "devices": [CANARY]},
        {"account": bob.account, "devices": [0]},
    ]
    for method, path, cases in (("PUT", "/v1/keys", uploads), ("POST", CLAIM, claims)):
        for body in cases:
            assert refusal(alice, method, path, body)[:2] == (400, "BAD_REQUEST"), str(body)[:80]
    for method, path, limit in (("PUT", "/v1/keys", 96 * 1024), ("POST", CLAIM, 16 * 1024)):
        raw = b'{"x":"' + CANARY.encode() * (limit // 7) + b'"}'
        header = alice.authorization(method, path, raw)
        status, answer = alice.raw_request(method, path, raw, header)
        assert (status, answer["error"]["code"]) == (413, "TOO_LARGE")
        assert CANARY not in str(answer)
    assert alice.request("GET", "/v1/keys") == (200, {"one_time": 0, "one_time_kem": 0})


async def test_a_device_hears_that_its_keys_run_low(alice: Device, bob: Device) -> None:
    """Live, with both numbers, and its other devices do not; nothing is said while there are enough."""
    second = await link(alice)
    for device in (alice, second):
        ids = {"one_time": range(1, 31), "one_time_kem": range(1, 21)}
        await asyncio.to_thread(leave, device, **ids)
    async with await alice.connect() as socket, await second.connect() as other:
        await asyncio.to_thread(claim, bob, alice)
        told = await socket.wait_for(1, "keys_low")
        assert told == [{"type": "keys_low", "one_time": 29, "one_time_kem": 19}]
        caught_up = await other.drain()
        assert of_type(other, "keys_low") == []
        assert "keys" not in caught_up


async def test_sync_counts_on_request_and_always_tells_the_connect_before(alice: Device) -> None:
    """``keys`` of the asking device; ``previous_connect`` on the page, with and without ``caught_up``."""
    await asyncio.to_thread(leave, alice, one_time=[1, 2, 3], one_time_kem=[1])
    async with await alice.connect():
        previous = alice.connect_number
    async with await alice.open() as socket:
        page = await socket.ask({"action": "sync", "keys": True})

    assert page["caught_up"]["keys"] == {"one_time": 3, "one_time_kem": 1}
    assert page["previous_connect"] == page["caught_up"]["previous_connect"] == previous


async def test_every_page_tells_the_connect_before(alice: Device, bob: Device) -> None:
    """The first of several pages as well, before anything is caught up."""
    async with await alice.connect():
        previous = alice.connect_number
    async with await bob.connect() as b:
        for _ in range(6):
            await b.send(bob.message(alice, text=bytes(8_000)))
    async with await alice.open() as socket:
        page = await socket.ask({"action": "sync"})
        pages = [page]
        while "token" in page:
            page = await socket.ask({"action": "sync", "token": page["token"]})
            pages.append(page)

    assert len(pages) > 1
    assert {each["previous_connect"] for each in pages} == {previous}


@pytest.mark.local_only
async def test_the_keys_of_a_removed_device_are_gone(alice: Device, bob: Device, tables: Tables) -> None:
    """Within five seconds all of its rows; those of the other device stay, and claims leave it out."""
    second = await link(alice)
    full = {"one_time": range(1, 101), "one_time_kem": range(1, 21)}
    for device in (alice, second):
        await asyncio.to_thread(leave, device, **full)
    assert Counter(kind for kind, _ in tables.prekeys(second)) == {
        "signed": 1,
        "last_resort": 1,
        "one_time": 100,
        "one_time_kem": 20,
    }

    removing = asyncio.create_task(asyncio.to_thread(alice.remove, second.device))
    await until(lambda: not tables.prekeys(second), 5)

    assert (await removing)[0] == 200
    assert len(tables.prekeys(alice)) == 122
    assert [each["device"] for each in await asyncio.to_thread(claim, bob, alice, second)] == [1]
