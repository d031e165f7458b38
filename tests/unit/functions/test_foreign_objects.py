"""Every route, called by somebody for what belongs to others.

Mallory has an account and a device of her own, so she is let in everywhere; nothing of alice or bob may
change or become known by it. Every route of ``infra/routes.py`` needs an attack here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from chat.domain import base64url, signed_bytes
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId, MessageName
from chat.domain.page_token import PageToken
from chat.ports.connections import Connection

from infra.routes import AUTHORIZER
from tests.fakes import prekeys
from tests.fakes.events import frame, handshake, https, proof
from tests.fakes.handlers import body_of, call
from tests.fakes.scene import FUNCTION_OF, Scene, key_of, outcome, removal, statement
from tests.fakes.world import AUDIENCE, NOW, World, address

Attack = Callable[[Scene], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """An attack on a route, and what is answered: a code, ``ok``, or the effect of the handshake."""

    route: str
    run: Attack
    answer: str


ATTACKS: list[Row] = []


def attack(route: str, answer: str) -> Callable[[Attack], Attack]:
    """Add a function to the table; its docstring says what mallory is after."""

    def add(run: Attack) -> Attack:
        ATTACKS.append(Row(route, run, answer))
        return run

    return add


# -- the socket ----------------------------------------------------------------------------------


@attack("authorize", "Deny")
def captured_proof(scene: Scene) -> dict[str, Any]:
    """A captured proof again."""
    return call(AUTHORIZER, scene.handshake)


@attack("authorize", "Deny")
def proof_for_another(scene: Scene) -> dict[str, Any]:
    """Another's name, signed by oneself."""
    mine = scene.world.keys[address(scene.mallory)]
    return call(AUTHORIZER, handshake(proof(address(scene.alice), mine, NOW)))


@attack("authorize", "Deny")
def proof_with_the_name_changed(scene: Scene) -> dict[str, Any]:
    """A good proof with the name changed."""
    mine = scene.world.keys[address(scene.mallory)]
    shown = proof(address(scene.alice), mine, NOW, signed_for=address(scene.mallory))
    return call(AUTHORIZER, handshake(shown))


@attack("$connect", "ok")
def forged_handshake(scene: Scene) -> dict[str, Any]:
    """Another's name in the request."""
    event = frame(scene.me, {"account": scene.alice, "device": "1"})
    event["queryStringParameters"] = {"account": scene.alice, "device": "1"}
    return call("connect", event)


@attack("$disconnect", "ok")
def foreign_connection_id(scene: Scene) -> dict[str, Any]:
    """Another's connection."""
    victim = scene.sockets[address(scene.alice)]
    mine = Connection(scene.mallory, DeviceId(1), ConnectionId(victim.connection_id), NOW)
    return call("disconnect", frame(mine, ""))


@attack("$default", "UNKNOWN_ACTION")
def unknown_action_for_another(scene: Scene) -> dict[str, Any]:
    """An action that names another."""
    return call("default", frame(scene.me, {"action": "remove", "ref": "1", "account": scene.alice}))


def message(scene: Scene, **changes: Any) -> dict[str, Any]:
    """A good message of mallory to alice, with changes."""
    made = {"id": scene.message.id, "to": scene.alice, "devices": {"1": "aGk", "2": "aGk"}}
    return {"messages": [made | changes]}


@attack("send", "ok")
def id_of_another(scene: Scene) -> dict[str, Any]:
    """The id of another's message."""
    return scene.send_as_me("send", message(scene, to=scene.bob, devices={"1": "aGk"}))


@attack("send", "ok")
def sender_of_another(scene: Scene) -> dict[str, Any]:
    """Another's name as the sender."""
    forged = {"sender": f"{scene.alice}:1", "from": scene.alice, "account": scene.alice}
    return scene.send_as_me("send", message(scene, to=scene.bob, devices={"1": "aGk"}, **forged) | forged)


@attack("send", "DEVICE_LIST_STALE")
def copies_for_devices_of_another(scene: Scene) -> dict[str, Any]:
    """Copies for devices of others."""
    return scene.send_as_me("send", message(scene, own={"2": "aGk"}))


@attack("send", "ok")
def ack_on_a_send(scene: Scene) -> dict[str, Any]:
    """An ack of another's row that rides along."""
    return scene.send_as_me(
        "send", message(scene) | {"ack": {"delivered": [scene.name], "quiet": [scene.name]}}
    )


@attack("ack", "ok")
def ack_of_another(scene: Scene) -> dict[str, Any]:
    """Another's row."""
    read = {"delivered": [scene.name], "quiet": [scene.name], "account": scene.bob, "device": 1}
    return scene.send_as_me("ack", {"ack": read, "account": scene.bob, "device": 1})


