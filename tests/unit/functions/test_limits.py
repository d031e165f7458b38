"""Limits at the door: every route has one, what is refused does nothing, and who hammers loses the socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat.domain import base64url, signed_bytes
from chat.domain.ids import Address
from chat.domain.limits import CONNECT, LIMITERS, REFUSALS, UNLIMITED, UNREADABLE, Limiter, limiter_of
from chat.entrypoint import https_routes, socket_route
from chat.ports.storage import StorageUnavailable
from chat.wire import frames
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.routes import AUTHORIZER, FUNCTIONS, SOCKET_FUNCTIONS, HttpsRoute, SocketRoute
from tests.fakes.events import authorization, frame, handshake, https, proof
from tests.fakes.handlers import body_of, call
from tests.fakes.scene import FUNCTION_OF, Scene, effect
from tests.fakes.world import AUDIENCE, NOW, World, address

WAIT = 7_210
ROUTES = [
    (route, route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}")
    for function in FUNCTIONS
    for route in function.routes
]
FRAMES = [
    key for route, key in ROUTES if isinstance(route, SocketRoute) and key not in ("$connect", "$disconnect")
]
HTTPS = [key for route, key in ROUTES if isinstance(route, HttpsRoute) and key not in UNLIMITED]


class Refusing:
    """Limits that refuse all but the counting of refusals, and note who asked for how much."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    def take(self, limiter: Limiter, subject: str, now: int, tokens: int = 1) -> int:
        if limiter is REFUSALS:
            return 0
        self.asked.append((limiter.name, subject, tokens))
        return WAIT

    def rule(self, limiter: Limiter) -> Limiter:
        return limiter


@pytest.fixture
def scene(world: World) -> Scene:
    """Alice, bob and mallory."""
    return Scene(world)


