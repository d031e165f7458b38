"""What all handlers share: who calls, what becomes of an exception, what is answered and what is posted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chat import entrypoint, observability
from chat.entrypoint import Caller, Request, https_routes, socket_route
from chat.errors import ChatError, Code, unavailable
from chat.ports.connections import Connection
from chat.ports.sockets import Outcome
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.wire import frames

from tests.fakes import shapes
from tests.fakes.events import authorization, frame, https
from tests.fakes.handlers import body_of, call, serving
from tests.fakes.world import World, address

SECRET = "correct horse battery staple"
EXCEPTIONS: list[tuple[Exception, str, int]] = [
    (ChatError(Code.BAD_TOKEN), "BAD_TOKEN", 400),
    (ChatError(Code.DEVICE_REMOVED), "DEVICE_REMOVED", 401),
    (unavailable(), "UNAVAILABLE", 503),
    (StorageUnavailable(SECRET), "UNAVAILABLE", 503),
    (OutcomeUnknown(SECRET), "UNAVAILABLE", 503),
    (ValueError(SECRET), "INTERNAL", 500),
    (KeyError(SECRET), "INTERNAL", 500),
    (UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET), "INTERNAL", 500),
    (RecursionError(SECRET), "INTERNAL", 500),
]
by_exception = pytest.mark.parametrize(
    ("raised", "code", "status"), EXCEPTIONS, ids=[type(e).__name__ + c for e, c, _ in EXCEPTIONS]
)


@pytest.fixture
def world() -> Iterator[World]:
    """A backend of fakes."""
    made = World()
    with serving(made):
        yield made


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are logged."""
    lines: list[str] = []

    monkeypatch.setattr(observability, "_print", lambda line: lines.append(json.dumps(line)))
    return lines


@pytest.fixture
def socket(world: World) -> Connection:
    """A live socket of alice."""
    return world.online(world.account("alice"))


def raising(error: Exception) -> Callable[..., Any]:
    """A function that raises."""

    def handle(*_: object) -> Any:
        raise error

    return handle


class TestSocketRoute:
    """Frames of a socket."""

    SYNC = json.dumps({"action": "sync", "ref": "7"})

    @by_exception
    def test_an_exception_becomes_a_code(
        self, socket: Connection, log: list[str], raised: Exception, code: str, status: int
    ) -> None:
        """Under the ref of its frame, never with the exception's text, in the answer or in the log."""
        handler = socket_route("sync", frames.parse_sync, raising(raised), answers=True)

        answer = handler(frame(socket, self.SYNC), None)

        body = body_of(answer)
        assert (answer["statusCode"], body["ref"], body["error"]["code"]) == (200, "7", code)
        shapes.demand("error", body)
        assert SECRET not in json.dumps(body)
        assert SECRET not in "".join(log)
        assert "Traceback" not in json.dumps(body)

    def test_an_unexpected_exception_is_found_by_its_correlation(
        self, socket: Connection, log: list[str]
    ) -> None:
        """The log says which exception and where; the client gets only the id that leads there."""
        handler = socket_route("sync", frames.parse_sync, raising(ValueError(SECRET)), answers=True)

        correlations = {
            body_of(handler(frame(socket, self.SYNC), None))["error"]["details"]["correlation"]
            for _ in range(2)
        }

        assert len(correlations) == 2
        for correlation in correlations:
            [line] = [line for line in log if correlation in line]
            assert "ValueError" in line
            assert "handle:" in line

    def test_an_answer_without_text(self, socket: Connection) -> None:
        """A socket that is being closed gets none."""
        handler = socket_route("sync", frames.parse_sync, lambda *_: None, answers=True)

        assert handler(frame(socket, self.SYNC), None) == {"statusCode": 200}

    @by_exception
    def test_a_route_that_does_not_answer_posts_its_refusal(
        self, world: World, socket: Connection, log: list[str], raised: Exception, code: str, status: int
    ) -> None:
        """API Gateway would drop a body: the error frame goes to the socket that sent the frame."""
        handler = socket_route("ack", frames.parse_ack, raising(raised), answers=False)

        answer = handler(frame(socket, {"action": "ack", "ref": "8", "ack": {}}), None)

        assert answer == {"statusCode": 200}
        [posted] = world.sockets.frames[socket.connection_id]
        assert (posted["ref"], posted["error"]["code"]) == ("8", code)

    @pytest.mark.parametrize("text", ["", "[]", '{"action":"ack","ref":"8"}', b"\xff"])
    def test_an_ack_that_cannot_be_read_is_refused_too(
        self, world: World, socket: Connection, text: Any
    ) -> None:
        """BAD_FRAME, posted."""
        assert call("ack", frame(socket, text)) == {"statusCode": 200}
        [posted] = world.sockets.frames[socket.connection_id]
        assert posted["error"]["code"] == "BAD_FRAME"

    @pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.FAILED])
    def test_a_refusal_that_cannot_be_posted_is_dropped(
        self, world: World, socket: Connection, outcome: Outcome
    ) -> None:
        """The socket is gone or busy: the handler ends well."""
        world.sockets.outcomes[socket.connection_id] = outcome

        assert call("ack", frame(socket, "")) == {"statusCode": 200}

    @pytest.mark.parametrize("function", ["send", "sync", "ack", "default"])
    @pytest.mark.parametrize("body", [b'{"action":"sync","ref":"1"}', b"\xff\xfe", "\ud800"])
    def test_binary_frames_and_broken_text(
        self, world: World, socket: Connection, function: str, body: str | bytes
    ) -> None:
        """BAD_FRAME; a binary frame that would be good JSON as well."""
        answer = call(function, frame(socket, body))

        refusal = world.sockets.frames[socket.connection_id][0] if function == "ack" else body_of(answer)
        assert (refusal["ref"], refusal["error"]["code"]) == (None, "BAD_FRAME")


