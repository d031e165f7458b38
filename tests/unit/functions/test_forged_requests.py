"""Requests that a device seems to have signed, on every route that wants a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.routes import FUNCTIONS, HttpsRoute
from tests.fakes import prekeys
from tests.fakes.events import authorization, body_bytes, https
from tests.fakes.handlers import body_of, call
from tests.fakes.scene import FUNCTION_OF, Scene, outcome, removal, statement
from tests.fakes.world import NOW, World, address

DEVICE_ROUTES = [
    route
    for function in FUNCTIONS
    for route in function.routes
    if isinstance(route, HttpsRoute) and route.auth == "device"
]


@dataclass(frozen=True, slots=True)
class Target:
    """A request of alice to one of the device routes, as she would sign it."""

    route: HttpsRoute
    path: str
    body: object
    parameters: dict[str, str]

    @property
    def key(self) -> str:
        """The route key."""
        return f"{self.route.method} {self.route.path}"

    def event(self, header: str, **changes: Any) -> dict[str, Any]:
        """The event with that header."""
        asked = {"path": self.path, "body": self.body} | changes
        return https(self.key, asked["path"], asked["body"], header, self.parameters)


def target(scene: Scene, route: HttpsRoute) -> Target:
    """A request that would change or show something of alice."""
    parameters = {"account": scene.bob, "handle": "bob", "device": "2"}
    used = {name: value for name, value in parameters.items() if f"{{{name}}}" in route.path}
    path = route.path.format(**used)
    by_alice = address(scene.alice)
    bodies = {
        "/v1/devices": statement(scene, by_alice),
        "/v1/keys": prekeys.body(scene.prekeys(by_alice)),
        "/v1/keys/claim": {"account": scene.alice, "devices": [2]},
    }
    body = bodies[route.path] if route.path in bodies and route.method != "GET" else None
    if route.method == "DELETE" and "device" in used:
        body = removal(scene, by_alice, 2)
    return Target(route, path, body, used)


def _signed(scene: Scene, aim: Target, **changes: Any) -> str:
    """Alice's header, or one that differs in what ``changes`` says."""
    asked: dict[str, Any] = {"method": aim.route.method, "path": aim.path, "body": aim.body} | changes
    device = asked.pop("device", address(scene.alice))
    return authorization(scene.world, device, **asked)


FORGERIES: dict[str, tuple[str, Callable[[Scene, Target], dict[str, Any]]]] = {
    "unsigned": ("UNAUTHENTICATED", lambda s, t: t.event("")),
    "signed by another account": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t, key=s.world.keys[address(s.mallory)])),
    ),
    "signed by another device of the account": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t, key=s.world.keys[address(s.alice, 2)])),
    ),
    "captured, shown as another device": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t).replace(f"{s.alice}:1:", f"{s.alice}:2:")),
    ),
    "captured, shown as another account": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t).replace(s.alice, s.mallory)),
    ),
    "signed for another server": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t, audience="evil.test:443")),
    ),
    "signed for another method": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t, method="PATCH", nonce="-" if t.route.method == "GET" else "")),
    ),
    "signed for another path": ("UNAUTHENTICATED", lambda s, t: t.event(_signed(s, t, path=t.path + "/"))),
    "signed without the query": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t), path=t.path + "?a=1"),
    ),
    "signed for another body": ("UNAUTHENTICATED", lambda s, t: t.event(_signed(s, t, body=b"{}"))),
    "the body changed": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t), body=body_bytes(t.body) + b" "),
    ),
    "the time changed": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t).replace(f":{NOW}:", f":{NOW + 1}:")),
    ),
    "the nonce changed": (
        "UNAUTHENTICATED",
        lambda s, t: t.event(_signed(s, t).replace("AAAAAAAA:", "AAAAAAAQ:").replace(":-:", ":A:")),
    ),
    "a time long ago": ("CLOCK_SKEW", lambda s, t: t.event(_signed(s, t, time=NOW - 60_001))),
    "a time to come": ("CLOCK_SKEW", lambda s, t: t.event(_signed(s, t, time=NOW + 60_001))),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_forged_request_is_served(world: World, route: HttpsRoute, forgery: str) -> None:
    """On each route that wants a device's signature: the code, and nothing changes or is told."""
    scene = Scene(world)
    code, forge = FORGERIES[forgery]
    aim = target(scene, route)
    before = scene.belongings()

    answer = call(FUNCTION_OF[aim.key], forge(scene, aim))

    assert (answer["statusCode"], outcome(answer)) == (401, code)
    assert set(body_of(answer)) == {"error"}
    assert scene.belongings() == before


@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_captured_request_works_once(world: World, route: HttpsRoute) -> None:
    """The control: alice's own request is served; shown again it is REPLAYED where it changes something."""
    scene = Scene(world)
    aim = target(scene, route)
    event = aim.event(_signed(scene, aim))

    first, second = (outcome(call(FUNCTION_OF[aim.key], event)) for _ in range(2))

    assert (first, second) == ("ok", "ok" if route.method == "GET" else "REPLAYED")


@pytest.mark.parametrize("route", DEVICE_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_removed_device_is_served_nowhere(world: World, route: HttpsRoute) -> None:
    """DEVICE_REMOVED, from the moment that the list says so."""
    scene = Scene(world)
    aim, second = target(scene, route), address(scene.alice, 2)
    world.cards.replace(world.cards.lists[scene.alice].without(second.device))

    answer = call(FUNCTION_OF[aim.key], aim.event(_signed(scene, aim, device=second)))

    assert (answer["statusCode"], outcome(answer)) == (401, "DEVICE_REMOVED")
