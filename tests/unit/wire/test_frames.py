"""Frames: every published example is read, every answer fits its schema and its 32 KB."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat.domain import base64url
from chat.domain.devices import DEVICE_LIMIT, LAST_DEVICE
from chat.domain.envelope import Status
from chat.domain.events import DeviceListChanged, Event, KeysLow, MessageEvent, ReceiptEvent, SessionClosed
from chat.domain.ids import AccountId, Address, DeviceId, MessageId, MessageName, new_uuid7
from chat.domain.page_token import PageToken
from chat.domain.prekeys import Left
from chat.errors import ChatError, Code
from chat.usecases.discovery import EVENT_FRAME_BYTES, FRAME_BYTES, MESSAGES_PER_SEND
from chat.usecases.send import CIPHERTEXT_LIMIT, Result, SendOutcome
from chat.usecases.sync import CaughtUp, Page
from chat.wire import frames

from schemas import frames as schemas
from tests.fakes import shapes

ALICE = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
BOB = AccountId("0198f0a0-0000-7000-8000-000000000b0b")
ID = MessageId("0198f0b1-2c3d-7abc-9def-0123456789ab")
NAME = MessageName(ID, f"{ALICE}:1")
PARSERS: dict[str, Any] = {"send": frames.parse_send, "ack": frames.parse_ack, "sync": frames.parse_sync}


def examples(name: str) -> list[dict[str, Any]]:
    """The examples in a schema."""
    found: list[dict[str, Any]] = schemas.load(name)["examples"]
    return found


def refused(action: str, text: str) -> frames.Refused:
    """The refusal of a frame."""
    with pytest.raises(frames.Refused) as refusal:
        PARSERS[action](text)
    return refusal.value


def names(count: int, sender: str = f"{ALICE}:1") -> tuple[MessageName, ...]:
    """That many message names."""
    return tuple(MessageName(MessageId(new_uuid7(1_764_000_000_000 + i)), sender) for i in range(count))


@pytest.mark.parametrize("action", PARSERS)
def test_every_example_is_read(action: str) -> None:
    """With its ref; what is not in the frame gets the protocol's default."""
    for example in examples(action):
        assert PARSERS[action](json.dumps(example)).ref == example["ref"]


def test_a_send_is_read_completely() -> None:
    """Ids, recipients, ciphertexts as bytes, copies, expiry and the ack that rides along."""
    frame = frames.parse_send(json.dumps(examples("send")[0]))

    [message] = frame.messages
    assert (message.id, message.to, message.expires) == (ID, BOB, "30d")
    assert message.devices == {1: b"hello", 2: b"hello"}
    assert message.own == {2: b"hello"}
    assert frame.ack is not None
    assert len(frame.ack.removes()) == 3


def test_a_sync_is_read_completely() -> None:
    """Mark, ``have`` and ``unreceipted``; the second example carries a token, the third asks for keys."""
    first, second, third = (frames.parse_sync(json.dumps(example)).request for example in examples("sync"))

    assert first.mark == 1_764_000_000_000
    assert len(first.have) == 1
    assert first.unreceipted is not None
    assert {peer: len(names) for peer, names in first.unreceipted.items()} == {BOB: 1}
    assert (second.token, second.mark, second.have) == ("AQIDBA", 0, frozenset())
    assert [request.keys for request in (first, second, third)] == [False, False, True]


@pytest.mark.parametrize("action", PARSERS)
def test_unknown_fields_are_ignored(action: str) -> None:
    """Ten thousand of them, and names that are special elsewhere."""
    example = examples(action)[0]
    extra = {str(i): 0 for i in range(10_000)} | {
        "__proto__": {"a": 1},
        "constructor": 1,
        "sender": "me",
        "from": 1,
    }

    assert PARSERS[action](json.dumps(example | extra)) == PARSERS[action](json.dumps(example))


@pytest.mark.parametrize("action", PARSERS)
@pytest.mark.parametrize("ref", [None, 7, "", "x" * 65, "a b", "\u00fc", "a\n", ["a"]])
def test_a_ref_that_is_none_is_not_echoed(action: str, ref: object) -> None:
    """The refusal carries null in its place."""
    refusal = refused(action, json.dumps(examples(action)[0] | {"ref": ref}))

    assert refusal.ref is None
    assert refusal.error.code is Code.BAD_FRAME


@pytest.mark.parametrize("action", PARSERS)
def test_a_readable_ref_comes_back_with_the_refusal(action: str) -> None:
    """So the client knows which of its frames it was."""
    refusal = refused(
        action, json.dumps({"action": action, "ref": "r:1", "messages": 0, "ack": 0, "have": 0})
    )

    assert (refusal.ref, refusal.error.code) == ("r:1", Code.BAD_FRAME)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "null", '"send"', "{", "[" * 100_000, '{"ref":"1","ref":"1"}']
)
def test_no_json_object_at_all(text: str) -> None:
    """BAD_FRAME without a ref, by whichever route it comes."""
    for refusal in (*(refused(action, text) for action in PARSERS), frames.parse_unknown(text)):
        assert (refusal.ref, refusal.error.code) == (None, Code.BAD_FRAME)


