"""Where the emulator differs from AWS: what is mended, and what is not.

Tests on ``shipped`` are probes: one that fails says that the emulator has caught up and that the patch it
names, or the warning in ``docs/local-cloud.md``, can go. Tests on ``mended`` say what holds in the local
cloud.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.frames import Close

from local.emulator_patches import MESSAGE_BYTES
from local.lambda_workers import WORKERS
from local.ports import HOST
from tests.integration.local.emulators import TIMEOUT_SECONDS, Emulator, ask

pytestmark = pytest.mark.integration


def round_trip(emulator: Emulator) -> float:
    """Median seconds of ten silent round trips on a warm function."""
    with emulator.socket() as socket:
        ask(socket)
        times = []
        for _ in range(10):
            start = time.perf_counter()
            ask(socket)
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def processes_of_a_burst(emulator: Emulator, calls: int) -> set[int]:
    """The worker processes that served so many plain Invokes at once."""
    lambdas = emulator.client("lambda")

    def invoke(_: int) -> int:
        answer = json.load(lambdas.invoke(FunctionName="probe", Payload=b'{"sleep": 0.2}')["Payload"])
        return int(json.loads(answer["body"])["pid"])

    with ThreadPoolExecutor(calls) as pool:
        return set(pool.map(invoke, range(calls)))


def seconds_of_two_slow_frames(emulator: Emulator, *, one_socket: bool) -> float:
    """How long two frames of half a second take, sent at once on one socket or on two."""
    with emulator.socket() as first, emulator.socket() as other:
        second = first if one_socket else other
        ask(first)
        start = time.perf_counter()
        for socket in (first, second):
            socket.send('{"action": "call", "sleep": 0.5}')
        for socket in (first, second):
            socket.recv(timeout=10)
        return time.perf_counter() - start


# -- mended ------------------------------------------------------------------------------------------


def test_a_silent_handler_waits_50_ms(shipped: Emulator) -> None:
    """As shipped, an invocation without a log line waits for one."""
    assert round_trip(shipped) > 0.045


def test_a_round_trip_takes_a_few_milliseconds(mended: Emulator) -> None:
    """Mended, nothing is waited for."""
    assert round_trip(mended) < 0.02


def test_a_route_has_one_process(shipped: Emulator) -> None:
    """As shipped, frames of different people wait for each other, and a burst of Invokes has no bound."""
    assert seconds_of_two_slow_frames(shipped, one_socket=False) > 0.95
    assert len(processes_of_a_burst(shipped, 10)) > WORKERS


def test_the_pool_is_capped_both_ways(mended: Emulator) -> None:
    """Mended, handlers that wait overlap, and no burst starts more processes than the cap."""
    seconds_of_two_slow_frames(mended, one_socket=False)  # both processes started
    assert seconds_of_two_slow_frames(mended, one_socket=False) < 0.9
    assert len(processes_of_a_burst(mended, 10)) <= WORKERS


def test_a_handler_that_raises_keeps_its_process(mended: Emulator) -> None:
    """As on AWS, an unhandled error does not make the next call a cold one."""
    with mended.socket() as socket:
        before = ask(socket)["pid"]
        ask(socket, fail="x")
        assert ask(socket)["pid"] == before


def test_frames_of_one_socket_overlap(mended: Emulator) -> None:
    """Nothing may depend on arrival order in AWS, so nothing can here."""
    seconds_of_two_slow_frames(mended, one_socket=True)
    assert seconds_of_two_slow_frames(mended, one_socket=True) < 0.9


def test_the_text_of_an_exception_reaches_the_client(shipped: Emulator) -> None:
    """As shipped, the text leaks, a body is sent without a route response, and frames queue up."""
    with shipped.socket() as socket:
        socket.send('{"action": "call", "fail": "a secret"}')
        assert "a secret" in str(socket.recv(timeout=10))
        socket.send('{"action": "quiet"}')
        assert "pid" in str(socket.recv(timeout=10))
    assert seconds_of_two_slow_frames(shipped, one_socket=True) > 0.95


def test_an_unhandled_error_gives_the_generic_frame(mended: Emulator) -> None:
    """The client learns that it failed and under which request, nothing else."""
    with mended.socket() as socket:
        answer = ask(socket, fail="a secret")
    assert answer.pop("message") == "Internal server error"
    assert sorted(answer) == ["connectionId", "requestId"]
    entries = [json.loads(line) for line in mended.log.read_text().splitlines()]
    assert "a secret" in [entry["text"] for entry in entries if entry["request"] == answer["requestId"]][-1]


def test_a_timeout_gives_the_generic_frame_and_the_next_call_works(mended: Emulator) -> None:
    """A handler past its time is killed, as on AWS, and harms nobody after it."""
    with mended.socket() as socket:
        start = time.perf_counter()
        assert ask(socket, sleep=30)["message"] == "Internal server error"
        assert TIMEOUT_SECONDS <= time.perf_counter() - start < TIMEOUT_SECONDS + 2
        assert "pid" in ask(socket)


def test_a_body_needs_a_route_response(mended: Emulator) -> None:
    """A route without one answers nothing: the next frame on the socket is the answer of the next route."""
    with mended.socket() as socket:
        socket.send('{"action": "quiet", "ref": "dropped"}')
        time.sleep(0.3)
        assert ask(socket, ref="kept")["ref"] == "kept"


def test_a_log_line_stands_under_its_request(mended: Emulator) -> None:
    """Whatever a handler prints is in lambda.log by the time of the answer or soon after."""
    with mended.socket() as socket:
        request = ask(socket, say="hello from the handler")["requestId"]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        entries = [json.loads(line) for line in mended.log.read_text().splitlines()]
        if found := [entry for entry in entries if entry["text"] == "hello from the handler"]:
            break
        time.sleep(0.02)
    assert [(entry["function"], entry["request"]) for entry in found] == [("probe", request)]


def test_a_binary_frame_is_read_as_text(shipped: Emulator) -> None:
    """As shipped, it is served; and deeply nested JSON ends the socket."""
    with shipped.socket() as socket:
        socket.send(b'{"action": "call"}')
        assert "pid" in str(socket.recv(timeout=10))
        socket.send("[" * 100_000)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def test_a_binary_frame_closes_the_socket(mended: Emulator) -> None:
    """As on AWS with 1003; deeply nested JSON is a frame as any other."""
    with mended.socket() as socket:
        socket.send("[" * 100_000)
        assert "pid" in ask(socket)
        socket.send(b'{"action": "call"}')
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


def handshake(emulator: Emulator, query: str) -> int:
    """The status of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        emulator.socket(query)
    return refused.value.response.status_code


