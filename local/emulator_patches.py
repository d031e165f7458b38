"""Everything in which our local AWS differs from ministack as it ships: the one place for it.

Each patch has a reason, checks what it replaces before it does (a new ministack that no longer reads a name
would otherwise ignore the patch in silence) and names its probe: a test in ``tests/integration/local`` that
runs the same thing against the unpatched emulator and fails once the patch is no longer needed. All names are
of ministack 1.5.33.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.services import apigateway as gateway
from ministack.services import lambda_svc as lambdas
from wsproto.connection import Connection, ConnectionState
from wsproto.events import CloseConnection, Message
from wsproto.events import Event as WsEvent

from local import lambda_workers
from local.lambda_workers import FAILED, Function, LambdaLog

#: The largest message of API Gateway, in bytes, in both directions.
MESSAGE_BYTES = 128 * 1024

#: How long a socket that is deleted may take to get what was posted before; a client that reads needs less.
LAST_WORDS_SECONDS = 2.0

#: Close code for a kind of frame that is not taken (RFC 6455, 7.4.1).
_NO_TEXT = 1003

#: Place of the event type among the parameters of ``_invoke_ws_lambda``.
_KIND = 6

_running: set[asyncio.Task[None]] = set()

_refused_with: ContextVar[int] = ContextVar("the status with which $connect refuses this handshake")


class EmulatorChangedError(RuntimeError):
    """ministack no longer has what a patch replaces: read the patch, then mend or remove it."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One difference to ministack as shipped. ``probe`` is the test that says whether it is still needed."""

    reason: str
    probe: str
    apply: Callable[[LambdaLog], None]


def _expect(what: Any, parameters: str) -> None:
    """Raise ``EmulatorChangedError`` unless the function takes exactly these parameters."""
    found = ", ".join(inspect.signature(what).parameters)
    if found != parameters:
        raise EmulatorChangedError(f"{what.__module__}.{what.__qualname__}({found}): expected ({parameters})")


def _copy_stderr(worker: Any, log: LambdaLog) -> None:
    log.copy_stderr(worker)


def _log_without_waiting(log: LambdaLog) -> None:
    script = runtime._PYTHON_WORKER_SCRIPT
    first, call = "\ndef run():\n", "            result = handler_fn(event, context)\n"
    end = "        if not line:\n            break\n"
    if (
        "    sys.stdout = sys.stderr\n" not in script
        or [script.count(text) for text in (first, call, end)] != [1] * 3
    ):
        raise EmulatorChangedError("the worker script of ministack.core.lambda_runtime")
    _expect(runtime.Worker._read_stderr, "self")
    tagged = "    sys.stderr.request = context.aws_request_id\n"
    script = script.replace(first, lambda_workers.WORKER_START + first).replace(
        call, "        " + tagged + call
    )
    runtime._PYTHON_WORKER_SCRIPT = script.replace(end, end.replace("break", "os._exit(0)"))
    runtime.Worker._read_stderr = functools.partialmethod(_copy_stderr, log)

    _expect(lambdas._emit_lambda_logs, "func, request_id, log_text, error, duration_ms, log_source")
    lambdas._emit_lambda_logs = lambda *_args, **_named: None


def _one_worker_pool(log: LambdaLog) -> None:
    """See ``local.lambda_workers``. Both ways into a function end there."""
    _expect(runtime.acquire_worker, "func_name, config, code_zip, qualifier, max_concurrency")
    _expect(runtime.get_or_create_worker, "func_name, config, code_zip, qualifier")
    _expect(lambdas._run_with_function_config_scope, "func_or_config, callback, args, kwargs")
    _expect(lambdas._execute_function_warm, "func, event, request_id")
    in_scope, in_thread = lambdas._run_with_function_config_scope, gateway.run_reentrant

    class RouteWorker:
        """What a WebSocket route gets for a worker: its ``invoke`` answers on the event loop."""

        def __init__(self, *function: Any, **named: Any) -> None:
            self.function = Function(*function, **named)

        async def invoke(self, event: object, request: str) -> dict[str, Any]:
            answer = await lambda_workers.invoke(log, self.function, event, request)
            failed = {"status": "ok", "result": {"statusCode": 500, FAILED: True}}
            return answer if answer["status"] == "ok" else failed

    async def run(function: Any, *args: Any, **named: Any) -> Any:
        if function is not in_scope:
            return await in_thread(function, *args, **named)
        outcome = function(*args)
        return await outcome if inspect.isawaitable(outcome) else outcome

    def execute(record: dict[str, Any], event: object, request: str) -> dict[str, Any]:
        config = record.get("config") or record
        version = config.get("Version", "$LATEST")
        target = Function(config["FunctionName"], config, record["code_zip"], version)
        call = lambda_workers.invoke(log, target, event, request)
        answer = asyncio.run_coroutine_threadsafe(call, loop).result()
        if answer["status"] == "ok":
            return {"body": answer["result"], "log": ""}
        kind = "Sandbox.Timedout" if answer["error"].startswith("Task timed out") else "Runtime.HandlerError"
        return {"body": {"errorMessage": answer["error"], "errorType": kind}, "error": True, "log": ""}

    loop = asyncio.get_running_loop()
    runtime.get_or_create_worker = RouteWorker
    gateway.run_reentrant = run
    lambdas._execute_function_warm = execute
    lambdas._ensure_reaper_thread()


