"""The three functions of a handshake as API Gateway calls them."""

from __future__ import annotations

from typing import Any

import pytest
from chat.domain.ids import DeviceId

from tests.fakes.events import frame, handshake, proof
from tests.fakes.handlers import call
from tests.fakes.world import NOW, World, address


def effect(answer: dict[str, Any]) -> str:
    """Allow or Deny."""
    effect: str = answer["policyDocument"]["Statement"][0]["Effect"]
    return effect


def test_the_context_is_the_identity_of_all_later_frames(world: World) -> None:
    """All of it strings, as API Gateway wants; the policy is for this connect alone."""
    alice = address(world.account("alice"))
    world.connect_numbers.last[alice] = NOW - 5
    event = handshake(proof(alice, world.keys[alice], NOW))

    answer = call("authorize", event)

    assert effect(answer) == "Allow"
    assert answer["context"] == {
        "account": alice.account,
        "device": "1",
        "connect_number": str(NOW),
        "previous_number": str(NOW - 5),
    }
    assert answer["policyDocument"]["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
    ]


@pytest.mark.parametrize("shown", [None, "", "garbage"])
def test_a_denial_names_nobody(world: World, shown: str | None) -> None:
    """Deny, with an empty context; nothing is read for what is no proof."""
    reads = world.cards.reads

    answer = call("authorize", handshake(shown))

    assert (effect(answer), answer["principalId"], answer["context"]) == ("Deny", "nobody", {})
    assert world.cards.reads == reads


@pytest.mark.parametrize("header", ["Origin", "origin", "ORIGIN"])
@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://app.example", "Allow"), ("https://evil.test", "Deny"), ("null", "Deny")]
)
def test_the_origin_is_found_in_any_case(world: World, header: str, origin: str, allowed: str) -> None:
    """HTTP/1 clients choose the case of header names."""
    alice = address(world.account("alice"))

    answer = call("authorize", handshake(proof(alice, world.keys[alice], NOW), **{header: origin}))

    assert effect(answer) == allowed


def test_connect_answers_with_a_status_alone(world: World) -> None:
    """200 and a row; 403 and none for a device that was removed meanwhile."""
    alice = world.account("alice", 2)
    first, second = (world.online(alice, device) for device in (1, 2))
    world.connections.rows.clear()
    world.cards.replace(world.cards.lists[alice].without(DeviceId(2)))

    assert call("connect", frame(first, "")) == {"statusCode": 200}
    assert call("connect", frame(second, "")) == {"statusCode": 403}
    assert world.connections.rows == {first}


def test_disconnect_forgets_the_socket(world: World) -> None:
    """Its own row."""
    alice = world.account("alice")
    old, new = world.online(alice, name="old"), world.online(alice, name="new")

    assert call("disconnect", frame(old, "")) == {"statusCode": 200}
    assert world.connections.rows == {new}