def test_a_connect_that_fails_is_a_403(shipped: Emulator) -> None:
    """As shipped, whatever the function said or did."""
    assert [handshake(shipped, query) for query in ("?fail=x", "?status=503")] == [403, 403]


def test_a_handshake_has_the_status_of_its_function(mended: Emulator) -> None:
    """As on AWS: 502 where it failed, else its own; and the text of an exception stays inside."""
    assert [handshake(mended, q) for q in ("?fail=x", "?status=403", "?status=503")] == [502, 403, 503]
    with mended.socket("?ref=x") as socket:
        assert "pid" in ask(socket)


def send_broken_text(emulator: Emulator) -> Close | None:
    """What the server closes with after text that is not UTF-8."""
    with emulator.socket() as socket:
        socket.send(b'{"action": "call", "ref": "\xff"}', text=True)
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=10)
    return closed.value.rcvd


def test_text_that_is_not_utf8_cuts_the_socket(shipped: Emulator) -> None:
    """As shipped, no close frame says why."""
    assert send_broken_text(shipped) is None


def test_text_that_is_not_utf8_closes_the_socket(mended: Emulator) -> None:
    """With 1007, which the WebSocket protocol asks for."""
    closed = send_broken_text(mended)
    assert closed is not None
    assert closed.code == 1007


def failed_request(emulator: Emulator) -> tuple[int, str]:
    """Status and body of a request whose function raises."""
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(f"{emulator.https}/probe?fail=secret", timeout=10)  # noqa: S310
    return failed.value.code, failed.value.read().decode()


def test_a_failed_request_shows_the_exception(shipped: Emulator) -> None:
    """As shipped, with its text."""
    status, body = failed_request(shipped)
    assert status == 502
    assert "secret" in body


def test_a_failed_request_is_the_generic_answer(mended: Emulator) -> None:
    """As on AWS."""
    assert failed_request(mended) == (500, '{"message": "Internal Server Error"}')


def test_a_post_may_have_any_size(shipped: Emulator) -> None:
    """As shipped, @connections takes more than AWS does."""
    with shipped.socket() as socket:
        connection = ask(socket)["connectionId"]
        shipped.client("apigatewaymanagementapi", shipped.management).post_to_connection(
            ConnectionId=connection, Data=b"x" * (MESSAGE_BYTES + 1)
        )


