"""The authorizer of ``$connect``: its context is the identity of every later frame of the socket."""

from __future__ import annotations

from typing import Any

from chat import observability
from chat.bootstrap import Services, lambda_handler, services
from chat.errors import ChatError
from chat.usecases.authorize import authorize
from chat.wire.connect_url import parse_proof

Event = dict[str, Any]


def handle(event: Event, app: Services) -> dict[str, Any]:
    """An Allow with the device in its context (all strings), or a Deny: the client sees only 403."""
    proof = parse_proof((event.get("queryStringParameters") or {}).get("proof", ""))
    previous = None
    if proof is not None:
        headers = {key.lower(): value for key, value in (event.get("headers") or {}).items()}
        try:
            previous = authorize(
                proof,
                headers.get("origin"),
                audience=app.identity.audience,
                allowed_origins=app.identity.allowed_origins,
                cards=app.cards,
                connect_numbers=app.connect_numbers,
                check_signature=app.check_signature,
                now=app.now(),
            )
        except ChatError as limited:
            observability.refused("authorize", limited.code)
    if proof is None or previous is None:
        return _policy(event, "Deny", "nobody", {})
    context = {
        "account": proof.device.account,
        "device": str(proof.device.device),
        "connect_number": str(proof.number),
        "previous_number": str(previous),
    }
    return _policy(event, "Allow", str(proof.device), context)


def _policy(event: Event, effect: str, principal: str, context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


def _entry(event: Event, _context: object) -> dict[str, Any]:
    """The event of API Gateway."""
    return handle(event, services())


handler = lambda_handler("authorize", _entry)
