"""The function of the probe stack: authorizer, ``$connect`` and every route at once; it does what it is told.

Its text goes into the template as it stands, so it imports nothing of ours and stays below 4,096 characters.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from typing import Any

BORN = os.urandom(8).hex()
ticks = 0


def _tick() -> None:
    global ticks  # noqa: PLW0603 - what a frozen process stops counting
    while True:
        time.sleep(0.05)
        ticks += 1


threading.Thread(target=_tick, daemon=True).start()


def handler(event: dict[str, Any], context: object) -> Any:
    """Do what the query of a handshake, or the JSON of a frame or of a request, says."""
    about = event.get("requestContext") or {}
    told = dict(event.get("queryStringParameters") or {})
    if event.get("type") == "REQUEST":
        return _authorize(told["proof"], event["methodArn"])
    if about.get("eventType") == "DISCONNECT":
        return {"statusCode": 200}
    try:
        frame = json.loads(event.get("body") or "{}")
    except (ValueError, RecursionError):
        frame = {}
    told |= frame if isinstance(frame, dict) else {}
    if "say" in told:
        print(told["say"])
    time.sleep(float(told.get("sleep", 0)))
    if "fail" in told:
        raise ValueError(told["fail"])
    answer: dict[str, Any] = {"statusCode": int(told.get("status", 200))}
    if told.get("answer") != "absent":
        answer["body"] = "" if told.get("answer") == "empty" else json.dumps(_about(told, about))
    return answer


def _about(told: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    return {
        "ref": told.get("ref"),
        "route": about.get("routeKey"),
        "connection": about.get("connectionId"),
        "direction": about.get("messageDirection"),
        "size": len(told.get("text", "")),
        "process": BORN,
        "ticks": ticks,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
    }


def _authorize(proof: str, arn: str) -> dict[str, Any]:
    if proof == "crash":
        raise ValueError(proof)
    effect = "Deny" if proof == "deny" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {"principalId": "p", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
