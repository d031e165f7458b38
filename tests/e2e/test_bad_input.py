"""Nonsense over a real socket: it gets its stable code, writes nothing, and leaves the socket usable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.bad_input import CANARY, inboxes, is_refused, talking
from tests.e2e.client import ANSWER_SECONDS, Device, Json, Socket, b64, new_id
from tests.waiting import until

NO_FRAMES = {
    "empty": "",
    "blank": " \n",
    "not JSON": CANARY,
    "cut": '{"action":"send","ref":"1"',
    "array": '["send"]',
    "number": "7",
    "null": "null",
    "string": '"send"',
    "depth 1,000, cut": '{"action":"send","ref":"1","messages":' + "[" * 1_000,
    "depth 100,000": "[" * 100_000,
    "depth 100,000 with an action": '{"action":"send","ref":"1","messages":'
    + "[" * 50_000
    + "]" * 50_000
    + "}",
    "duplicate action": '{"action":"sync","action":"send","ref":"1","messages":[]}',
    "duplicate ref": '{"action":"sync","ref":"1","ref":"2"}',
    "duplicate far down": '{"action":"sync","ref":"1","x":{"y":[{"a":1,"a":2}]}}',
    "NaN": '{"action":"sync","ref":"1","mark":NaN}',
    "Infinity": '{"action":"sync","ref":"1","x":-Infinity}',
    "1e999": '{"action":"sync","ref":"1","mark":1e999}',
    "5,000 digits": '{"action":"sync","ref":"1","mark":' + "9" * 5_000 + "}",
    "lone surrogate": '{"action":"sync","ref":"1","x":"\\ud800"}',
    "lone surrogate as a name": '{"action":"sync","ref":"1","\\udc00":1}',
    "NUL": '{"action":"sync","ref":"1","x":"\x00"}',
    "NUL around": '\x00{"action":"sync","ref":"1"}',
    "byte order mark": '\ufeff{"action":"sync","ref":"1"}',
    "comment": '{"action":"sync"/* */,"ref":"1"}',
    "no action": "{}",
}


async def test_what_is_no_frame_at_all(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """BAD_FRAME without a ref, whichever route API Gateway chose for it."""
    async with talking(request) as line:
        for name, text in NO_FRAMES.items():
            assert (await line.refused(text))["code"] == "BAD_FRAME", name


async def test_actions_that_do_not_exist(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """Wrong case, look-alikes, other types: UNKNOWN_ACTION with the ref; without any it is BAD_FRAME."""
    actions = [
        "SEND",
        "Send",
        "send ",
        "s\u0435nd",
        "typing",
        "$default",
        "",
        None,
        7,
        ["send"],
        {"send": 1},
    ]
    async with talking(request) as line:
        for action in actions:
            text = json.dumps({"action": action, "ref": "x", "messages": [], "token": CANARY})
            is_refused(await line.refused(text, "x"), "UNKNOWN_ACTION")
        is_refused(await line.refused(json.dumps({"ref": "x", "token": CANARY}), "x"))


async def test_routes_of_api_gateway_are_no_actions(alice: Device, bob: Device) -> None:
    """``$connect`` and ``$disconnect`` as an action touch one's own socket at most; a sync mends that."""
    async with await alice.connect() as a, await bob.connect() as b:
        for action in ("$connect", "$disconnect"):
            forged = {"account": bob.account, "device": 1, "connectionId": CANARY}
            await a.send_raw(json.dumps({"action": action, "ref": "x"} | forged))
        await b.send(bob.message(alice))
        await a.drain()
        await a.wait_for(1)
        await a.send(alice.message(bob))
        await b.wait_for(1)