@attack("sync", "BAD_TOKEN")
def token_of_another(scene: Scene) -> dict[str, Any]:
    """Another's token."""
    token = PageToken(NOW, MessageName(scene.message.id, "")).encode(address(scene.bob))
    return scene.send_as_me("sync", {"token": token})


@attack("sync", "ok")
def inbox_of_another(scene: Scene) -> dict[str, Any]:
    """Another's inbox and receipts."""
    return scene.send_as_me(
        "sync",
        {
            "account": scene.bob,
            "device": 1,
            "unreceipted": {scene.bob: [scene.name], scene.alice: [scene.name]},
            "ack": {"quiet": [scene.name]},
        },
    )


# -- HTTPS ---------------------------------------------------------------------------------------


def registration(scene: Scene, handle: str, key: bytes, signer: Address) -> dict[str, Any]:
    """Register as mallory or in another's name."""
    text = signed_bytes.register(AUDIENCE, handle, key, NOW)
    body = {
        "handle": handle,
        "auth_key": base64url.encode(key),
        "name": "x",
        "time": NOW,
        "signature": base64url.encode(scene.world.keys[signer].sign(text)),
        "verification": {"method": "open"},
        "account": scene.alice,
        "device": 1,
    }
    return call("register", https("POST /v1/register", "/v1/register", body))


@attack("POST /v1/register", "HANDLE_TAKEN")
def handle_of_another(scene: Scene) -> dict[str, Any]:
    """Another's handle."""
    mine = address(scene.mallory)
    return registration(scene, "alice", key_of(scene, mine), mine)


@attack("POST /v1/register", "UNAUTHENTICATED")
def key_of_another(scene: Scene) -> dict[str, Any]:
    """Another's key."""
    return registration(scene, "alice", key_of(scene, address(scene.alice)), address(scene.mallory))


@attack("POST /v1/devices", "UNAUTHENTICATED")
def statement_of_another(scene: Scene) -> dict[str, Any]:
    """The signature of another's device, for the own list."""
    body = statement(scene, address(scene.alice), account=scene.mallory)
    return scene.ask("POST /v1/devices", "/v1/devices", body)


@attack("DELETE /v1/devices/{device}", "NOT_FOUND")
def device_of_another(scene: Scene) -> dict[str, Any]:
    """Another's device."""
    body = removal(scene, address(scene.mallory), 2)
    return scene.ask("DELETE /v1/devices/{device}", "/v1/devices/2", body, device="2")


@attack("GET /v1/devices", "ok")
def own_list_only(scene: Scene) -> dict[str, Any]:
    """Another's list."""
    return scene.ask("GET /v1/devices", f"/v1/devices?account={scene.alice}")


@attack("GET /v1/account", "ok")
def own_account_only(scene: Scene) -> dict[str, Any]:
    """Another's account."""
    return scene.ask("GET /v1/account", f"/v1/account?account={scene.alice}")


@attack("GET /v1/links/{key}", "NOT_FOUND")
def key_that_waits_nowhere(scene: Scene) -> dict[str, Any]:
    """The key of another's device."""
    key = base64url.encode(key_of(scene, address(scene.alice)))
    return call("devices", https("GET /v1/links/{key}", f"/v1/links/{key}", parameters={"key": key}))


@attack("POST /v1/codes", "ok")
def code_for_another(scene: Scene) -> dict[str, Any]:
    """A code that names another's account and goes to one's own phone: who has an account plays no part."""
    key = base64url.encode(key_of(scene, address(scene.alice)))
    body = {"number": "+12015550123", "auth_key": key, "handle": "alice", "account": scene.alice}
    return call("codes", https("POST /v1/codes", "/v1/codes", body))


@attack("GET /v1/accounts/{account}", "ok")
def public_part(scene: Scene) -> dict[str, Any]:
    """More than is public."""
    return scene.ask("GET /v1/accounts/{account}", f"/v1/accounts/{scene.alice}", account=scene.alice)


@attack("GET /v1/accounts/{account}/chain", "ok")
def public_chain(scene: Scene) -> dict[str, Any]:
    """More of the chain than is public."""
    path = f"/v1/accounts/{scene.alice}/chain"
    return scene.ask("GET /v1/accounts/{account}/chain", path, account=scene.alice)


@attack("GET /v1/handles/{handle}", "ok")
def public_part_by_handle(scene: Scene) -> dict[str, Any]:
    """More than is public."""
    return scene.ask("GET /v1/handles/{handle}", "/v1/handles/alice", handle="alice")


@attack("GET /.well-known/heliograph", "ok")
def discovery(scene: Scene) -> dict[str, Any]:
    """It knows nobody."""
    path = f"/.well-known/heliograph?account={scene.alice}"
    return call("discovery", https("GET /.well-known/heliograph", path))