class TestIdentity:
    """Who sent a frame comes from the authorizer alone."""

    FORGED = ("account", "device", "sender", "from", "connect_number", "requestContext", "authorizer")

    def forged(self, world: World) -> dict[str, Any]:
        """Fields that claim to be bob."""
        bob = world.account("bob")
        return dict.fromkeys(self.FORGED, bob) | {
            "device": 1,
            "sender": f"{bob}:1",
            "authorizer": {"account": bob, "device": "1"},
        }

    def test_a_message_has_the_sender_of_its_socket(self, world: World, socket: Connection) -> None:
        """Fields in the frame and in its messages change nothing."""
        carol = world.account("carol")
        reader = world.online(carol)
        forged = self.forged(world)
        made = world.message(carol)
        message = {"id": made.id, "to": carol, "devices": {"1": "aGk"}} | forged

        answer = call("send", frame(socket, {"action": "send", "ref": "1", "messages": [message]} | forged))

        assert body_of(answer)["results"] == [{"id": made.id, "accepted": True}]
        [event] = world.sockets.events(reader.connection_id)
        assert event["sender"] == str(socket.address)

    def test_an_ack_removes_only_the_rows_of_its_socket(self, world: World, socket: Connection) -> None:
        """Alice names bob's row and says that she is bob: it stays."""
        forged = self.forged(world)
        bob, carol = forged["account"], world.account("carol")
        made = world.message(bob)
        message = {"id": made.id, "to": bob, "devices": {"1": "aGk"}}
        call("send", frame(world.online(carol), {"action": "send", "ref": "1", "messages": [message]}))

        names = [[made.id, f"{carol}:1"]]
        call(
            "ack",
            frame(
                socket, {"action": "ack", "ref": "2", "ack": {"delivered": names, "quiet": names}} | forged
            ),
        )

        assert len(world.inbox.rows[address(bob)]) == 1

    def test_a_sync_reads_the_inbox_of_its_socket(self, world: World, socket: Connection) -> None:
        """Nothing of bob's comes to alice, and her connection is the one that is written."""
        forged = self.forged(world)
        bob = forged["account"]
        message = {"id": world.message(bob).id, "to": bob, "devices": {"1": "aGk"}}
        call(
            "send",
            frame(
                world.online(world.account("carol")), {"action": "send", "ref": "1", "messages": [message]}
            ),
        )

        answer = body_of(call("sync", frame(socket, {"action": "sync", "ref": "2"} | forged)))

        assert answer["events"] == []
        assert not [row for row in world.connections.rows if row.account == bob]

    def test_the_caller_is_read_from_the_context(self, socket: Connection) -> None:
        """Account, device and both connect numbers."""
        assert entrypoint.caller(frame(socket, "", previous=5)) == Caller(socket, 5)