@pytest.mark.parametrize(
    ("frame", "ref", "code"),
    [
        ({"ref": "1"}, "1", Code.BAD_FRAME),
        ({"ref": "1", "action": "Send"}, "1", Code.UNKNOWN_ACTION),
        ({"ref": "1", "action": ["send"]}, "1", Code.UNKNOWN_ACTION),
        ({"ref": {}, "action": None}, None, Code.UNKNOWN_ACTION),
    ],
)
def test_what_no_route_takes(frame: dict[str, Any], ref: str | None, code: Code) -> None:
    """Without an action it is no frame; with another one it is an unknown action."""
    refusal = frames.parse_unknown(json.dumps(frame))

    assert (refusal.ref, refusal.error.code) == (ref, code)


def test_a_frame_above_the_limit_is_too_large() -> None:
    """The limit itself is not above it."""
    text = json.dumps(examples("sync")[0])

    assert refused("sync", text + " " * FRAME_BYTES).error.code is Code.TOO_LARGE
    assert frames.parse_sync(text + " " * (FRAME_BYTES - len(text)))


@pytest.mark.parametrize(
    "devices",
    [
        {"1": "aGk="},
        {"1": "aGl"},
        {"1": "aG k"},
        {"1": "a+/k"},
        {"1": "a"},
        {"1": ""},
        {"1": None},
        {"0": "aGk"},
        {"01": "aGk"},
        {"-1": "aGk"},
        {"one": "aGk"},
        {str(LAST_DEVICE + 1): "aGk"},
        {"99999": "aGk"},
        {"9" * 5_000: "aGk"},
        {str(i): "aGk" for i in range(1, 18)},
        ["aGk"],
    ],
    ids=lambda devices: str(devices)[:40],
)
@pytest.mark.parametrize("side", ["devices", "own"])
def test_bad_ciphertexts(side: str, devices: object) -> None:
    """No base64url, unused bits that are not zero, nothing, or no device number: BAD_FRAME with the ref."""
    frame = examples("send")[0]
    frame["messages"][0][side] = devices

    refusal = refused("send", json.dumps(frame))

    assert (refusal.ref, refusal.error.code) == (frame["ref"], Code.BAD_FRAME)


def test_the_highest_device_number_may_stand_in_a_refusal() -> None:
    """A refusal that names it as ``extra`` still fits the contract."""
    frame = examples("send")[0]
    frame["messages"][0]["devices"] = {str(LAST_DEVICE): "aGk"}

    [message] = frames.parse_send(json.dumps(frame)).messages

    assert list(message.devices) == [LAST_DEVICE]


@pytest.mark.parametrize("count", [0, MESSAGES_PER_SEND + 1])
def test_a_send_holds_1_to_50_messages(count: int) -> None:
    """None and 51 are BAD_FRAME; 50 pass."""
    frame = examples("send")[0]
    [message] = frame["messages"]

    assert refused("send", json.dumps(frame | {"messages": [message] * count})).error.code is Code.BAD_FRAME
    assert (
        len(frames.parse_send(json.dumps(frame | {"messages": [message] * MESSAGES_PER_SEND})).messages) == 50
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"mark": -1},
        {"mark": 2**48},
        {"mark": "1"},
        {"mark": 1.5},
        {"token": ""},
        {"token": "x" * 513},
        {"token": "../../x"},
        {"have": [list(NAME)] * 257},
        {"have": [[ID]]},
        {"have": [[ID, ALICE]]},
        {"unreceipted": {BOB: []}},
        {"unreceipted": {BOB: [list(NAME)] * 21}},
        {"unreceipted": {new_uuid7(i): [list(NAME)] for i in range(11)}},
        {"ack": {"delivered": [list(NAME)] * 257}},
        {"ack": {"quiet": [[ID, f"{ALICE}:1/lost"]]}},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_bad_syncs(changes: dict[str, Any]) -> None:
    """Marks out of range, impossible tokens, lists that are too long, names that are none: BAD_FRAME."""
    assert refused("sync", json.dumps(examples("sync")[0] | changes)).error.code is Code.BAD_FRAME


EVENTS: list[Event] = [
    MessageEvent(NAME, BOB, b"x"),
    ReceiptEvent(Status.READ, f"{BOB}:1", (NAME,)),
    ReceiptEvent(Status.DELIVERED, BOB, (NAME,), MessageName(ID, f"{BOB}:1/delivered")),
    DeviceListChanged(ALICE, 2),
    KeysLow(19, 0),
    SessionClosed("REPLACED"),
]


def test_events_fit_their_schema_and_share_a_frame() -> None:
    """All kinds of events at once: one frame, in order."""
    [frame] = [json.loads(data) for data in frames.event_frames(EVENTS)]

    shapes.demand("events", frame)
    assert [event["type"] for event in frame["events"]] == [
        "message",
        "receipt",
        "receipt",
        "device_list_changed",
        "keys_low",
        "session_closed",
    ]