async def test_refs_that_are_none(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """Missing, too long, another type, a newline in it: BAD_FRAME, and they are not echoed."""
    async with talking(request) as line:
        for ref in (None, 7, "", CANARY * 20, f"{CANARY} x", f"{CANARY}\n", [CANARY], True):
            for action in ("sync", "send", "ack"):
                frame = {"action": action, "ref": ref, "messages": [alice.message(bob)], "ack": {}}
                is_refused(await line.refused(json.dumps(frame)))


async def test_sends_of_a_wrong_shape(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """No messages, 51, another type, an expiry class that does not exist, numbers as strings: BAD_FRAME."""
    async with talking(request) as line:
        for messages in ([], [alice.message(bob) for _ in range(51)], {}, CANARY, None, [CANARY], [[]]):
            is_refused(await line.refused(line.frame(messages=messages), "x"))
        for changes in ({"expires": "2h"}, {"expires": 30}, {"expires": None}):
            is_refused(await line.refused(line.message(**changes), "x"))
        for missing in ("id", "to", "devices"):
            message = {name: value for name, value in alice.message(bob).items() if name != missing}
            is_refused(await line.refused(line.frame(messages=[message]), "x"))
        for ack in (
            CANARY,
            [],
            None,
            {"delivered": {}},
            {"read": []},
            {"read": {CANARY: []}},
            {"quiet": [[]]},
        ):
            is_refused(await line.refused(line.frame(ack=ack), "x"))


async def test_acks_of_a_wrong_shape_are_refused_by_a_posted_error(
    alice: Device, bob: Device, request: pytest.FixtureRequest
) -> None:
    """10,000 names do not fit a frame; 257 and names that are none are BAD_FRAME."""
    name = [new_id(), bob.address]
    bad: list[object] = [
        {"delivered": [name] * 257}, {"quiet": [name] * 1_400}, {"delivered": name},
        {"delivered": [[name[0]]]}, {"delivered": [[name[0], bob.account]]},
        {"delivered": [[name[0], f"{bob.address}/delivered"]]},
        {"quiet": [[name[0], f"{bob.address}/{CANARY}"]]}, {"delivered": [[name[0], f"{bob.account}:0"]]},
        {"read": {CANARY: [name]}}, {"read": [name]}, {"read": {"x" * 22: [CANARY]}}, CANARY, None, [],
    ]  # fmt: skip
    async with talking(request) as line:
        for ack in bad:
            text = json.dumps({"action": "ack", "ref": "x", "ack": ack})
            is_refused(await line.refused(text, "x"))
        is_refused(await line.refused(json.dumps({"action": "ack", "ref": "x"}), "x"))
        wrong = {"action": "ack", "ref": "x", "ack": {"read": {"x" * 22: [name]}}}
        is_refused(await line.refused(json.dumps(wrong), "x"), "BAD_CONVERSATION")


async def test_syncs_of_a_wrong_shape(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """Negative and huge marks, lists that are too long: BAD_FRAME. Tokens that are none: BAD_TOKEN."""
    name = [new_id(), bob.address]
    bad: list[Json] = [
        {"mark": -1}, {"mark": 2**48}, {"mark": 10**300}, {"mark": "1764000000000"}, {"mark": 1.5},
        {"mark": True}, {"have": [name] * 257}, {"have": [[CANARY]]}, {"have": name}, {"token": ""},
        {"token": CANARY * 100}, {"token": "a b"}, {"token": 7},
        {"unreceipted": {CANARY: [name]}}, {"unreceipted": {bob.account: []}},
        {"unreceipted": {new_id(): [name] for _ in range(11)}}, {"unreceipted": {bob.account: [name] * 21}},
    ]  # fmt: skip
    async with talking(request) as line:
        for changes in bad:
            is_refused(await line.refused(json.dumps({"action": "sync", "ref": "x"} | changes), "x"))
        for token in ("AQIDBA", CANARY, "A" * 512, b64(bytes(60))):
            text = json.dumps({"action": "sync", "ref": "x", "token": token})
            is_refused(await line.refused(text, "x"), "BAD_TOKEN")
        await line.a.drain(mark=2**48 - 1, have=[name] * 256)


async def test_frames_up_to_the_limit_are_read(
    alice: Device, bob: Device, request: pytest.FixtureRequest
) -> None:
    """96 KiB and 131,072 bytes to the byte: served, whatever fills them."""
    async with talking(request) as line:
        for size in (96 * 1_024 + 1, 131_072):
            empty = json.dumps({"action": "sync", "ref": "big", "x": ""})
            text = json.dumps({"action": "sync", "ref": "big", "x": "y" * (size - len(empty))})
            assert len(text) == size
            answer = line.a._answers["big"] = asyncio.get_running_loop().create_future()
            await line.a.send_raw(text)
            assert "caught_up" in await asyncio.wait_for(answer, ANSWER_SECONDS)


async def closes(
    alice: Device, bob: Device, request: pytest.FixtureRequest, send: Callable[[Socket], Any]
) -> int | None:
    """How the server closes the socket after ``send`` (None: by a cut). Nothing is stored or answered."""
    async with await bob.connect() as b:
        a, before = await alice.open(), inboxes(request, alice, bob)
        await send(a)
        await until(lambda: a.connection.protocol.close_rcvd or a.closed.is_set())
        received = a.connection.protocol.close_rcvd
        a.cut()
        assert a.frames == []
        await b.drain()
        assert b.events == []
    assert inboxes(request, alice, bob) == before
    async with await alice.connect():
        return received.code if received else None


async def test_a_frame_above_the_limit_closes_the_socket(
    alice: Device, bob: Device, request: pytest.FixtureRequest
) -> None:
    """1009, whether in one piece or in fragments; the device connects again."""
    text = json.dumps({"action": "send", "ref": "x", "messages": [alice.message(bob)], "x": "y" * 131_072})

    assert await closes(alice, bob, request, lambda a: a.send_raw(text)) == 1009


async def test_text_that_is_not_utf8_closes_the_socket(
    alice: Device, bob: Device, request: pytest.FixtureRequest
) -> None:
    """With 1007 (RFC 6455, 8.1); nothing of it is read."""
    good = json.dumps({"action": "send", "ref": "x", "messages": [alice.message(bob)], "x": "@"}).encode()

    async def send(a: Socket) -> None:
        await a.connection.send(good.replace(b"@", b"\xff\xfe\xc0\x80"), text=True)

    assert await closes(alice, bob, request, send) == 1007


async def test_a_binary_frame_closes_the_socket(
    alice: Device, bob: Device, request: pytest.FixtureRequest
) -> None:
    """1003, as API Gateway does, even where the bytes are a good frame."""
    good = json.dumps({"action": "send", "ref": "x", "messages": [alice.message(bob)]}).encode()

    assert await closes(alice, bob, request, lambda a: a.connection.send(good)) == 1003
