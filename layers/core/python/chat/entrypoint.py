"""From a Lambda event to a use case and back: what all handlers of a kind share.

``functions/<name>/handler.py`` says what one route does; here stands what every route does: who calls,
reading the frame, refusals, and what happens to an exception. Nothing of a trace ever reaches a client.
"""

from __future__ import annotations

import math
import uuid
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from chat import observability
from chat.bootstrap import Services, lambda_handler, services
from chat.domain import base64url
from chat.domain.devices import DeviceList
from chat.domain.events import SessionClosed
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId
from chat.domain.limits import REFUSALS, Limiter, limiter_of
from chat.errors import ChatError, Code, limited, unavailable
from chat.ports.connections import Connection
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases import limits, live
from chat.usecases.authenticate import SignedRequest, authenticate
from chat.wire import frames, json_text, validation

Event = dict[str, Any]
Answer = dict[str, Any]
LambdaHandler = Callable[[Event, Any], Answer]


class AnyFrame(Protocol):
    """What every frame has, a refused one too: its ref, if it could be read, and what it costs."""

    @property
    def ref(self) -> str | None: ...  # noqa: D102

    @property
    def tokens(self) -> int: ...  # noqa: D102


Frame = TypeVar("Frame", bound=AnyFrame)

OK: Answer = {"statusCode": 200}
FORBIDDEN: Answer = {"statusCode": 403}

_STATUS: Mapping[Code, int] = {
    Code.UNAUTHENTICATED: 401,
    Code.CLOCK_SKEW: 401,
    Code.REPLAYED: 401,
    Code.DEVICE_REMOVED: 401,
    Code.ACCOUNT_REPLACED: 401,
    Code.VERIFICATION_FAILED: 403,
    Code.NUMBER_NOT_SERVED: 403,
    Code.NOT_FOUND: 404,
    Code.HANDLE_TAKEN: 409,
    Code.DEVICE_LIMIT: 409,
    Code.DEVICE_LIST_CHANGED: 409,
    Code.LINK_TAKEN: 409,
    Code.LAST_DEVICE: 409,
    Code.RELATION_LIMIT: 409,
    Code.KEY_CONFLICT: 409,
    Code.KEY_LIMIT: 409,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.CODES_EXHAUSTED: 503,
}
"""HTTP status by code; every other refusal is 400."""

COOL_DOWN_SECONDS = 30
"""How long a device stays away whose socket was closed for hammering."""