def test_no_events_no_frame() -> None:
    """Nothing is posted for nothing."""
    assert frames.event_frames([]) == []


@pytest.mark.parametrize("count", [1, 3, 50])
def test_frames_of_the_largest_messages_fit_32_kb(count: int) -> None:
    """As many as fit share a frame; all come, in order."""
    messages = [MessageEvent(name, BOB, b"x" * CIPHERTEXT_LIMIT) for name in names(count)]

    made = frames.event_frames(messages)

    assert all(len(data) <= EVENT_FRAME_BYTES for data in made)
    assert len(made) == -(-count // 2)
    assert [e["id"] for data in made for e in json.loads(data)["events"]] == [m.name.id for m in messages]


@pytest.mark.parametrize("count", [256, 512, 16_384])
def test_a_huge_receipt_is_cut_into_frames(count: int) -> None:
    """Every name comes once and no frame is above 32 KB, however many names an ack brings."""
    receipt = ReceiptEvent(Status.READ, f"{BOB}:32767", names(count, f"{ALICE}:32767"))

    made = frames.event_frames([receipt, EVENTS[0]])

    assert all(len(data) <= EVENT_FRAME_BYTES for data in made)
    events = [event for data in made for event in json.loads(data)["events"]]
    assert [tuple(name) for event in events[:-1] for name in event["messages"]] == list(receipt.names)
    assert events[-1]["type"] == "message"


def test_size_of_is_the_size_in_the_frame() -> None:
    """Pages are cut by it, so it must not be too small."""
    sizes = sum(frames.size_of(event) for event in EVENTS)

    [data] = frames.event_frames(EVENTS)

    assert len('{"events":[]}') + sizes - 1 == len(data)


def test_the_largest_answer_to_a_send_fits_32_kb() -> None:
    """Fifty recipients, each refused with everything that can be wrong with two device lists."""
    difference = {
        "version": 2**31 - 1,
        "missing": tuple(range(LAST_DEVICE - DEVICE_LIMIT, LAST_DEVICE)),
        "extra": tuple(range(LAST_DEVICE - 15, LAST_DEVICE + 1)),
        "stale": (),
    }
    details = {"devices": {BOB: difference, ALICE: difference}}
    results = [Result(ID, ChatError(Code.DEVICE_LIST_STALE, details=details))] * MESSAGES_PER_SEND
    outcome = SendOutcome(results, ChatError(Code.BAD_CONVERSATION, details={"conversation": "x" * 22}))

    text = frames.send_answer("r" * 64, outcome, 2**48 - 1)

    assert len(text) <= EVENT_FRAME_BYTES
    shapes.demand("send_answer", json.loads(text))


def test_answers_to_a_sync_fit_their_schema() -> None:
    """A page with a token, the last page, and none where the socket is being closed."""
    token = PageToken(5, NAME).encode(Address(ALICE, DeviceId(1)))

    more = frames.sync_answer("1", Page(EVENTS, token=token), 7)
    last = frames.sync_answer(
        "1", Page((), caught_up=CaughtUp(9, 8, 3), ack_error=ChatError(Code.BAD_CONVERSATION)), 7
    )

    assert more is not None
    assert last is not None
    for text in (more, last):
        shapes.demand("sync_answer", json.loads(text))
    assert json.loads(last)["caught_up"]["previous_connect"] == 7
    assert [json.loads(text)["previous_connect"] for text in (more, last)] == [7, 7]
    assert "keys" not in json.loads(last)["caught_up"]
    assert frames.sync_answer("1", Page(()), 7) is None


def test_the_keys_that_are_left_are_told_where_they_were_asked_for() -> None:
    """Both numbers, beside the rest of ``caught_up``."""
    text = frames.sync_answer("1", Page((), caught_up=CaughtUp(9, 8, 3, Left(40, 0))), 7)

    assert text is not None
    shapes.demand("sync_answer", json.loads(text))
    assert json.loads(text)["caught_up"]["keys"] == {"one_time": 40, "one_time_kem": 0}


@pytest.mark.parametrize("code", Code)
def test_every_error_fits_its_schema(code: Code) -> None:
    """With and without a ref."""
    for ref in (None, "r"):
        frame = json.loads(frames.error_frame(ref, ChatError(code, details={"time": 1}, retry_after=1)))
        shapes.demand("error", frame)
        assert frame["error"]["code"] == code


def test_ciphertexts_go_out_as_they_came_in() -> None:
    """base64url both ways, any byte."""
    raw = bytes(range(256))
    frame = examples("send")[0]
    frame["messages"][0]["devices"] = {"1": base64url.encode(raw)}

    [message] = frames.parse_send(json.dumps(frame)).messages

    assert message.devices == {1: raw}
    assert frames.event_object(MessageEvent(NAME, BOB, raw))["ciphertext"] == base64url.encode(raw)
