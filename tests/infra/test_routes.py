"""``infra/routes.py`` against everything that has to agree with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from chat.domain.limits import limiter_of

from infra.routes import FUNCTIONS, HTTPS_FUNCTIONS, SOCKET_FUNCTIONS, Function, HttpsRoute, SocketRoute
from schemas.tables import TABLES, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


def _yaml(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "schemas" / name).read_text())
    return document


def _frames(function: Function) -> list[str]:
    """The client frames that reach the function."""
    return [
        route.key
        for route in function.routes
        if isinstance(route, SocketRoute) and not route.key.startswith("$")
    ]


def _https(function: Function) -> list[HttpsRoute]:
    return [route for route in function.routes if isinstance(route, HttpsRoute)]


def _file(pattern: str) -> Callable[[Function], Iterator[str]]:
    def missing(function: Function) -> Iterator[str]:
        path = pattern.format(name=function.name)
        if not (ROOT / path).is_file():
            yield path

    return missing


def _frame_schema(function: Function) -> Iterator[str]:
    for frame in _frames(function):
        if not (ROOT / f"schemas/messages/{frame}.schema.json").is_file():
            yield f"schemas/messages/{frame}.schema.json"


def _asyncapi_operation(function: Function) -> Iterator[str]:
    operations = _yaml("asyncapi.yaml")["operations"]
    for frame in _frames(function):
        if operations.get(frame, {}).get("action") != "receive":
            yield f"schemas/asyncapi.yaml: operations.{frame} with action receive"


def _openapi_operation(function: Function) -> Iterator[str]:
    paths = _yaml("openapi.yaml")["paths"]
    for route in _https(function):
        if route.method.lower() not in paths.get(route.path, {}):
            yield f"schemas/openapi.yaml: paths.{route.path}.{route.method.lower()}"


def _protocol_page(function: Function) -> Iterator[str]:
    page = (ROOT / "docs/protocol.md").read_text()
    for frame in _frames(function):
        if f"### `{frame}`" not in page:
            yield f"docs/protocol.md: a section headed `{frame}`"
    for route in _https(function):
        if not any(f"{route.path}`" in line and route.method in line for line in page.splitlines()):
            yield f"docs/protocol.md: a row with `{route.method} {route.path}`"


def _limiter(function: Function) -> Iterator[str]:
    for route in function.routes:
        key = route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}"
        try:
            limiter_of(key)
        except KeyError:
            yield f"chat/domain/limits.py: a limiter for {key}, or a reason for none"


# The parts that a route consists of. Each looks for its part and names what is missing.
PARTS: dict[str, Callable[[Function], Iterator[str]]] = {
    "handler": _file("functions/{name}/handler.py"),
    "package": _file("functions/{name}/__init__.py"),
    "use case": _file("layers/core/python/chat/usecases/{name}.py"),
    "unit test": _file("tests/unit/usecases/test_{name}.py"),
    "frame schema": _frame_schema,
    "AsyncAPI operation": _asyncapi_operation,
    "OpenAPI operation": _openapi_operation,
    "protocol page": _protocol_page,
    "limiter": _limiter,
}

# Functions that do without one of the parts, and why.
WITHOUT: dict[tuple[str, str], str] = {
    ("default", "use case"): "it only refuses; which error, the frame parser decides",
    ("default", "unit test"): "it only refuses; which error, the frame parser decides",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_route_is_complete(function: Function, part: str) -> None:
    """Every row of the table has its handler, use case, contracts, page and test; what lacks is named."""
    if (function.name, part) in WITHOUT:
        pytest.skip(WITHOUT[function.name, part])

    missing = list(PARTS[part](function))

    assert not missing, f"the route {function.name!r} lacks its {part}: {', '.join(missing)}"


def test_no_function_beside_the_table() -> None:
    """A folder under ``functions/`` that no row names would never be deployed."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}

    assert folders - {function.name for function in FUNCTIONS} == set()


def test_https_contract_and_table_hold_the_same_routes() -> None:
    """The OpenAPI document describes exactly the routes of the table."""
    described = {
        (method.upper(), path)
        for path, operations in _yaml("openapi.yaml")["paths"].items()
        for method in operations
        if method in ("get", "post", "put", "delete", "patch")
    }

    assert described == {
        (route.method, route.path) for function in HTTPS_FUNCTIONS for route in _https(function)
    }


def test_https_contract_and_table_agree_on_who_may_call() -> None:
    """A route is signed in the OpenAPI document if and only if the table says ``device``."""
    document = _yaml("openapi.yaml")
    default = document.get("security", [])
    signed = {
        (route.method, route.path): bool(
            document["paths"].get(route.path, {}).get(route.method.lower(), {}).get("security", default)
        )
        for function in HTTPS_FUNCTIONS
        for route in _https(function)
    }

    assert signed == {
        (route.method, route.path): route.auth == "device"
        for function in HTTPS_FUNCTIONS
        for route in _https(function)
    }


def test_socket_contract_and_table_hold_the_same_frames() -> None:
    """The AsyncAPI document lets a client send exactly the frames with a route, answered or not alike."""
    received = {
        name: "reply" in operation
        for name, operation in _yaml("asyncapi.yaml")["operations"].items()
        if operation["action"] == "receive"
    }

    assert received == {
        route.key: route.answers
        for function in SOCKET_FUNCTIONS
        for route in function.routes
        if isinstance(route, SocketRoute) and not route.key.startswith("$")
    }


def test_names_and_routes_are_unique() -> None:
    """No function and no route stands in the table twice."""
    names = [function.name for function in FUNCTIONS]
    routes = [route for function in FUNCTIONS for route in function.routes]

    assert len(names) == len(set(names))
    assert len(routes) == len(set(routes))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_rights_fit_the_tables(function: Function) -> None:
    """Rights name existing tables, and a conditional write, which reads its row, may read it too."""
    known = {spec.name for spec in TABLES}

    assert set(function.tables) <= known
    for name, verbs in function.tables.items():
        assert not (table(name).lwt and "modify" in verbs and "select" not in verbs), (
            f"{function.name} may change {name} but not read it: {name} is written by conditional statements"
        )


@pytest.mark.parametrize("function", HTTPS_FUNCTIONS, ids=lambda function: function.name)
def test_signed_requests_can_be_verified(function: Function) -> None:
    """Who takes signed requests may read the device's key, remember the nonce, and knows its own address."""
    if all(route.auth == "public" for route in _https(function)):
        pytest.skip("takes no signed request")

    assert "select" in function.tables.get("account_card", ())
    assert "modify" in function.tables.get("used_proofs", ())
    assert "AUDIENCE" in function.needs


def test_frames_with_acks_have_the_rights_of_ack() -> None:
    """``send`` and ``sync`` may carry acks, so they hold every right of ``ack``."""
    by_name = {function.name: function for function in SOCKET_FUNCTIONS}
    for carrier in (by_name["send"], by_name["sync"]):
        for name, verbs in by_name["ack"].tables.items():
            assert set(verbs) <= set(carrier.tables.get(name, ())), f"{carrier.name}: {name}"
        assert carrier.posts