def refusal(scene: Scene, route: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The error frame, in the answer or posted."""
    body: dict[str, Any] = (
        body_of(answer) if "body" in answer else scene.world.sockets.frames[scene.me.connection_id].pop(0)
    )
    return body


def test_every_route_was_decided_on() -> None:
    """It has a limiter or a reason for none, and no limiter is for a route that does not exist."""
    keys = {key for _, key in ROUTES}

    for key in keys:
        limiter_of(key)
    assert {route for limiter in LIMITERS for route in limiter.routes} | set(UNLIMITED) == keys


def test_a_route_without_a_limiter_does_not_come_into_being() -> None:
    """Whoever adds one and forgets finds out at the first import."""
    with pytest.raises(KeyError):
        socket_route("error", frames.parse_unknown, lambda *_: None, answers=True, schema="send")
    with pytest.raises(KeyError):
        https_routes("x", device={"GET /v1/everything": lambda *_: {}})


@pytest.mark.parametrize("route", FRAMES)
def test_a_limited_frame_is_refused_under_its_ref(scene: Scene, route: str) -> None:
    """RATE_LIMITED with the seconds to wait, rounded up; nothing of it is done, for good frames and bad."""
    before = scene.belongings()
    scene.world.limits = Refusing()  # type: ignore[assignment]
    good = {
        "send": {"messages": [{"id": scene.message.id, "to": scene.bob, "devices": {"1": "aGk"}}]},
        "ack": {"ack": {"delivered": [scene.name]}},
        "sync": {},
        "$default": {},
    }[route]
    for body in (good, {"messages": 5, "ack": 5, "token": 5}):
        text = json.dumps({"action": route, "ref": "9", **body})

        answer = refusal(scene, route, call(FUNCTION_OF[route], frame(scene.me, text)))

        assert (answer["ref"], answer["error"]["code"]) == ("9", "RATE_LIMITED")
        assert answer["error"]["retry_after"] == 7.3
    assert scene.belongings() == before
    assert scene.world.limits.asked == [(limiter_of(route).name, str(scene.me.address), 1)] * 2  # type: ignore[union-attr,attr-defined]


def register(scene: Scene) -> dict[str, Any]:
    """A registration that is good in all else."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    signature = base64url.encode(key.sign(signed_bytes.register(AUDIENCE, "dora", public, NOW)))
    body = {
        "handle": "dora",
        "auth_key": base64url.encode(public),
        "name": "x",
        "time": NOW,
        "signature": signature,
        "verification": {"method": "open"},
    }
    return call("register", https("POST /v1/register", "/v1/register", body))


def poll(_scene: Scene) -> dict[str, Any]:
    """A new device that asks whether it was taken in."""
    key = base64url.encode(b"k" * 32)
    route = "GET /v1/links/{key}"
    return call("devices", https(route, f"/v1/links/{key}", parameters={"key": key}))


def request_code(_scene: Scene) -> dict[str, Any]:
    """A phone number that wants a code."""
    body = {"number": "+12015550123", "auth_key": base64url.encode(b"k" * 32)}
    return call("codes", https("POST /v1/codes", "/v1/codes", body))


@pytest.mark.parametrize("route", HTTPS)
def test_a_limited_request_is_refused_with_429(scene: Scene, route: str) -> None:
    """The body says how long in tenths of a second, the header in whole ones; nothing is done."""
    before = scene.belongings()
    scene.world.limits = Refusing()  # type: ignore[assignment]
    public = {"POST /v1/register": register, "GET /v1/links/{key}": poll, "POST /v1/codes": request_code}

    answer = public[route](scene) if route in public else scene.ask(route, route.partition(" ")[2], {"a": 1})

    assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (429, "RATE_LIMITED")
    assert body_of(answer)["error"]["retry_after"] == 7.3
    assert answer["headers"]["retry-after"] == "8"
    assert scene.belongings() == before
    assert "dora" not in scene.world.handles.claims


@pytest.mark.parametrize("route", [key for key in HTTPS if limiter_of(key).kept == "row"])  # type: ignore[union-attr]
def test_a_closed_limiter_refuses_while_the_store_is_down(scene: Scene, route: str) -> None:
    """UNAVAILABLE: an attacker who loads the store lifts no limit."""
    before = scene.belongings()
    scene.world.limit_rows.fails = StorageUnavailable("x")

    public = {"POST /v1/register": register, "POST /v1/codes": request_code}

    answer = public[route](scene) if route in public else scene.ask(route, route.partition(" ")[2])

    assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (503, "UNAVAILABLE")
    assert scene.belongings() == before


@pytest.mark.parametrize("route", FRAMES)
def test_an_open_limiter_lets_pass_while_the_store_is_down(scene: Scene, route: str) -> None:
    """All sixty ask the store and none is refused for its silence."""
    scene.world.limit_rows.fails = StorageUnavailable("x")
    scene.world.limits._is_drawn = lambda: True  # type: ignore[method-assign]
    text = json.dumps({"action": route, "ref": "9"})

    for _ in range(60):
        call(FUNCTION_OF[route], frame(scene.me, text))

    errors = [f["error"]["code"] for f in scene.world.sockets.frames.get(scene.me.connection_id, [])]
    assert "RATE_LIMITED" not in errors
    assert scene.world.limit_rows.calls == (0 if route == "$default" else 60)


@pytest.mark.parametrize(
    ("function", "body", "tokens"),
    [
        ("send", {"messages": 3}, 3),
        ("send", {"messages": 1, "names": 64}, 3),
        ("ack", {"names": 31}, 1),
        ("ack", {"names": 32}, 2),
        ("sync", {}, 1),
        ("sync", {"names": 256}, 9),
    ],
)
def test_what_a_frame_costs(scene: Scene, function: str, body: dict[str, int], tokens: int) -> None:
    """Each message one, every 32 names that are acknowledged one; any other frame one."""
    limits = Refusing()
    scene.world.limits = limits  # type: ignore[assignment]
    sent: dict[str, Any] = {"action": function, "ref": "1"}
    if messages := body.get("messages"):
        made = [scene.world.message(scene.bob) for _ in range(messages)]
        sent["messages"] = [{"id": m.id, "to": m.to, "devices": {"1": "aGk"}} for m in made]
    if names := body.get("names"):
        half = [scene.name] * (names // 2)
        sent["ack"] = {"quiet": half, "read": {"A" * 22: [scene.name] * (names - len(half))}}

    call(function, frame(scene.me, sent))

    assert limits.asked == [(function, str(scene.me.address), tokens)]


@pytest.mark.parametrize("text", ["", "[]", b"\xff", '{"action":"send"}'])
def test_who_sends_nothing_readable_is_limited_too(scene: Scene, text: Any) -> None:
    """After a burst of it the answer is RATE_LIMITED; other devices are not."""
    codes = [
        body_of(call("default", frame(scene.me, text)))["error"]["code"] for _ in range(UNREADABLE.burst + 1)
    ]

    assert codes[-1] == "RATE_LIMITED"
    assert "RATE_LIMITED" not in codes[:-1]
    other = body_of(call("default", frame(scene.sockets[address(scene.bob)], text)))
    assert other["error"]["code"] != "RATE_LIMITED"


class TestHammering:
    """Going on when one is refused."""

    @pytest.mark.parametrize("route", FRAMES)
    def test_the_socket_is_closed(self, scene: Scene, route: str) -> None:
        """After 20 refusals: it is told why and when to come back, and closed; no other socket is."""
        world, me = scene.world, scene.me
        world.limits._memory.empty(limiter_of(route), str(me.address), NOW, 60_000)
        text = json.dumps({"action": route, "ref": "9"})

        answers = [call(FUNCTION_OF[route], frame(me, text)) for _ in range(REFUSALS.burst)]
        assert world.sockets.closed == []
        assert all(refusal(scene, route, answer)["error"]["code"] == "RATE_LIMITED" for answer in answers)

        assert call(FUNCTION_OF[route], frame(me, text)) == {"statusCode": 200}
        assert world.sockets.closed == [me.connection_id]
        [told] = world.sockets.events(me.connection_id)
        assert told == {"type": "session_closed", "reason": "RATE_LIMITED", "retry_after": 30}

    def test_who_waits_between_refusals_keeps_the_socket(self, scene: Scene) -> None:
        """A refusal every three seconds is no hammering, for however long."""
        world, me = scene.world, scene.me
        for _ in range(200):
            world.limits._memory.empty(limiter_of("sync"), str(me.address), world.time, 60_000)
            call("sync", frame(me, {"action": "sync", "ref": "9"}))
            world.time += REFUSALS.refill_ms

        assert world.sockets.closed == []

    def test_who_waits_as_told_never_hammers(self, scene: Scene) -> None:
        """However small the frames are and soon a token would be there: the told wait keeps the socket."""
        world, me = scene.world, scene.me
        refusals = 0
        for _ in range(2_000):
            answer = body_of(call("sync", frame(me, {"action": "sync", "ref": "9"})))
            if "error" in answer:
                refusals += 1
                world.time += round(1_000 * answer["error"]["retry_after"])

        assert refusals > 10
        assert world.sockets.closed == []

    def test_a_socket_that_does_not_close_is_refused_on(self, scene: Scene) -> None:
        """The gateway is busy: the next frame tries again."""
        world, me = scene.world, scene.me
        world.limits._memory.empty(limiter_of("sync"), str(me.address), NOW, 60_000)
        world.sockets.refuses_to_close.add(me.connection_id)
        text = json.dumps({"action": "sync", "ref": "9"})

        answers = [call("sync", frame(me, text)) for _ in range(REFUSALS.burst + 2)]

        assert all(body_of(answer)["error"]["code"] == "RATE_LIMITED" for answer in answers)


def test_every_function_of_frames_may_close_sockets() -> None:
    """It needs the right, and the one to post why."""
    for function in SOCKET_FUNCTIONS:
        if any(route.key in FRAMES for route in function.routes if isinstance(route, SocketRoute)):
            assert function.posts, function.name
            assert function.closes, function.name


class TestConnecting:
    """Too many handshakes."""

    def connect(self, world: World, number: int) -> str:
        """A handshake of alice."""
        alice = next(iter(world.keys))
        return effect(call(AUTHORIZER, handshake(proof(alice, world.keys[alice], number))))

    def devices(self, world: World, by: Address) -> dict[str, Any]:
        """The device list, as a device asks for it."""
        signed = authorization(world, by, "GET", "/v1/devices")
        return body_of(call("devices", https("GET /v1/devices", "/v1/devices", authorization=signed)))

    def test_a_limited_handshake_is_denied_and_the_reason_is_told_over_https(self, world: World) -> None:
        """Until the time that the device list says; before there is nothing to tell."""
        alice = address(world.account("alice"))
        assert [self.connect(world, NOW + i) for i in range(CONNECT.burst)] == ["Allow"] * CONNECT.burst

        assert self.connect(world, NOW + 1_000) == "Deny"
        assert self.devices(world, alice)["connect_after"] == CONNECT.refill_ms / 1000
        world.time += CONNECT.refill_ms
        assert "connect_after" not in self.devices(world, alice)
        assert self.connect(world, NOW + 1_000) == "Allow"

    def test_forged_proofs_take_no_tokens(self, world: World) -> None:
        """Nobody can keep another device out."""
        alice, mallory = address(world.account("alice")), address(world.account("mallory"))
        for i in range(2 * CONNECT.burst):
            forged = proof(alice, world.keys[mallory], NOW + i)
            assert effect(call(AUTHORIZER, handshake(forged))) == "Deny"

        assert self.connect(world, NOW) == "Allow"