@attack("GET /v1/keys", "ok")
def keys_left_by_another(scene: Scene) -> dict[str, Any]:
    """How many keys another has."""
    return scene.ask("GET /v1/keys", f"/v1/keys?account={scene.alice}&device=1")


@attack("PUT /v1/keys", "BAD_KEY")
def keys_made_for_another(scene: Scene) -> dict[str, Any]:
    """Own keys in the place of another's, named and signed as hers."""
    victim = address(scene.alice)
    mine = prekeys.some(scene.world.keys[address(scene.mallory)], victim, one_time=[99], signed=9)
    return scene.ask("PUT /v1/keys", "/v1/keys", prekeys.body(mine) | {"account": scene.alice, "device": 1})


@attack("PUT /v1/keys", "BAD_KEY")
def keys_signed_by_another(scene: Scene) -> dict[str, Any]:
    """Another's keys shown as own ones, so that what is written to oneself looks written to her."""
    return scene.ask("PUT /v1/keys", "/v1/keys", prekeys.body(scene.prekeys(address(scene.alice))))


@attack("POST /v1/keys/claim", "ok")
def keys_of_nobody(scene: Scene) -> dict[str, Any]:
    """Keys of devices that an account does not have."""
    return scene.ask(
        "POST /v1/keys/claim", "/v1/keys/claim", {"account": scene.alice, "devices": [3, 32_767], "own": [1]}
    )


def decide(scene: Scene, route: str, peer: AccountId) -> dict[str, Any]:
    """Decide about ``peer``, in the name of alice as far as a body can say so."""
    path = route.partition(" ")[2].replace("{account}", peer)
    return scene.ask(route, path, {"account": scene.alice, "by": f"{scene.alice}:1"}, account=peer)


@attack("PUT /v1/account/blocks/{account}", "ok")
def block_as_another(scene: Scene) -> dict[str, Any]:
    """Block somebody as another."""
    return decide(scene, "PUT /v1/account/blocks/{account}", scene.bob)


@attack("DELETE /v1/account/blocks/{account}", "ok")
def block_of_another(scene: Scene) -> dict[str, Any]:
    """Lift another's block of oneself."""
    return decide(scene, "DELETE /v1/account/blocks/{account}", scene.bob)


@attack("PUT /v1/account/accepted/{account}", "ok")
def accepted_by_another(scene: Scene) -> dict[str, Any]:
    """Make another accept oneself."""
    return decide(scene, "PUT /v1/account/accepted/{account}", scene.alice)


@pytest.mark.parametrize("route", FUNCTION_OF)
def test_every_route_has_an_attack(route: str) -> None:
    """A new route of ``infra/routes.py`` fails here by its name until somebody attacks it."""
    assert [row for row in ATTACKS if row.route == route], f"no attack on {route!r} in ATTACKS"


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: f"{row.route}: {row.run.__doc__}")
def test_nothing_of_others_changes(world: World, row: Row) -> None:
    """The answer is the expected one; lists, rows, relations, sockets of alice and bob are as before."""
    scene = Scene(world)
    before = scene.belongings()

    answer = row.run(scene)

    assert outcome(answer) == row.answer
    assert scene.belongings() == before


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: f"{row.route}: {row.run.__doc__}")
def test_nothing_of_others_is_told(world: World, row: Row) -> None:
    """No ciphertext, no name of a device, no block of alice or bob in the answer or on mallory's socket."""
    scene = Scene(world)

    told = json.dumps([row.run(scene), world.sockets.events(scene.me.connection_id)])

    assert "alice 1" not in told
    assert base64url.encode(b"for 1") not in told
    assert base64url.encode(b"own 2") not in told


def test_the_public_part_of_an_account_is_that_alone(world: World) -> None:
    """Handle, version, the keys of its devices, and how they came about."""
    scene = Scene(world)

    body = body_of(public_part(scene))

    assert set(body) == {"account", "handle", "version", "devices", "chain"}
    assert {field for device in body["devices"] for field in device} == {"device", "auth_key", "added_at"}
    assert body == body_of(public_part_by_handle(scene))
    entries = body_of(public_chain(scene)).pop("entries")
    assert body_of(public_chain(scene)) == body | {"entries": entries}
    said = {"number", "change", "device", "auth_key", "signer", "time", "signature"}
    assert {field for entry in entries for field in entry} == said


def test_mallory_decides_for_herself(world: World) -> None:
    """The control: what she signs for herself is served, so the refusals above refuse for their reason."""
    scene = Scene(world)

    assert body_of(own_account_only(scene))["handle"] == "mallory"
    assert (
        outcome(scene.ask("POST /v1/devices", "/v1/devices", statement(scene, address(scene.mallory))))
        == "ok"
    )
    for row in ATTACKS:
        if "/v1/account/" in row.route:
            assert outcome(row.run(Scene(world))) == "ok"