_SCHEME = "Heliograph-v1 "


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a frame, out of the authorizer's context alone: nothing in a frame can change it.

    ``received_at``: when the gateway had the frame (ms); 0 if it did not say.
    """

    connection: Connection
    previous_number: int
    received_at: int = 0

    @property
    def device(self) -> Address:
        """The sending device."""
        return self.connection.address


def caller(event: Event) -> Caller:
    """The caller of a socket route."""
    request = event["requestContext"]
    context = request["authorizer"]
    connection = Connection(
        AccountId(context["account"]),
        DeviceId(int(context["device"])),
        ConnectionId(request["connectionId"]),
        int(context["connect_number"]),
    )
    return Caller(connection, int(context["previous_number"]), request.get("requestTimeEpoch", 0))


def socket_route(
    route: str,
    parse: Callable[[str], Frame],
    handle: Callable[[Frame, Caller, Services], str | None],
    *,
    answers: bool,
    schema: str = "",
) -> LambdaHandler:
    """The Lambda handler of one client frame; ``schema`` names its shape if that is not the route's name.

    ``handle`` returns the text of the answer, or None. A route without a route response (``answers`` false)
    posts its refusals instead; a refusal that cannot be posted is dropped, as the socket is gone.
    Every frame, readable or not, takes tokens of the route's limiter before anything else is done for it; a
    socket that goes on when it is refused is closed. Raises ``KeyError`` for a route without a limiter.
    """
    validation.prepare(schema or route)
    limiter = limiter_of(route)

    def read(event: Event) -> Frame | frames.Refused:
        try:
            return parse(_text(event))
        except frames.Refused as refused:
            return refused
        except Exception as error:  # noqa: BLE001, as below
            return frames.Refused(None, as_chat_error(route, error))

    def handler(event: Event, _context: Any) -> Answer:
        app = services()
        sender = caller(event)
        frame = read(event)
        try:
            if limiter is not None:
                _demand_frame(limiter, frame.tokens, sender.device, app)
            if isinstance(frame, frames.Refused):
                raise frame
            text = handle(frame, sender, app)
        except Exception as error:  # noqa: BLE001, the boundary: whatever it is, the client gets a code
            refusal = as_chat_error(route, error)
            observability.refused(route, refusal.code, sender.device)
            if refusal.code is Code.RATE_LIMITED and _hangs_up(sender.connection, app):
                return OK
            text = frames.error_frame(frame.ref, refusal)
        else:
            return OK if text is None else {"statusCode": 200, "body": text}
        if answers:
            return {"statusCode": 200, "body": text}
        app.sockets.post_all([(sender.connection.connection_id, text.encode())])
        return OK

    return lambda_handler(route, handler)


def _demand_frame(limiter: Limiter, tokens: int, who: Address, app: Services) -> None:
    """Take what a frame costs. Who is refused and waits as told is refused too rarely to lose the socket."""
    if wait := app.limits.take(limiter, str(who), app.now(), tokens):
        raise limited(max(wait, app.limits.rule(REFUSALS).refill_ms))


def _hangs_up(connection: Connection, app: Services) -> bool:
    """Whether a socket that was just refused was refused so often that it has been closed."""
    if not app.limits.take(REFUSALS, connection.connection_id, app.now()):
        return False
    why = SessionClosed("RATE_LIMITED", retry_after=COOL_DOWN_SECONDS)
    return live.hang_up(connection.connection_id, why, sockets=app.sockets, encode=frames.event_frames)


def as_chat_error(route: str, error: Exception) -> ChatError:
    """The refusal that an exception stands for. What is not expected is logged under a correlation id."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, frames.Refused):
        return error.error
    if isinstance(error, StorageUnavailable | OutcomeUnknown):
        observability.unavailable(route, error)
        return unavailable()
    correlation = uuid.uuid4().hex
    observability.failed(route, correlation, error)
    return ChatError(Code.INTERNAL, details={"correlation": correlation})


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTPS request. ``path`` is relative to the base and holds the query."""

    route: str
    method: str
    path: str
    body: bytes
    authorization: str
    parameters: Mapping[str, str]


Public = Callable[[Request, Services], Mapping[str, Any]]
ByDevice = Callable[[Request, Address, DeviceList, Services], Mapping[str, Any]]


def https_routes(
    name: str, *, public: Mapping[str, Public] | None = None, device: Mapping[str, ByDevice] | None = None
) -> LambdaHandler:
    """The Lambda handler of one HTTPS resource: a function by route key (``"GET /v1/devices"``).

    A ``device`` route runs only for a request that a live device signed, and takes a token of its limiter
    first; what a public route is limited by, its use case knows. Status 200 or that of the code.
    Raises ``KeyError`` for a route without a limiter.
    """
    open_to_all, signed = public or {}, device or {}
    limiters = {route: limiter_of(route) for route in (*open_to_all, *signed)}

    def handler(event: Event, _context: Any) -> Answer:
        app = services()
        request = _request(event)
        try:
            if request.route in open_to_all:
                return _answer(200, open_to_all[request.route](request, app))
            if request.route in signed:
                who, own = _authenticate(request, app)
                _demand(limiters[request.route], who, app)
                return _answer(200, signed[request.route](request, who, own, app))
            raise ChatError(Code.NOT_FOUND)
        except Exception as error:  # noqa: BLE001, the boundary
            refusal = as_chat_error(name, error)
            observability.refused(name, refusal.code)
            answer = _answer(_STATUS.get(refusal.code, 400), {"error": refusal.as_json()})
            if refusal.retry_after is not None:
                answer["headers"]["retry-after"] = str(math.ceil(refusal.retry_after))
            return answer

    return lambda_handler(name, handler)


def _demand(limiter: Limiter | None, who: Address, app: Services) -> None:
    if limiter is not None:
        subject = {"device": str(who), "account": who.account}[limiter.per]
        limits.demand(limiter, subject, limits=app.limits, now=app.now())


def _request(event: Event) -> Request:
    http = event["requestContext"]["http"]
    query = event.get("rawQueryString", "")
    path = event["rawPath"] + (f"?{query}" if query else "")
    headers = {key.lower(): value for key, value in event.get("headers", {}).items()}
    return Request(
        route=event["routeKey"],
        method=http["method"],
        path=path,
        body=_body(event),
        authorization=headers.get("authorization", ""),
        parameters=event.get("pathParameters") or {},
    )


def _authenticate(request: Request, app: Services) -> tuple[Address, DeviceList]:
    proof = _signed_request(request)
    own = authenticate(
        proof,
        audience=app.identity.audience,
        cards=app.cards,
        used_proofs=app.used_proofs,
        check_signature=app.check_signature,
        now=app.now(),
    )
    return proof.device, own


def _signed_request(request: Request) -> SignedRequest:
    """The header ``Heliograph-v1 <account>:<device>:<time>:<nonce>:<signature>``."""
    fields = request.authorization.removeprefix(_SCHEME).split(":")
    if not request.authorization.startswith(_SCHEME) or len(fields) != 5:
        raise ChatError(Code.UNAUTHENTICATED)
    if "\n" in request.path:  # it was escaped, and no signed line may hold one
        raise ChatError(Code.UNAUTHENTICATED)
    account, device, time, nonce, signature = fields
    try:
        validation.check_type("address", f"{account}:{device}", Code.UNAUTHENTICATED)
        nonce_is_good = nonce == "-" if request.method == "GET" else len(base64url.decode(nonce)) == 16
        if not (nonce_is_good and time.isascii() and time.isdecimal() and len(time) <= 15):
            raise ChatError(Code.UNAUTHENTICATED)
        return SignedRequest(
            device=Address(AccountId(account), DeviceId(int(device))),
            method=request.method,
            path=request.path,
            body=request.body,
            time=int(time),
            nonce=nonce,
            signature=base64url.decode(signature),
        )
    except ValueError:
        raise ChatError(Code.UNAUTHENTICATED) from None


def _answer(status: int, body: Mapping[str, Any]) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json_text.dump(body),
    }


def _text(event: Event) -> str:
    """The text of a frame. Raises Refused: BAD_FRAME for a binary one and for what is not UTF-8."""
    if event.get("isBase64Encoded"):
        raise frames.Refused(None, ChatError(Code.BAD_FRAME, details={"rule": "text"}))
    try:
        return _body(event).decode()
    except UnicodeDecodeError:
        raise frames.Refused(None, ChatError(Code.BAD_FRAME, details={"rule": "utf-8"})) from None


def _body(event: Event) -> bytes:
    body: str = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