def _socket_as_on_aws(log: LambdaLog) -> None:
    """Frames overlap, a body needs a route response, a failure is told without its text."""
    del log
    _expect(
        gateway._invoke_ws_lambda,
        "api_id, account_id, region, route, stage, connection_id, event_type, message_id, body_text, "
        "source_ip, headers, query_params, kwargs",
    )
    shipped = gateway._invoke_ws_lambda

    async def invoke(*where: Any, **named: Any) -> dict[str, Any] | None:
        call = shipped(*where, **named)
        if where[_KIND] != "MESSAGE":
            answered: dict[str, Any] = await call or {}
            _refused_with.set(502 if answered.get(FAILED) else int(answered.get("statusCode", 200)))
            return answered
        task = asyncio.create_task(answer(call, where))
        _running.add(task)
        task.add_done_callback(_running.discard)
        return None

    async def answer(call: Any, where: tuple[Any, ...]) -> None:
        api, route, connection, request = where[0], where[3]["routeId"], where[5], where[7]
        got = await call or {}
        if got.get(FAILED):
            told = {"message": "Internal server error", "connectionId": connection, "requestId": request}
            body: object = json.dumps(told)
        elif gateway._route_responses.get(api, {}).get(route):
            body = got.get("body")
        else:
            return
        record = gateway._ws_connections.get(connection)
        if body and record:
            record["outbox"].put_nowait(body if isinstance(body, str) else json.dumps(body))

    gateway._invoke_ws_lambda = invoke


def _frames_as_on_aws(log: LambdaLog) -> None:
    """A binary frame closes the socket with 1003; text that no parser takes goes to ``$default``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html
    """
    del log
    _expect(gateway.handle_websocket, "scope, receive, send, api_id, path_override")
    _expect(gateway._evaluate_route_selection, "expr, payload_text")
    shipped, select = gateway.handle_websocket, gateway._evaluate_route_selection

    async def handle(scope: Any, receive: Any, send: Any, api: str, **named: Any) -> None:
        async def receive_text() -> dict[str, Any]:
            message: dict[str, Any] = await receive()
            if message["type"] == "websocket.receive" and message.get("text") is None:
                await send({"type": "websocket.close", "code": _NO_TEXT})
                return {"type": "websocket.disconnect", "code": _NO_TEXT}
            return message

        await shipped(scope, receive_text, send, api, **named)

    def route(expression: str, text: str) -> str:
        try:
            key: str = select(expression, text)
        except RecursionError:
            return "$default"
        return key

    gateway.handle_websocket = handle
    gateway._evaluate_route_selection = route


def _handshake_says_why(log: LambdaLog) -> None:
    """The handshake gets the status of ``$connect``: its own one, or 502 where it failed.

    https://github.com/serverless/serverless-websockets-plugin/issues/13
    """
    del log
    _expect(gateway._refuse_ws_handshake, "scope, send, status, message, connection_id, request_id")
    shipped = gateway.handle_websocket

    async def handle(scope: Any, receive: Any, send: Any, api: str, **named: Any) -> None:
        accepted = False
        _refused_with.set(0)

        async def answer(message: dict[str, Any]) -> None:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            if message["type"] == "websocket.close" and not accepted and _refused_with.get() >= 300:
                status = _refused_with.get()
                text = "Internal server error" if status >= 500 else "Forbidden"
                await gateway._refuse_ws_handshake(scope, send, status, text, "", "")
                return
            await send(message)

        await shipped(scope, receive, answer, api, **named)

    gateway.handle_websocket = handle


def _broken_text_is_told(log: LambdaLog) -> None:
    """Text that is not UTF-8 closes the socket with 1007, another broken frame with 1002 (RFC 6455, 7.1.7),
    a message that is too large with 1009, in however many pieces it comes.

    hypercorn answers a close frame only in the state in which a client's own leaves the connection.
    """
    del log
    _expect(Connection.events, "self")
    shipped = Connection.events

    def events(self: Connection) -> Generator[WsEvent, None, None]:
        for event in shipped(self):
            if isinstance(event, Message) and self.state is ConnectionState.LOCAL_CLOSING:
                continue  # the rest of a message that was too large: hypercorn would never close behind it
            if isinstance(event, CloseConnection) and self.state is ConnectionState.OPEN:
                self._state = ConnectionState.REMOTE_CLOSING
            yield event

    Connection.events = events  # type: ignore[method-assign]


