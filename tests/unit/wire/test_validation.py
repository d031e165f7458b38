"""Refusals of the schemas: the place and the rule, and nothing that the client said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat.errors import ChatError, Code
from chat.wire import validation

ALICE = "0198f0a0-0000-7000-8000-00000000a11c"
ID = "0198f0b1-2c3d-7abc-9def-0123456789ab"
SECRET = "hunter2"
CANARIES = (SECRET, "5" * 30, "Frank")


def send(**changes: Any) -> dict[str, Any]:
    """A good ``send`` frame with changes to its only message."""
    message = {"id": ID, "to": ALICE, "devices": {"1": "aGk"}} | changes
    return {"action": "send", "ref": "1", "messages": [message]}


def refusal(name: str, value: object) -> dict[str, Any]:
    """The details of the refusal."""
    with pytest.raises(ChatError) as refused:
        validation.check(name, value, Code.BAD_FRAME)
    assert refused.value.code is Code.BAD_FRAME
    return dict(refused.value.details or {})


@pytest.mark.parametrize(
    ("frame", "path", "rule"),
    [
        (send(id=SECRET), "messages[0].id", "pattern"),
        (send(to=None), "messages[0].to", "type"),
        (send(devices={"1": SECRET + "!"}), "messages[0].devices[1]", "pattern"),
        (send(devices={"1": ""}), "messages[0].devices[1]", "minLength"),
        (send(devices={SECRET: "aGk"}), "messages[0].devices", "propertyNames"),
        (send(devices={SECRET: 5}), "messages[0].devices.*", "type"),
        (send(devices={"9" * 5_000: 5}), "messages[0].devices.*", "type"),
        (send(devices={"\u0663": 5}), "messages[0].devices.*", "type"),
        (send(devices={f"{SECRET}.to": 5}), "messages[0].devices.*.to", "type"),
        (send(expires=SECRET), "messages[0].expires", "enum"),
        (send() | {"ref": SECRET * 10}, "ref", "pattern"),
        (send() | {"ack": {"read": {SECRET: 1}}}, "ack.read.*", "type"),
        ([], "", "type"),
    ],
)
def test_the_details_name_place_and_rule(frame: object, path: str, rule: str) -> None:
    """A name that the client chose is a star, a device number stays."""
    assert refusal("send", frame) == {"path": path, "rule": rule}


def strings(node: Any) -> list[str]:
    """Every value and every name inside ``node``."""
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in (key, *strings(value))]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [str(node)]


def test_no_value_or_name_of_the_client_comes_back() -> None:
    """The canary stands in every place of a frame in turn, as a value and as a name; it is never echoed."""
    good = send(own={"2": "aGk"}) | {
        "ack": {"delivered": [[ID, f"{ALICE}:1"]], "read": {"nQEEnRgRB97Ri_6qwgTnhA": [[ID, f"{ALICE}:1"]]}}
    }
    text = json.dumps(good)
    refusals: list[dict[str, Any]] = []
    for word in set(strings(good)):
        for canary in CANARIES:
            frame = json.loads(text.replace(json.dumps(word), json.dumps(canary)))
            refusals += [refusal("send", frame)] if not _fits(frame) else []
    assert len(refusals) > 20
    assert not any(canary in json.dumps(refusals) for canary in CANARIES)


def _fits(frame: object) -> bool:
    try:
        validation.check("send", frame, Code.BAD_FRAME)
    except ChatError:
        return False
    return True


@pytest.mark.parametrize(
    "text", [ALICE + "\n", ALICE.upper(), ALICE + " ", "", "..%2f" + ALICE, ALICE[:-1] + "\u0661"]
)
def test_a_type_is_matched_as_a_whole(text: str) -> None:
    """A trailing newline, another case or a look-alike digit is no account id."""
    with pytest.raises(ChatError):
        validation.check_type("account", text, Code.BAD_REQUEST)
