"""Messages, names and tokens that are wrong, forged or of somebody else, in frames of the right shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable

import pytest

from tests.e2e.bad_input import CANARY, is_refused, talking
from tests.e2e.client import ANSWER_SECONDS, Device, b64, conversation, name_of, new_id, now

IDS: Iterable[object] = [
    None,
    7,
    "",
    CANARY,
    CANARY * 1_500,
    "0198F0B1-2C3D-7ABC-9DEF-0123456789AB",
    "0198f0b1-2c3d-4abc-9def-0123456789ab",
    "0198f0b12c3d7abc9def0123456789ab",
    "{0198f0b1-2c3d-7abc-9def-0123456789ab}",
    "0198f0b1-2c3d-7abc-9def-0123456789a\uff11",
    "0198f0b1-2c3d-7abc-9def-0123456789a\u0661",
    "0198f0b1\u20102c3d-7abc-9def-0123456789ab",
    "0198f0b1-2c3d-7abc-9def-0123456789\u0430b",
    "0198f0b1-2c3d-7abc-9def-0123456789ab\n",
    "0198f0b1-2c3d-7abc-9def-0123456789ab\r\nx: y",
    "../0198f0b1-2c3d-7abc-9def-0123456789ab",
    "%2e%2e%2f0198f0b1-2c3d-7abc-9def-0123456789ab",
    "0198f0b1-2c3d-7abc-9def-0123456789ab\x00",
    ["0198f0b1-2c3d-7abc-9def-0123456789ab"],
]


async def test_ids_that_are_none(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """As message id, recipient and in names: BAD_FRAME, of the whole frame."""
    async with talking(request) as line:
        for value in IDS:
            for frame in (
                line.message(id=value),
                line.message(to=value),
                line.frame(ack={"quiet": [[value, bob.address]]}),
            ):
                is_refused(await line.refused(frame, "x"))


async def test_ciphertexts_that_are_none(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """Padding, other alphabets, unused bits, nothing, wrong devices: BAD_FRAME. Too long: TOO_LARGE."""
    bad: list[object] = [
        {"1": "aGk="}, {"1": "aGl"}, {"1": "a+/k"}, {"1": "a"}, {"1": "a b"}, {"1": ""}, {"1": None},
        {"1": [1]}, {"1": f"\u00fc{CANARY}"}, {CANARY: "aGk"}, {CANARY: 5}, {"9" * 5_000: 5}, {"0": "aGk"},
        {"01": "aGk"}, {"-1": "aGk"}, {"1.0": "aGk"}, {"32768": "aGk"}, {"99999": "aGk"}, {"\u0661": "aGk"},
        {str(number): "aGk" for number in range(1, 18)}, ["aGk"], CANARY, None,
    ]  # fmt: skip
    async with talking(request) as line:
        for devices in bad:
            is_refused(await line.refused(line.message(devices=devices), "x"))
            is_refused(await line.refused(line.message(own=devices), "x"))
        twice = line.message().replace('"devices": {', f'"devices": {{"1": "{b64(b"x")}", ')
        is_refused(await line.refused(twice))
        [result] = await line.a.send(alice.message(bob, text=b"x" * 8_193))
        is_refused(result["error"], "TOO_LARGE")


async def test_recipients_and_times(alice: Device, bob: Device, request: pytest.FixtureRequest) -> None:
    """An only device to itself, to nobody, from the past or the future: each has its code, none is stored."""
    hour = 3_600_000
    async with talking(request) as line:
        cases = [
            (alice.message(alice), "BAD_RECIPIENT"),
            (alice.message(bob, to=new_id()), "NOT_FOUND"),
            (alice.message(bob, to=new_id(0)), "NOT_FOUND"),
            (alice.message(bob, id=new_id(now() - hour)), "ID_STALE"),
            (alice.message(bob, id=new_id(0)), "ID_STALE"),
            (alice.message(bob, id=new_id(now() + hour)), "ID_AHEAD"),
            (alice.message(bob, id=new_id(2**48 - 1)), "ID_AHEAD"),
            (alice.message(bob, devices={"1": "aGk", "2": "aGk"}), "DEVICE_LIST_STALE"),
            (alice.message(bob, devices={"32767": "aGk"}), "DEVICE_LIST_STALE"),
            (alice.message(bob, devices={}), "DEVICE_LIST_STALE"),
            (alice.message(bob) | {"own": {"1": "aGk"}}, "DEVICE_LIST_STALE"),
        ]
        for message, code in cases:
            [result] = await line.a.send(message)
            assert result["id"] == message["id"]
            is_refused(result["error"], code)


async def test_a_removed_device_is_stale_and_an_unknown_one_is_extra(alice: Device, bob: Device) -> None:
    """The details name what to leave out and what is missing; nobody gets the message."""
    second, third = bob.link(), bob.link()
    assert bob.remove(second.device)[0] == 200
    async with await alice.connect() as a, await third.connect() as c:
        devices = dict.fromkeys(("1", str(second.device), "9"), b64(b"x"))

        [result] = await a.send(alice.message(bob, devices=devices))

        is_refused(result["error"], "DEVICE_LIST_STALE")
        differs = result["error"]["details"]["devices"][bob.account]
        assert differs == {"version": 4, "missing": [third.device], "extra": [9], "stale": [second.device]}
        await c.drain()
        assert [event for event in c.events if event["type"] == "message"] == []


FORGED = (
    "sender",
    "from",
    "account",
    "device",
    "connect_number",
    "time",
    "__proto__",
    "constructor",
    "authorizer",
)


async def test_forged_fields_change_nothing(
    alice: Device, bob: Device, new_device: Callable[[], Device]
) -> None:
    """Ten thousand unknown fields and names that claim to be bob: accepted, as a message of alice."""
    carol = new_device()
    forged = dict.fromkeys(FORGED, bob.account) | {
        "sender": bob.address,
        "device": 1,
        "requestContext": {"authorizer": {"account": bob.account}},
    }
    many = {f"{number:x}": 0 for number in range(10_000)}
    async with await alice.connect() as a, await carol.connect() as c:
        message = alice.message(carol) | forged
        text = json.dumps({"action": "send", "ref": "x", "messages": [message], **forged, **many})
        await a.send_raw(text)
        [event] = await c.wait_for(1)
        assert event == {
            "type": "message",
            "id": message["id"],
            "sender": alice.address,
            "to": carol.account,
            "ciphertext": message["devices"]["1"],
        }


async def has_nothing_left(device: Device) -> None:
    """Wait until a new socket of the device is given nothing: an ack is not answered, and takes its time."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            async with await device.connect() as socket:
                if not socket.events:
                    return