class TestHttpsRoutes:
    """HTTPS requests."""

    @by_exception
    def test_an_exception_becomes_a_code(
        self, world: World, log: list[str], raised: Exception, code: str, status: int
    ) -> None:
        """With the status of the code, on public and signed routes alike, and nothing of the exception."""
        alice = address(world.account("alice"))
        handler = https_routes(
            "x",
            public={"GET /.well-known/heliograph": raising(raised)},
            device={"GET /v1/devices": raising(raised)},
        )

        for event in (
            https("GET /.well-known/heliograph", "/p"),
            https("GET /v1/devices", "/d", authorization=authorization(world, alice, "GET", "/d")),
        ):
            answer = handler(event, None)
            assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (status, code)
            shapes.demand("error_answer", body_of(answer))
            assert SECRET not in json.dumps(answer)
        assert SECRET not in "".join(log)

    def test_answers_are_not_kept_on_the_way(self) -> None:
        """``no-store``: a list of devices from a cache would be a wrong one."""
        with serving(World()):
            answer = call("discovery", https("GET /.well-known/heliograph", "/.well-known/heliograph"))

        assert answer["headers"] == {"content-type": "application/json", "cache-control": "no-store"}

    def test_a_route_that_the_function_does_not_have(self, world: World) -> None:
        """NOT_FOUND."""
        answer = call("account", https("PATCH /v1/account", "/v1/account"))

        assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (404, "NOT_FOUND")

    def test_a_signed_request_knows_who_asks(self, world: World) -> None:
        """Path with query, body and caller reach the route as they were signed."""
        alice = address(world.account("alice"))
        seen: list[Any] = []

        def route(request: Request, by: Any, own: Any, _app: Any) -> dict[str, Any]:
            seen.append((request.path, request.body, by, own.account))
            return {}

        handler = https_routes("x", device={"POST /v1/devices": route})
        header = authorization(world, alice, "POST", "/d?a=1&b=%20", b"body")

        assert handler(https("POST /v1/devices", "/d?a=1&b=%20", b"body", header), None)["statusCode"] == 200
        assert seen == [("/d?a=1&b=%20", b"body", alice, alice.account)]

    @pytest.mark.parametrize(
        "change",
        [
            lambda h: "",
            lambda h: "Bearer x",
            lambda h: h.replace("Heliograph-v1", "heliograph-v1"),
            lambda h: h.replace("Heliograph-v1 ", "Heliograph-v1"),
            lambda h: h.replace("Heliograph-v1", "Heliograph-v2"),
            lambda h: h + ":",
            lambda h: h + "=",
            lambda h: h[:-1],
            lambda h: h.upper(),
            lambda h: h.replace(":1:", ":01:"),
            lambda h: h.replace(":1:", ":-1:"),
            lambda h: h.replace(":1:", f":{'9' * 5_000}:"),
            lambda h: h.replace(":1:", ":99999:"),
            lambda h: h.replace(":176", ": 176"),
            lambda h: h.replace(":176", ":\u0661176"),
            lambda h: h.replace(":176", ":" + "9" * 5_000),
            lambda h: h.replace(":-:", ":AAAAAAAAAAAAAAAAAAAAAA:"),
            lambda h: h.replace(":-:", "::"),
            lambda h: h.replace(":-:", ":\n:"),
            lambda h: h + "\u00fc",
            lambda h: ":" * 10_000,
        ],
    )
    def test_any_other_header(self, world: World, change: Callable[[str], str]) -> None:
        """UNAUTHENTICATED, never a server error."""
        alice = address(world.account("alice"))
        header = change(authorization(world, alice, "GET", "/v1/account"))

        answer = call("account", https("GET /v1/account", "/v1/account", authorization=header))

        assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (401, "UNAUTHENTICATED")

    @pytest.mark.parametrize("nonce", ["-", "AAAA", "A" * 22 + "==", "A" * 43, "A" * 21 + "B"])
    def test_a_nonce_that_is_none(self, world: World, nonce: str) -> None:
        """A changing request has 16 random bytes, in their one text."""
        alice, bob = address(world.account("alice")), world.account("bob")
        path = f"/v1/account/blocks/{bob}"
        header = authorization(world, alice, "PUT", path, nonce=nonce)

        route = "PUT /v1/account/blocks/{account}"
        answer = call("account", https(route, path, authorization=header, parameters={"account": bob}))

        assert body_of(answer)["error"]["code"] == "UNAUTHENTICATED"
        assert world.cards.stands == {}

    def test_an_escaped_newline_in_the_path(self, world: World) -> None:
        """API Gateway hands paths over unescaped; no signed line can hold a newline: UNAUTHENTICATED."""
        alice = address(world.account("alice"))
        header = authorization(world, alice, "GET", "/v1/handles/x")

        event = https(
            "GET /v1/handles/{handle}", "/v1/handles/\n", authorization=header, parameters={"handle": "\n"}
        )
        answer = call("account", event)

        assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (401, "UNAUTHENTICATED")

    def test_a_body_that_is_not_utf8(self, world: World) -> None:
        """BAD_REQUEST."""
        answer = call("register", https("POST /v1/register", "/v1/register", b"\xff\xfe"))

        assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (400, "BAD_REQUEST")

    def test_a_body_that_is_too_large(self, world: World) -> None:
        """TOO_LARGE, 413."""
        answer = call("register", https("POST /v1/register", "/v1/register", b" " * 20_000))

        assert (answer["statusCode"], body_of(answer)["error"]["code"]) == (413, "TOO_LARGE")


class TestStorageDown:
    """Handlers outside the shared ends: the handshake can say no more than a status."""

    @pytest.mark.parametrize("function", ["connect", "disconnect", "authorize"])
    def test_the_function_fails_as_a_whole(self, world: World, socket: Connection, function: str) -> None:
        """API Gateway makes a 5xx of it; nothing of ours is answered."""
        from tests.fakes.events import handshake, proof  # noqa: PLC0415

        def down(*_: object) -> Any:
            raise StorageUnavailable("no host")

        world.cards.devices = world.connections.add = world.connections.remove = down  # type: ignore[method-assign]
        device = socket.address
        event = (
            handshake(proof(device, world.keys[device], world.time))
            if function == "authorize"
            else frame(socket, "")
        )

        with pytest.raises(StorageUnavailable):
            call(function, event)