def test_a_post_above_128_kb_is_refused(mended: Emulator) -> None:
    """The largest message goes through, one byte more is the error that AWS names."""
    api = mended.client("apigatewaymanagementapi", mended.management)
    with mended.socket() as socket:
        connection = ask(socket)["connectionId"]
        api.post_to_connection(ConnectionId=connection, Data=b"x" * MESSAGE_BYTES)
        assert len(socket.recv(timeout=10)) == MESSAGE_BYTES
        with pytest.raises(api.exceptions.PayloadTooLargeException):
            api.post_to_connection(ConnectionId=connection, Data=b"x" * (MESSAGE_BYTES + 1))


POSTED = 80
"""Posts of 128 KB: more than the buffers of a socket hold, so that some still wait in the emulator."""


def received_by_a_slow_reader(emulator: Emulator) -> int:
    """How many of ``POSTED`` frames come to a client that reads only while its socket is being deleted."""
    api = emulator.client("apigatewaymanagementapi", emulator.management)
    with emulator.socket(queue=1) as socket, ThreadPoolExecutor(1) as pool:
        connection = ask(socket)["connectionId"]
        for _ in range(POSTED):
            api.post_to_connection(ConnectionId=connection, Data=b"x" * MESSAGE_BYTES)
        deleting = pool.submit(api.delete_connection, ConnectionId=connection)
        time.sleep(0.1)  # the deletion is under way
        received = 0
        try:
            while socket.recv(timeout=10):
                received += 1
        except ConnectionClosed:
            deleting.result()
    return received


def test_a_deleted_socket_loses_what_was_posted(shipped: Emulator) -> None:
    """As shipped, what still waits to be sent is dropped."""
    assert received_by_a_slow_reader(shipped) < POSTED


def test_a_deleted_socket_has_got_what_was_posted(mended: Emulator) -> None:
    """It is closed behind the last post, so whoever is sent away learns why."""
    assert received_by_a_slow_reader(mended) == POSTED


def test_a_frame_above_128_kb_closes_the_socket(mended: Emulator) -> None:
    """As on AWS with 1009."""
    with mended.socket() as socket:
        socket.send("x" * (MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_message_above_128_kb_closes_the_socket_in_however_many_pieces_it_comes(mended: Emulator) -> None:
    """With 1009, and the link is closed behind it; as shipped it stays half open."""
    text = "x" * (2 * MESSAGE_BYTES)
    for piece in (30_000, 2 * MESSAGE_BYTES):
        with mended.socket() as socket:
            socket.send([text[i : i + piece] for i in range(0, len(text), piece)])
            with pytest.raises(ConnectionClosedError) as closed:
                socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_iam_is_enforced(mended: Emulator) -> None:
    """A post without a signature is refused."""
    request = urllib.request.Request(f"{mended.management}/@connections/x", data=b"x")  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)  # noqa: S310
    assert refused.value.code == 403


def test_a_function_without_a_grant_is_refused(mended: Emulator) -> None:
    """A grant that the template forgot fails on a laptop already."""
    with mended.socket() as socket:
        failed = ask(socket, queues=True)
    texts = [json.loads(line) for line in mended.log.read_text().splitlines()]
    assert "AccessDenied" in [entry["text"] for entry in texts if entry["request"] == failed["requestId"]][-1]


def test_only_this_machine_can_reach_it(mended: Emulator) -> None:
    """One port, on 127.0.0.1."""
    listening = [
        c.laddr for c in psutil.Process(mended.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN
    ]
    assert [(address[0], address[1]) for address in listening] == [(HOST, mended.port)]


# -- not mended: docs/local-cloud.md names each ------------------------------------------------------


def test_remaining_a_delay_of_more_than_15_minutes_is_accepted(mended: Emulator) -> None:
    """AWS refuses DelaySeconds above 900."""
    queue = mended.client("sqs").create_queue(QueueName="probe")["QueueUrl"]
    mended.client("sqs").send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=901)


def test_remaining_a_frame_without_a_route_is_dropped_in_silence(mended: Emulator) -> None:
    """AWS answers Forbidden where there is no $default route."""
    with mended.socket() as socket:
        socket.send('{"action": "unknown"}')
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)


def test_remaining_an_event_lacks_the_message_direction(mended: Emulator) -> None:
    """AWS puts messageDirection into the request context of every frame."""
    with mended.socket() as socket:
        assert ask(socket)["messageDirection"] is None


def test_remaining_there_is_no_throttle(mended: Emulator) -> None:
    """AWS answers 429 to a stage that is throttled to one request a second."""
    gateway = mended.client("apigatewayv2")
    settings = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 1.0}
    gateway.update_stage(ApiId=mended.api, StageName="v1", DefaultRouteSettings=settings)
    with mended.socket() as socket:
        assert all("pid" in ask(socket) for _ in range(5))