def _failures_over_http(log: LambdaLog) -> None:
    """A function that fails is a 500 without its text."""
    del log
    _expect(lambdas.lambda_execute_result_to_api_proxy_response, "exec_result")
    shipped = lambdas.lambda_execute_result_to_api_proxy_response

    def convert(result: dict[str, Any]) -> Any:
        if not result.get("error"):
            return shipped(result)
        headers = {"Content-Type": "application/json"}
        said = json.dumps({"message": "Internal Server Error"})
        return {"statusCode": 500, "headers": headers, "body": said}, None

    lambdas.lambda_execute_result_to_api_proxy_response = convert


def _post_limit(log: LambdaLog) -> None:
    del log
    _expect(gateway.handle_connections_api, "method, api_id, stage, connection_id, body, headers")
    shipped = gateway.handle_connections_api

    @functools.wraps(shipped)
    async def handle(
        method: str, api: str, stage: str, connection: str, body: bytes, headers: dict[str, str]
    ) -> Any:
        if method == "POST" and len(body) > MESSAGE_BYTES:
            error = {"Content-Type": "application/json", "x-amzn-ErrorType": "PayloadTooLargeException"}
            return 413, error, json.dumps({"message": "Message too long"}).encode()
        return await shipped(method, api, stage, connection, body, headers)

    gateway.handle_connections_api = handle


def _last_words_arrive(log: LambdaLog) -> None:
    """A socket is closed behind what was posted to it; its sender stops where it learns of the close."""
    del log
    _expect(gateway.handle_connections_api, "method, api_id, stage, connection_id, body, headers")
    shipped = gateway.handle_connections_api

    async def handle(
        method: str, api: str, stage: str, connection: str, body: bytes, headers: dict[str, str]
    ) -> Any:
        record = gateway._ws_connections.get(connection)
        if method == "DELETE" and record:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    while not record["outbox"].empty():  # noqa: ASYNC110, a queue tells nobody
                        await asyncio.sleep(0.002)
        return await shipped(method, api, stage, connection, body, headers)

    gateway.handle_connections_api = handle


PATCHES: tuple[Patch, ...] = (
    Patch(
        "An invocation that logs nothing waits 50 ms for a log line: 19 frames a second. Lines of WebSocket "
        "routes are dropped, the others kept in memory; here all go to lambda.log as they come.",
        "test_a_silent_handler_waits_50_ms",
        _log_without_waiting,
    ),
    Patch(
        "A WebSocket route has one process, authorizers and HTTP routes have as many as there are requests, "
        "each invocation costs two threads, and a handler that raises loses its process.",
        "test_a_route_has_one_process",
        _one_worker_pool,
    ),
    Patch(
        "Frames of a socket run one after the other, a body is sent without a route response, and "
        "the text of an exception reaches the client.",
        "test_the_text_of_an_exception_reaches_the_client",
        _socket_as_on_aws,
    ),
    Patch(
        "A binary frame is read as text, and deeply nested JSON ends the socket without a word; AWS closes "
        "with 1003, and what it cannot parse takes the default route.",
        "test_a_binary_frame_is_read_as_text",
        _frames_as_on_aws,
    ),
    Patch(
        "A handshake that $connect refuses or in which it fails is a 403; AWS answers with the status of "
        "$connect, 502 where it failed.",
        "test_a_connect_that_fails_is_a_403",
        _handshake_says_why,
    ),
    Patch(
        "Text that is not UTF-8 ends the socket without a close frame; RFC 6455 asks for 1007. After 1009 "
        "the socket stays half open where the rest of the message was still to come.",
        "test_text_that_is_not_utf8_cuts_the_socket",
        _broken_text_is_told,
    ),
    Patch(
        "An HTTPS request whose function failed gets the text of the exception with a 502; AWS says "
        "Internal Server Error with a 500.",
        "test_a_failed_request_shows_the_exception",
        _failures_over_http,
    ),
    Patch(
        "@connections accepts any size; AWS answers 413 above 128 KB.",
        "test_a_post_may_have_any_size",
        _post_limit,
    ),
    Patch(
        "What was posted to a socket and not sent yet is dropped when it is deleted; AWS took it before.",
        "test_a_deleted_socket_loses_what_was_posted",
        _last_words_arrive,
    ),
)


def apply_all(log: LambdaLog) -> None:
    """Apply every patch; call it once, on the emulator's event loop, before it serves. Raises
    ``EmulatorChangedError``.
    """
    for patch in PATCHES:
        patch.apply(log)
