"""Holds what the end-to-end suite sees on the wire against the published contract.

Every frame and body that the suite sends or receives goes through here, so a server that drifts from
``schemas/`` fails even where no test looks at the field. Knows the contract only, nothing of the server.
All checks raise ``AssertionError`` with the schema, the path inside the object and what is wrong there.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from schemas import documents, frames

SERVER_FRAME_BYTES = 32_768


def check_client_frame(frame: Any) -> None:
    """A frame as a client may send it; ``action`` names its schema."""
    action = frame.get("action") if isinstance(frame, dict) else None
    if action not in _actions():
        raise AssertionError(f"no client frame: action {action!r} is none of {', '.join(sorted(_actions()))}")
    check(action, frame)


def check_server_frame(frame: Any) -> None:
    """A frame as the server may send it: events, an answer or an error, which its fields tell apart."""
    if not isinstance(frame, dict):
        raise AssertionError(f"no server frame: {frame!r} is not an object")  # noqa: TRY004 - as promised
    if "error" in frame:
        name = "error"
    elif "results" in frame:
        name = "send_answer"
    else:
        name = "sync_answer" if "ref" in frame else "events"
    check(name, frame)
    _check_codes(frame)
    size = len(json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode())
    if size > SERVER_FRAME_BYTES:
        raise AssertionError(f"{name}: {size} bytes, more than the {SERVER_FRAME_BYTES} of a server frame")


def check_request(route: str, body: Any) -> None:
    """A body as a client may send it to ``route``, such as ``POST /v1/register``; ``None`` for no body."""
    request = _operation(route).get("requestBody")
    if request is None:
        if body is not None:
            raise AssertionError(f"{route}: takes no body, got {body!r}")
        return
    check(_schema_of(request), body)


def check_body(route: str, status: int, body: Any) -> None:
    """The body of an answer of ``route``; for an error also that its code has this status."""
    responses = _operation(route)["responses"]
    response = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    if response is None:
        raise AssertionError(f"{route}: status {status} is none of {', '.join(responses)}")
    check(_schema_of(response), body)
    if status >= 400:
        code = body["error"]["code"]
        expected = _openapi()["components"]["x-error-status"].get(code)
        if expected != status:
            raise AssertionError(f"{route}: {code} came with status {status}, not {expected}")


def check(name: str, instance: Any) -> None:
    """``instance`` against ``schemas/messages/<name>.schema.json``."""
    for error in _validator(name).iter_errors(instance):
        path = "/".join(str(part) for part in error.instance_path) or "(top)"
        raise AssertionError(f"{name}: at {path}: {error.message}")


def _check_codes(frame: dict[str, Any]) -> None:
    """Each error has a code that asyncapi.yaml lists for the place where it stands."""
    found = {
        "frame": [frame] if "error" in frame else [],
        "message": [result for result in frame.get("results", []) if "error" in result],
        "ack_error": [{"error": frame["ack_error"]}] if "ack_error" in frame else [],
    }
    allowed = _asyncapi()["components"]["x-error-codes"]
    for place, holders in found.items():
        for holder in holders:
            code = holder["error"]["code"]
            if code not in allowed[place]:
                raise AssertionError(f"{code} is no code for {place}")


@cache
def _validator(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(frames.load(name))


@cache
def _openapi() -> dict[str, Any]:
    return documents.openapi()


@cache
def _asyncapi() -> dict[str, Any]:
    return documents.read("asyncapi.yaml")


@cache
def _actions() -> frozenset[str]:
    """The operations that a server receives are named as the actions."""
    operations = _asyncapi()["operations"]
    return frozenset(name for name, operation in operations.items() if operation["action"] == "receive")


def _operation(route: str) -> dict[str, Any]:
    """The operation of ``METHOD /path/{parameter}`` as docs/protocol.md writes it."""
    method, _, path = route.partition(" ")
    try:
        operation: dict[str, Any] = _openapi()["paths"][path][method.lower()]
    except KeyError:
        raise AssertionError(f"no route {route!r} in openapi.yaml") from None
    return operation


def _schema_of(holder: dict[str, Any]) -> str:
    """Name of the frame schema of a request or response, which may stand under ``components``."""
    if "$ref" in holder:
        holder = _openapi()["components"]["responses"][holder["$ref"].rpartition("/")[2]]
    return str(holder["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