async def test_a_captured_frame_on_another_connection(
    alice: Device, bob: Device, new_device: Callable[[], Device]
) -> None:
    """Shown by mallory it is a message of mallory's; shown again by alice it is the same message."""
    mallory = new_device()
    async with await alice.connect() as a, await mallory.connect() as m, await bob.connect() as b:
        message = alice.message(bob)
        captured = {"action": "send", "messages": [message]}
        for socket in (a, m, a):
            assert (await socket.ask(captured))["results"] == [{"id": message["id"], "accepted": True}]
        await b.wait_for(3)
        await b.drain()
        senders = {event["sender"] for event in b.events}
        assert senders == {alice.address, mallory.address}
        names = {tuple(name_of(event)) for event in b.events}
        await b.ack(quiet=[list(name) for name in names])
        await b.drain()
    await has_nothing_left(bob)


async def test_a_blocked_sender_learns_nothing(alice: Device, bob: Device) -> None:
    """Accepted, as ever; bob has no message, and alice no receipt."""
    assert bob.request("PUT", f"/v1/account/blocks/{alice.account}")[0] == 200
    async with await alice.connect() as a, await bob.connect() as b:
        [result] = await a.send(alice.message(bob))
        assert result == {"id": result["id"], "accepted": True}
        await b.ack(delivered=[[result["id"], alice.address]])
        await b.drain()
        await a.drain()
        assert (a.events, b.events) == ([], [])
        [refused] = await b.send(bob.message(alice))
        is_refused(refused["error"], "RECIPIENT_BLOCKED")


async def test_acks_of_unknown_foreign_and_gone_rows(
    alice: Device, bob: Device, new_device: Callable[[], Device]
) -> None:
    """They are no errors, and nobody's row goes but one's own."""
    carol = new_device()
    async with await alice.connect() as a, await bob.connect() as b, await carol.connect() as c:
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        foreign, unknown = name_of(event), [new_id(), alice.address]
        await c.ack(delivered=[foreign, unknown], quiet=[foreign])
        await c.ack(read={conversation(carol.account, alice.account): [foreign]})
        await c.drain()
        assert (c.errors, a.events) == ([], [])

    async with await bob.connect() as b:
        assert [name_of(event) for event in b.events] == [foreign]
        for _ in range(2):  # read at once, without delivered, and once more when the row is gone
            await b.ack(read={conversation(alice.account, bob.account): [foreign]})
            await b.drain()
        assert b.errors == []
    await has_nothing_left(bob)


async def test_a_token_of_another_device(
    alice: Device, bob: Device, new_device: Callable[[], Device]
) -> None:
    """BAD_TOKEN for mallory; bob goes on with it."""
    mallory = new_device()
    async with await alice.connect() as a, await mallory.connect() as m:
        await a.send(*(alice.message(bob, text=b"x" * 8_000) for _ in range(4)))
        async with await bob.open() as b:
            token = (await b.ask({"action": "sync"}))["token"]
            text = json.dumps({"action": "sync", "ref": "x", "token": token})
            is_refused(await m.refused(text, "x"), "BAD_TOKEN")
            await b.drain(token=token)
            assert len({event["id"] for event in b.events}) == 4
