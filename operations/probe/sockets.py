"""Probes of sockets: what API Gateway does with frames, answers, posts and ends of a connection."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from operations.probe.probes import Saw, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.probe.place import Place

SILENCE = 1.5
"""Seconds after which nothing more is expected: a warm answer takes milliseconds."""

PATIENCE = 20.0
"""Seconds for an answer, a cold start included."""

FRAME = 32 * 1024
MESSAGE = 128 * 1024

_DIFFERENCES = "docs/local-cloud.md#differences-that-remain"
_MENDED = "docs/local-cloud.md#mended-in-ministack"


@contextmanager
def opened(
    place: Place, stage: str = "v1", *, api: str = "RoutedApi", query: str = ""
) -> Iterator[ClientConnection]:
    """A socket to the probe stack, admitted by its authorizer; no pings, as the SDK."""
    url = f"{place.address(api, stage)}?proof=allow{query}"
    with connect(
        url, compression=None, max_size=None, ping_interval=None, open_timeout=PATIENCE, close_timeout=2
    ) as socket:
        yield socket


def ask(socket: ClientConnection, **frame: Any) -> dict[str, Any]:
    """Send a frame to the answering route and return its answer; frames before it are skipped."""
    socket.send(json.dumps({"action": "call", "ref": "asked", **frame}))
    while True:
        told = dict(json.loads(socket.recv(timeout=PATIENCE)))
        if told.get("ref") == "asked":
            return told


def then(socket: ClientConnection, seconds: float = SILENCE) -> str:
    """What comes next: ``nothing``, ``an empty frame``, the text of a frame, or ``closed <code>``."""
    try:
        frame = socket.recv(timeout=seconds)
    except TimeoutError:
        return "nothing"
    except ConnectionClosed as closed:
        return f"closed {closed.rcvd.code}" if closed.rcvd else "closed without a close frame"
    return str(frame) or "an empty frame"


def in_short(said: str) -> Saw:
    """``answered`` for an answer of the function, else what came."""
    if said.startswith("{") and "process" in json.loads(said):
        return Saw("answered")
    return Saw(said)


def _after(place: Place, frame: str) -> Saw:
    """What comes after a frame, on a socket that has had one answer."""
    with opened(place) as socket:
        ask(socket)
        socket.send(frame)
        return Saw(then(socket))


@probe(
    assumed="nothing",
    used="layers/core/python/chat/entrypoint.py",
    docs="docs/protocol.md#general-considerations",
)
def empty_answer(place: Place) -> Saw:
    """Does a client get a frame when the body of a route response is the empty string?

    If not: clients have to skip empty frames (the SDK does, with a warning in its log), and each is billed:
    leave the body out in ``chat/entrypoint.py``.
    """
    return _after(place, '{"action": "call", "answer": "empty"}')


@probe(
    assumed="nothing",
    used="layers/core/python/chat/entrypoint.py",
    docs="docs/protocol.md#general-considerations",
)
def absent_answer(place: Place) -> Saw:
    """Does a client get a frame when a function on a route with a response returns no body at all?

    If not: as for the empty one; a route that is seldom answered should have no route response.
    """
    return _after(place, '{"action": "call", "answer": "absent"}')


@probe(assumed="nothing", used="infra/routes.py", docs=_MENDED)
def body_without_route_response(place: Place) -> Saw:
    """Is the body of a function dropped where its route has no response?

    If not: ``ack`` must return no body, and ``answers`` in ``infra/routes.py`` means less.
    """
    return _after(place, '{"action": "quiet"}')


@probe(assumed="the generic frame", used="clients/python/src/heliograph/socket.py", docs=_MENDED)
def failed_frame(place: Place) -> Saw:
    """What does a client hear when the function of a route raises?

    If not: the SDK waits its 10 seconds for an answer that has another shape; and no text may leak.
    """
    with opened(place) as socket:
        ask(socket)
        socket.send('{"action": "call", "fail": "a secret"}')
        said = then(socket, PATIENCE)
    generic = "{" in said and sorted(json.loads(said)) == ["connectionId", "message", "requestId"]
    return Saw("the generic frame" if generic and "secret" not in said else said)


@probe(assumed="at once", used="docs/architecture.md", docs=_MENDED)
def frames_of_one_socket(place: Place) -> Saw:
    """Do two frames of one socket run in two functions at once?

    If not: nothing to change, as nothing depends on an order; frames would queue behind a slow one.
    """
    with opened(place) as socket:
        return _two_slow(socket, socket)


@probe(assumed="at once", used="docs/performance.md", docs=_MENDED)
def frames_of_two_sockets(place: Place) -> Saw:
    """Do frames of two sockets run in two functions at once?

    If not: people wait for each other; look at the concurrency limit of the account (1,000, new ones 10).
    """
    with opened(place) as one, opened(place) as other:
        return _two_slow(one, other)


def _two_slow(one: ClientConnection, other: ClientConnection) -> Saw:
    for _ in range(2):  # the first time both processes may have to start
        began = time.monotonic()
        for socket in (one, other):
            socket.send('{"action": "call", "sleep": 1.5}')
        for socket in (one, other):
            socket.recv(timeout=PATIENCE)
        seconds = time.monotonic() - began
    return Saw("at once" if seconds < 2.8 else "one after the other", f"{seconds:.1f} s for two of 1.5 s")


@probe(assumed="closed 1003", used="docs/protocol.md", docs=_MENDED)
def binary_frame(place: Place) -> Saw:
    """What happens to a binary frame?

    If not: change the code in ``docs/protocol.md`` and the patch ``_frames_as_on_aws``.
    """
    with opened(place) as socket:
        ask(socket)
        socket.send(b'{"action": "call"}')
        return in_short(then(socket))


@probe(assumed="closed 1007", used="docs/protocol.md", docs=_MENDED)
def broken_text(place: Place) -> Saw:
    """What happens to a text frame that is not UTF-8?

    If not: change the code in ``docs/protocol.md`` and the patch ``_broken_text_is_told``.
    """
    with opened(place) as socket:
        ask(socket)
        socket.send(b'{"action": "call", "ref": "\xff"}', text=True)
        return in_short(then(socket))


@probe(assumed="$default", used="functions/default/handler.py", docs=_MENDED, frames=10)
def deeply_nested_json(place: Place) -> Saw:
    """Which route takes JSON that is nested deeper than any parser likes?

    If not: our refusal with ``BAD_FRAME`` is not seen; say so in ``docs/protocol.md``.
    """
    with opened(place, api="DefaultApi") as socket:
        socket.send("[" * 30_000)
        said = then(socket, PATIENCE)
        return Saw(str(json.loads(said).get("route", said)) if said.startswith("{") else said)


@probe(assumed="Forbidden", local="nothing", used="functions/default/handler.py", docs=_DIFFERENCES)
def unknown_route(place: Place) -> Saw:
    """What does a client hear of a frame that matches no route, where there is no ``$default``?

    If not: nothing to change while the real API has ``$default``; correct the table of differences.
    """
    with opened(place) as socket:
        ask(socket)
        socket.send('{"action": "unknown"}')
        said = then(socket)
        return Saw(str(json.loads(said).get("message")) if said.startswith("{") else said)


@probe(assumed="IN", local="None", used="docs/local-cloud.md", docs=_DIFFERENCES)
def message_direction(place: Place) -> Saw:
    """Does the request context of a frame say ``messageDirection``?

    If not: nothing of ours reads it; correct the table of differences.
    """
    with opened(place) as socket:
        return Saw(str(ask(socket)["direction"]))


@probe(
    assumed="answered",
    used="clients/python/src/heliograph/transport.py",
    docs="docs/protocol.md#general-considerations",
)
def frame_of_32_kb(place: Place) -> Saw:
    """Is one WebSocket frame of exactly 32 KB taken?

    If not: lower ``FRAGMENT_BYTES`` of the SDK and the largest server frame of ``chat/wire``.
    """
    return _large(place, FRAME, fragments=False)


@probe(
    assumed="closed 1009",
    local="answered",
    used="clients/python/src/heliograph/transport.py",
    docs=_DIFFERENCES,
)
def frame_above_32_kb(place: Place) -> Saw:
    """What happens to one unfragmented WebSocket frame above 32 KB?

    If not: the SDK need not split its messages; ``FRAGMENT_BYTES`` can go.
    """
    return _large(place, FRAME + 1, fragments=False)


@probe(assumed="answered", used="docs/protocol.md", docs="docs/protocol.md#general-considerations", frames=20)
def message_of_128_kb(place: Place) -> Saw:
    """Is a message of 128 KB in fragments taken?

    If not: lower the largest client frame in ``docs/protocol.md``, the schemas and ``chat/wire``.
    """
    return _large(place, MESSAGE, fragments=True)


@probe(assumed="closed 1009", used="docs/protocol.md", docs=_MENDED, frames=20)
def message_above_128_kb(place: Place) -> Saw:
    """What happens to a message above 128 KB in fragments?

    If not: change the code in ``docs/protocol.md``, and ``MESSAGE_BYTES`` in ``local/emulator_patches.py``.
    """
    return _large(place, MESSAGE + 1, fragments=True, seconds=4)


def _large(place: Place, size: int, *, fragments: bool, seconds: float = PATIENCE) -> Saw:
    start, end = '{"action": "call", "text": "', '"}'
    text = start + "x" * (size - len(start) - len(end)) + end
    with opened(place) as socket:
        ask(socket)
        try:
            socket.send([text[i : i + 30_000] for i in range(0, size, 30_000)] if fragments else text)
        except ConnectionClosed as closed:
            return Saw(f"closed {closed.rcvd.code}" if closed.rcvd else "closed without a close frame")
        return in_short(then(socket, seconds))


@probe(
    assumed="arrived whole", used="layers/core/python/chat/adapters/api_gateway.py", docs=_MENDED, frames=10
)
def post_of_128_kb(place: Place) -> Saw:
    """Does a post of 128 KB to a socket arrive as one message?

    If not: our own frames stay below 32 KB; correct the table of what is mended.
    """
    with opened(place) as socket:
        place.posts().post_to_connection(ConnectionId=ask(socket)["connection"], Data=b"x" * MESSAGE)
        said = then(socket, PATIENCE)
        return Saw("arrived whole" if len(said) == MESSAGE else f"{len(said)} bytes first")


@probe(assumed="413", used="local/emulator_patches.py", docs=_MENDED)
def post_above_128_kb(place: Place) -> Saw:
    """How is a post above 128 KB to a socket refused?

    If not: change the patch ``_post_limit``.
    """
    with opened(place) as socket:
        return _post(place, ask(socket)["connection"], b"x" * (MESSAGE + 1))


@probe(
    assumed="410", used="layers/core/python/chat/adapters/api_gateway.py", docs="docs/fault-model.md#faults"
)
def post_to_a_closed_socket(place: Place) -> Saw:
    """How is a post to a socket refused that is closed?

    If not: ``ConnectionsGateway`` takes 410 alone for "gone"; teach it the other status, or rows stay.
    """
    with opened(place) as socket:
        connection = ask(socket)["connection"]
    end = time.monotonic() + PATIENCE
    while (saw := _post(place, connection, b"{}")).what == "200" and time.monotonic() < end:
        time.sleep(0.1)  # the gateway may still be busy with the end of the socket
    return saw


def _post(place: Place, connection: str, data: bytes) -> Saw:
    try:
        place.posts().post_to_connection(ConnectionId=connection, Data=data)
    except ClientError as refused:
        answer = refused.response
        return Saw(str(answer["ResponseMetadata"]["HTTPStatusCode"]), str(answer["Error"].get("Code", "")))
    return Saw("200")


@probe(assumed="closed 1000", used="docs/protocol.md", docs="docs/protocol.md#server-events")
def deleted_connection(place: Place) -> Saw:
    """With which code does a socket close that ``DeleteConnection`` closes?

    If not: clients go by ``session_closed``, which comes before; say the code in ``docs/protocol.md``.
    """
    with opened(place) as socket:
        place.posts().delete_connection(ConnectionId=ask(socket)["connection"])
        return Saw(then(socket, PATIENCE))


@probe(assumed="it came", used="layers/core/python/chat/usecases/live.py", docs=_MENDED)
def post_before_delete(place: Place) -> Saw:
    """Does a frame arrive that was posted just before ``DeleteConnection``?

    If not: ``session_closed`` may be lost, and clients reconnect that should not; wait before the delete.
    """
    with opened(place) as socket:
        connection, posts = ask(socket)["connection"], place.posts()
        posts.post_to_connection(ConnectionId=connection, Data=b"the last word")
        posts.delete_connection(ConnectionId=connection)
        said = then(socket, PATIENCE)
        return Saw("it came" if said == "the last word" else said, then(socket, PATIENCE))
