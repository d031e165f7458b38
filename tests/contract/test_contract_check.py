"""The check that end-to-end tests put every frame through lets the contract pass and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from schemas import frames
from tests.e2e import contract

SERVER_FRAMES = ("error", "events", "send_answer", "sync_answer")


def example(name: str, index: int = 0) -> Any:
    """A fresh example of a frame or body."""
    return copy.deepcopy(frames.load(name)["examples"][index])


@pytest.mark.parametrize("name", ["ack", "send", "sync"])
def test_client_frames_pass(name: str) -> None:
    """Every example of a client frame passes, and fails without its ref."""
    for frame in frames.load(name)["examples"]:
        contract.check_client_frame(frame)
        with pytest.raises(AssertionError, match=name):
            contract.check_client_frame({key: value for key, value in frame.items() if key != "ref"})


@pytest.mark.parametrize("frame", [{"action": "typing", "ref": "1"}, {"ref": "1"}, [], None, "sync"])
def test_unknown_actions_fail(frame: Any) -> None:
    """A frame without an action of this protocol fails by name."""
    with pytest.raises(AssertionError, match="no client frame"):
        contract.check_client_frame(frame)


@pytest.mark.parametrize("name", SERVER_FRAMES)
def test_server_frames_pass(name: str) -> None:
    """Every example of a server frame is recognised and passes."""
    for frame in frames.load(name)["examples"]:
        contract.check_server_frame(frame)


@pytest.mark.parametrize(
    ("frame", "where"),
    [
        ({}, "events"),
        ([], "no server frame"),
        ({"events": []}, "events"),
        ({"events": [{"type": "telegram"}]}, "events/0"),
        ({"ref": "1", "events": []}, "sync_answer"),
        ({"ref": "1", "time": 1, "results": []}, "results"),
        ({"error": {"code": "BAD_FRAME", "message": ""}}, "error"),
        ({"ref": "1", "error": {"code": "bad frame", "message": ""}}, "error/code"),
        ({"message": "Internal server error", "connectionId": "x", "requestId": "y"}, "events"),
    ],
)
def test_wrong_server_frames_fail_with_the_place(frame: Any, where: str) -> None:
    """Neither a broken frame nor what API Gateway says on its own passes; the message has the place."""
    with pytest.raises(AssertionError, match=where):
        contract.check_server_frame(frame)


def test_codes_stand_where_they_belong() -> None:
    """A code of a message does not pass for a whole frame, nor the other way round."""
    with pytest.raises(AssertionError, match="ID_STALE is no code for frame"):
        contract.check_server_frame({"ref": "1", "error": {"code": "ID_STALE", "message": ""}})
    answer = example("send_answer")
    answer["results"][1]["error"]["code"] = "BAD_TOKEN"
    with pytest.raises(AssertionError, match="BAD_TOKEN is no code for message"):
        contract.check_server_frame(answer)
    answer = example("send_answer") | {"ack_error": {"code": "ID_STALE", "message": ""}}
    with pytest.raises(AssertionError, match="ID_STALE is no code for ack_error"):
        contract.check_server_frame(answer)


def test_large_server_frames_fail() -> None:
    """A server frame has at most 32,768 bytes, which no schema can say."""
    frame = example("events")
    frame["events"] *= 200
    with pytest.raises(AssertionError, match="bytes"):
        contract.check_server_frame(frame)


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("GET /.well-known/heliograph", "discovery_answer"),
        ("POST /v1/register", "register_answer"),
        ("GET /v1/links/{key}", "link_answer"),
        ("DELETE /v1/devices/{device}", "devices_answer"),
        ("GET /v1/account", "own_account_answer"),
        ("PUT /v1/account/blocks/{account}", "relation_answer"),
    ],
)
def test_answers_pass(route: str, name: str) -> None:
    """The example of an answer passes for its route, and an empty object does not."""
    contract.check_body(route, 200, example(name))
    with pytest.raises(AssertionError, match=name):
        contract.check_body(route, 200, {})


def test_requests_pass() -> None:
    """A body passes for the route that takes it; a route without one refuses any."""
    contract.check_request("POST /v1/devices", example("link_request"))
    contract.check_request("GET /v1/devices", None)
    with pytest.raises(AssertionError, match="link_request"):
        contract.check_request("POST /v1/devices", None)
    with pytest.raises(AssertionError, match="no body"):
        contract.check_request("GET /v1/devices", {})


def test_errors_come_with_their_status() -> None:
    """An error body passes with the one status of its code, and with no other; socket codes have none."""
    error = example("error_answer")
    contract.check_body("GET /v1/accounts/{account}", 404, error)
    with pytest.raises(AssertionError, match="NOT_FOUND came with status 400, not 404"):
        contract.check_body("GET /v1/accounts/{account}", 400, error)
    with pytest.raises(AssertionError, match="not None"):
        contract.check_body("GET /v1/account", 400, {"error": {"code": "BAD_TOKEN", "message": ""}})
    with pytest.raises(AssertionError, match="error_answer"):
        contract.check_body("GET /v1/account", 401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    ("route", "status"), [("GET /v1/nothing", 200), ("POST /v1/account", 200), ("GET /v1/account", 302)]
)
def test_unknown_routes_and_statuses_fail(route: str, status: int) -> None:
    """What openapi.yaml does not describe does not pass."""
    with pytest.raises(AssertionError):
        contract.check_body(route, status, {})
