"""Probes of what is refused: handshakes, throttles, HTTPS requests, a queue's delay."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from operations.probe.probes import Saw, probe
from operations.probe.sockets import PATIENCE, opened

if TYPE_CHECKING:
    from operations.probe.place import Place

_DIFFERENCES = "docs/local-cloud.md#differences-that-remain"
_MENDED = "docs/local-cloud.md#mended-in-ministack"
_CONNECTING = "docs/protocol.md#connecting"


def _handshake(url: str) -> Saw:
    """The status of a handshake; ``101`` for one that opens a socket."""
    try:
        with connect(url, compression=None, ping_interval=None, open_timeout=PATIENCE, close_timeout=2):
            return Saw("101")
    except InvalidStatus as refused:
        return Saw(str(refused.response.status_code), bytes(refused.response.body or b"")[:60].decode())


def _of_probe(place: Place, query: str) -> Saw:
    return _handshake(place.address("RoutedApi") + query)


@probe(assumed="401", used="infra/constructs/routes.py", docs=_CONNECTING)
def handshake_without_proof(place: Place) -> Saw:
    """With which status is a handshake refused that lacks the identity source of the authorizer?

    If not: the SDK tells by the status whether to try again: mend ``heliograph/connection.py``.
    """
    return _of_probe(place, "")


@probe(assumed="403", used="clients/python/src/heliograph/connection.py", docs=_CONNECTING)
def handshake_denied(place: Place) -> Saw:
    """With which status is a handshake refused that the authorizer denies?

    If not: as above; a device that was removed has to learn it from this status.
    """
    return _of_probe(place, "?proof=deny")


@probe(assumed="500", used="clients/python/src/heliograph/connection.py", docs=_CONNECTING)
def handshake_authorizer_crashed(place: Place) -> Saw:
    """With which status is a handshake refused whose authorizer raises?

    If not: if it is 401 or 403, a bug of ours looks like a refusal to clients: they must not give up on it.
    """
    return _of_probe(place, "?proof=crash")


@probe(assumed="503", used="functions/connect/handler.py", docs=_MENDED)
def handshake_refused_by_connect(place: Place) -> Saw:
    """Does a handshake get the status that ``$connect`` returns?

    If not: ``functions/connect`` cannot tell "come again" from "never"; change the patch, too.
    """
    return _of_probe(place, "?proof=allow&status=503")


@probe(assumed="502", used="local/emulator_patches.py", docs=_MENDED)
def handshake_connect_crashed(place: Place) -> Saw:
    """With which status is a handshake refused whose ``$connect`` raises?

    If not: change the patch ``_handshake_says_why``.
    """
    return _of_probe(place, "?proof=allow&fail=secret")


@probe(assumed="403", used="functions/authorize/handler.py", docs=_CONNECTING, reads=10, writes=10)
def handshake_of_the_stage(place: Place) -> Saw:
    """Does the stage itself refuse a handshake with a proof that nobody signed?

    If not: 500 says that the authorizer does not start: read its log.
    """
    proof = "v1.01890000-0000-7000-8000-000000000000.1.1." + "A" * 86
    return _handshake(f"{place.socket_url}?proof={proof}")


@probe(assumed="429", local="never", used="infra/stages.py", docs=_DIFFERENCES, frames=30)
def throttled_handshake(place: Place) -> Saw:
    """With which status is a handshake refused that the stage's throttle holds back?

    If not: the SDK retries other statuses without waiting longer; mend ``connection.py``.
    """
    for _ in range(15):
        saw = _handshake(place.address("RoutedApi", "throttled") + "?proof=allow")
        if saw.what != "101":
            return saw
    return Saw("never", "15 handshakes at one a second")


@probe(assumed="Too Many Requests", local="never", used="infra/stages.py", docs=_DIFFERENCES, frames=60)
def throttled_frame(place: Place) -> Saw:
    """What does a client hear of a frame that the stage's throttle holds back?

    If not: the SDK takes an answer without ``ref`` for nothing and repeats after 10 s; teach it this one.
    """
    with suppress(ConnectionClosed), opened(place, "throttled") as socket:
        for _ in range(20):
            socket.send('{"action": "call"}')
        for _ in range(20):
            told = json.loads(socket.recv(timeout=PATIENCE))
            if "process" not in told:
                return Saw(str(told.get("message", told)))
        return Saw("never", "20 frames at one a second")
    return Saw("closed")


@probe(assumed="500, generic", used="clients/python/src/heliograph/http.py", docs=_MENDED)
def failed_request(place: Place) -> Saw:
    """What does a client hear when the function of an HTTPS request raises?

    If not: change the patch ``_failures_over_http``; the text of the exception must not be in it.
    """
    status, body = _get(place.address("HttpsApi", "", scheme="https") + "/call?fail=secret")
    generic = json.loads(body) == {"message": "Internal Server Error"}
    return Saw(f"{status}, generic" if generic else f"{status}, other", body[:80])


@probe(assumed="200", used="infra/assets.py", docs="docs/deploy.md#outputs")
def discovery_of_the_stage(place: Place) -> Saw:
    """Does the stage answer discovery, so that our packages load on its processor and Python?

    If not: read the log of ``discovery``: an import that fails says which package.
    """
    status, body = _get(f"{place.base_url}/.well-known/heliograph")
    return Saw(str(status), body[:60])


@probe(
    assumed="401",
    used="layers/core/python/chat/entrypoint.py",
    docs="docs/security.md#what-the-server-checks-each-time",
)
def unsigned_request_of_the_stage(place: Place) -> Saw:
    """Does the stage refuse a request that nobody signed?

    If not: stop the stage; every HTTPS route relies on the check in ``chat/entrypoint.py``.
    """
    return Saw(str(_get(f"{place.base_url}/v1/account")[0]))


@probe(assumed="whole", used="functions/keys/handler.py", docs="docs/protocol.md#https", frames=0)
def put_of_60_kb(place: Place) -> Saw:
    """Does a body of 60 KB, as a device uploads its keys in, reach the function in one piece and as text?

    If not: upload fewer keys at a time in ``heliograph/keys.py``; ``event["body"]`` is what a handler reads.
    """
    return _body_that_arrives(place, "PUT", 60 * 1024)


@probe(assumed="whole", used="functions/devices/handler.py", docs="docs/protocol.md#https", frames=0)
def delete_with_a_body(place: Place) -> Saw:
    """Does the body of a DELETE, in which the removal of a device is signed, reach the function?

    If not: give the removal of a device a route of its own with POST, in ``schemas/openapi.yaml`` first.
    """
    return _body_that_arrives(place, "DELETE", 300)


def _body_that_arrives(place: Place, method: str, size: int) -> Saw:
    url = place.address("HttpsApi", "", scheme="https") + "/call"
    body = json.dumps({"text": "x" * size}).encode()
    kind = {"content-type": "application/json"}
    status, told = _get(urllib.request.Request(url, body, kind, method=method))  # noqa: S310 - ours
    if status != 200:
        return Saw(str(status), told[:80])
    arrived = json.loads(told)["size"]
    return Saw("whole" if arrived == size else "not", f"{arrived} of {size} characters")


def _get(url: str | urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - a stage's own address
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@probe(assumed="refused", local="accepted", used="docs/local-cloud.md", docs=_DIFFERENCES, frames=0)
def long_delay(place: Place) -> Saw:
    """Does SQS refuse a message that is to wait longer than 15 minutes?

    If not: nothing to change; correct the table of differences.
    """
    try:
        place.client("sqs").send_message(
            QueueUrl=place.outputs["QueueUrl"], MessageBody="x", DelaySeconds=901
        )
    except ClientError as refused:
        return Saw("refused", str(refused.response["Error"].get("Code")))
    return Saw("accepted")
