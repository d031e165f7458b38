"""Lambda events as API Gateway makes them: of the socket, of the authorizer, and of HTTPS routes."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from chat.domain import base64url, signed_bytes
from chat.domain.ids import Address
from chat.ports.connections import Connection
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.world import AUDIENCE, World

Event = dict[str, Any]
NONCE = base64url.encode(bytes(16))


def frame(connection: Connection, body: object, previous: int = 0) -> Event:
    """A frame of a socket. ``body`` is text as it came, bytes of a binary frame, or an object for JSON."""
    event: Event = {
        "requestContext": {
            "connectionId": connection.connection_id,
            "authorizer": {
                "account": connection.account,
                "device": str(connection.device),
                "connect_number": str(connection.connect_number),
                "previous_number": str(previous),
                "principalId": str(connection.address),
            },
        },
    }
    if isinstance(body, bytes):
        return event | {"body": b64encode(body).decode(), "isBase64Encoded": True}
    return event | {"body": body if isinstance(body, str) else json.dumps(body), "isBase64Encoded": False}


def handshake(proof: str | None, **headers: str) -> Event:
    """What the authorizer sees of a handshake."""
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:eu-central-1:000000000000:abc/v1/$connect",
        "headers": {"Host": "abc", **headers},
        "queryStringParameters": None if proof is None else {"proof": proof},
    }


def proof(
    device: Address,
    key: Ed25519PrivateKey,
    number: int,
    audience: str = AUDIENCE,
    signed_for: Address | None = None,
) -> str:
    """A connect proof of ``device``, signed for it or for somebody else."""
    text = signed_bytes.connect(audience, signed_for or device, number)
    return f"v1.{device.account}.{device.device}.{number}.{base64url.encode(key.sign(text))}"


def https(
    route: str,
    path: str,
    body: object = None,
    authorization: str = "",
    parameters: dict[str, str] | None = None,
) -> Event:
    """A request of ``route`` (``GET /v1/devices``). ``body``: bytes as they came, or an object for JSON."""
    path, _, query = path.partition("?")
    raw = body_bytes(body)
    event: Event = {
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": route.partition(" ")[0]}},
        "isBase64Encoded": True,
        "body": b64encode(raw).decode(),
    }
    if authorization:
        event["headers"]["authorization"] = authorization
    if parameters:
        event["pathParameters"] = parameters
    return event


def body_bytes(body: object) -> bytes:
    """The bytes of a body."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def authorization(
    world: World,
    device: Address,
    method: str,
    path: str,
    body: object = None,
    *,
    time: int | None = None,
    nonce: str = "",
    audience: str = AUDIENCE,
    key: Ed25519PrivateKey | None = None,
) -> str:
    """The header of a request signed by ``device``, or with another ``key``."""
    at = world.time if time is None else time
    nonce = nonce or ("-" if method == "GET" else NONCE)
    text = signed_bytes.http(audience, device, method, path, body_bytes(body), at, nonce)
    signature = base64url.encode((key or world.keys[device]).sign(text))
    return f"Heliograph-v1 {device}:{at}:{nonce}:{signature}"
