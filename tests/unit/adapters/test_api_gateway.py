"""Posting to sockets: what the gateway's answers mean, and what is tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from chat.adapters import api_gateway
from chat.adapters.api_gateway import ConnectionsGateway
from chat.adapters.tls import aws_context
from chat.ports.sockets import Gone, Outcome, PostFailed, Throttled
from chat.settings import SocketSettings

Answer = int | Exception


class Wire:
    """Stands for the network: answers in turn, and remembers what was asked over which connection."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes]] = []
        self.connections = 0
        self.lock = threading.Lock()

    def connect(self) -> FakeLink:
        """A new connection."""
        self.connections += 1
        return FakeLink(self)


class FakeLink:
    """One kept-alive connection."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bool]:
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
        with self._wire.lock:
            self._wire.asked.append((method, path, body))
            answer = self._wire.answers.pop(0) if self._wire.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer, True

    def close(self) -> None:
        pass


Make = Callable[..., tuple[ConnectionsGateway, Wire]]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A gateway over a wire that gives these answers."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(api_gateway, "_PAUSE", (0.0, 0.0))

    def make_gateway(*answers: Answer) -> tuple[ConnectionsGateway, Wire]:
        wire = Wire(*answers)
        gateway = ConnectionsGateway(
            SocketSettings("http://127.0.0.1:4566/_aws/execute-api/a1/v1", "us-east-1")
        )
        monkeypatch.setattr(gateway, "_connect", wire.connect)
        return gateway, wire

    return make_gateway


def test_posts_to_the_callback_address_over_one_connection(make: Make) -> None:
    """The connection id is one path segment, whatever it holds; the connection is kept."""
    gateway, wire = make()
    gateway.post("L0SM9c/vHcCIhw=", b"one")
    gateway.post("b", b"two")
    base = "/_aws/execute-api/a1/v1/@connections/"
    assert wire.asked == [("POST", base + "L0SM9c%2FvHcCIhw%3D", b"one"), ("POST", base + "b", b"two")]
    assert wire.connections == 1


def test_closes_a_socket_that_may_be_gone(make: Make) -> None:
    """Closing twice is fine: gone is what was wanted."""
    gateway, wire = make(204, 410)
    gateway.close("a")
    gateway.close("a")
    assert [method for method, _, _ in wire.asked] == ["DELETE", "DELETE"]


def test_410_is_gone_at_once(make: Make) -> None:
    """A socket that is gone is not asked again."""
    gateway, wire = make(410)
    with pytest.raises(Gone):
        gateway.post("a", b"x")
    assert len(wire.asked) == 1


@pytest.mark.parametrize("trouble", [429, 500, 503, TimeoutError(), ConnectionRefusedError()])
def test_tries_once_more_after_trouble(make: Make, trouble: Answer) -> None:
    """A throttle, a server error, a timeout or a refused connection gets one more attempt."""
    gateway, wire = make(trouble, 200)
    gateway.post("a", b"x")
    assert len(wire.asked) == 2


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((429, 429), Throttled),
        ((500, 503), PostFailed),
        ((TimeoutError(), TimeoutError()), PostFailed),
        ((ConnectionRefusedError(), ConnectionRefusedError()), PostFailed),
        ((413,), PostFailed),
        ((403,), PostFailed),
    ],
)
def test_gives_up(make: Make, answers: tuple[Answer, ...], error: type[Exception]) -> None:
    """After the second trouble, or what another attempt cannot mend, the caller hears of it."""
    gateway, wire = make(*answers)
    with pytest.raises(error):
        gateway.post("a", b"x")
    assert len(wire.asked) == len(answers)


@pytest.mark.parametrize("broken", [ConnectionResetError(), BrokenPipeError(), ConnectionError("not HTTP")])
def test_a_kept_connection_that_was_closed_is_replaced_unnoticed(make: Make, broken: Exception) -> None:
    """After a freeze the kept connection is dead: a new one carries the frame and costs no attempt."""
    gateway, wire = make(200, broken, 429, 200)
    gateway.post("a", b"x")
    gateway.post("a", b"y")
    assert [body for _, _, body in wire.asked] == [b"x", b"y", b"y", b"y"]
    assert wire.connections == 2


def test_post_all_reports_each_frame(make: Make) -> None:
    """One outcome a frame, in order; a socket that fails does not hold up the others."""
    gateway, _ = make()

    def post(connection_id: str, data: bytes) -> None:
        if connection_id == "gone":
            raise Gone
        if connection_id == "slow":
            raise PostFailed

    gateway.post = post  # type: ignore[method-assign]
    frames = [("a", b"1"), ("gone", b"2"), ("slow", b"3"), ("b", b"4")]
    assert gateway.post_all(frames) == [Outcome.DELIVERED, Outcome.GONE, Outcome.FAILED, Outcome.DELIVERED]
    assert gateway.post_all([]) == []


def test_post_all_keeps_the_order_of_a_socket_and_stops_at_its_first_failure(make: Make) -> None:
    """Frames of one socket go one after the other; once it is gone the rest is not tried."""
    gateway, wire = make(200, 410)
    outcomes = gateway.post_all([("a", b"1"), ("a", b"2"), ("a", b"3")])
    assert outcomes == [Outcome.DELIVERED, Outcome.GONE, Outcome.GONE]
    assert [body for _, _, body in wire.asked] == [b"1", b"2"]


def test_post_all_posts_side_by_side(make: Make) -> None:
    """Two sockets are served at once: each post waits for the other one to have begun."""
    gateway, _ = make()
    together = threading.Barrier(2, timeout=5)

    def post(connection_id: str, data: bytes) -> None:
        together.wait()

    gateway.post = post  # type: ignore[method-assign]
    assert gateway.post_all([("a", b"1"), ("b", b"2")]) == [Outcome.DELIVERED] * 2


def test_the_cloud_is_reached_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheme of the address decides; certificates are checked."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(api_gateway, "Link", lambda *arguments: made.append(arguments))
    cloud = SocketSettings("https://a.execute-api.eu-west-1.amazonaws.com/v1", "eu-west-1")
    ConnectionsGateway(cloud)._connect()
    ConnectionsGateway(SocketSettings("http://127.0.0.1:4566/v1", "eu-west-1"))._connect()
    assert made == [
        ("a.execute-api.eu-west-1.amazonaws.com", 443, api_gateway.TIMEOUT, aws_context()),
        ("127.0.0.1", 4566, api_gateway.TIMEOUT, None),
    ]
    assert aws_context().check_hostname
