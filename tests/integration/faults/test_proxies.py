"""The proxies of the fault runs: idle they change nothing, and each fault is felt at both ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.faults.proxies import PostFault, PostProxy, TcpProxy

pytestmark = pytest.mark.integration

SECONDS = 5.0


class Echo:
    """A server that sends back what it gets, and keeps its sockets for the test to look at."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.ends: list[str] = []
        self.flood = b""
        """Sent to whoever connects."""
        self.flooded = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._listener.close()

    def _accept(self) -> None:
        try:
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()
        except OSError:
            return

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                for start in range(0, len(self.flood), 10_000):
                    client.sendall(self.flood[start : start + 10_000])
                    self.flooded += 10_000
                while data := client.recv(65536):
                    client.sendall(data)
                self.ends.append("closed")
            except OSError as error:
                self.ends.append(type(error).__name__)


@pytest.fixture
def echo() -> Iterator[Echo]:
    """The server behind the proxy."""
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    """The proxy before it."""
    made = TcpProxy(echo.port)
    yield made
    made.close()


def connected(proxy: TcpProxy) -> socket.socket:
    """A link that has carried something."""
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
    assert exchange(client, b"hello") == b"hello"
    return client


def exchange(client: socket.socket, data: bytes) -> bytes:
    """What comes back."""
    client.sendall(data)
    got = b""
    while len(got) < len(data):
        chunk = client.recv(65536)
        assert chunk, "closed"
        got += chunk
    return got


def until(condition: object, seconds: float = SECONDS) -> None:
    """Wait for a condition."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_idle_proxy_passes_everything(proxy: TcpProxy, echo: Echo) -> None:
    """A megabyte comes back as it went, and the end of the client is the end of the link."""
    client = connected(proxy)
    data = bytes(range(256)) * 4096
    threading.Thread(target=client.sendall, args=(data,), daemon=True).start()
    got = b""
    while len(got) < len(data):
        got += client.recv(65536)
    assert got == data
    client.close()
    until(lambda: echo.ends == ["closed"])
    until(lambda: proxy.links == 0)


def test_a_reset_is_heard_at_both_ends(proxy: TcpProxy, echo: Echo) -> None:
    """Neither side sees an orderly end; a new link works."""
    client = connected(proxy)
    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    until(lambda: echo.ends == ["ConnectionResetError"])
    connected(proxy).close()


def test_a_swallowed_link_is_silent_until_it_is_healed(proxy: TcpProxy) -> None:
    """Bytes vanish without an error, other links work, and the healed link is reset: it has a hole."""
    client = connected(proxy)
    assert proxy.swallow() == 1
    client.settimeout(0.1)
    client.sendall(b"lost")
    with pytest.raises(TimeoutError):
        client.recv(1)
    connected(proxy).close()
    proxy.heal()
    client.settimeout(SECONDS)
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_refusing_proxy_lets_nobody_in(proxy: TcpProxy) -> None:
    """Who connects is reset; who was in stays in."""
    client = connected(proxy)
    proxy.refuse()
    with pytest.raises(OSError, match=r"reset|closed"):  # noqa: PT012, either call may be the one
        late = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
        late.sendall(b"x")
        if not late.recv(1):
            raise OSError("closed")
    assert proxy.refused == 1
    assert exchange(client, b"still") == b"still"
    proxy.heal()
    connected(proxy).close()


def test_a_delay_is_felt_each_way_and_keeps_the_order(proxy: TcpProxy) -> None:
    """A round trip takes twice the delay."""
    client = connected(proxy)
    proxy.delay(0.1)
    start = time.monotonic()
    assert exchange(client, b"a" * 100 + b"b" * 100) == b"a" * 100 + b"b" * 100
    assert time.monotonic() - start >= 0.2
    proxy.heal()
    start = time.monotonic()
    exchange(client, b"x")
    assert time.monotonic() - start < 0.1


def test_a_slow_reader_holds_up_its_server(echo: Echo, proxy: TcpProxy) -> None:
    """The server's own send blocks: it cannot hand megabytes to a reader of kilobytes."""
    echo.flood = b"z" * 20_000_000
    proxy.slow(50_000)
    client = socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)
    start, got = time.monotonic(), 0
    while got < 20_000:
        got += len(client.recv(65536))
    assert time.monotonic() - start >= 0.3
    assert echo.flooded < 15_000_000
    proxy.heal()
    while got < len(echo.flood):
        got += len(client.recv(1 << 20))
    client.close()


class Gateway(ThreadingHTTPServer):
    """Stands for @connections: remembers what was posted under which Host."""

    daemon_threads = True

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.append((self.headers["host"], body))
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"2\r\nok\r\n0\r\n\r\n")

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """The gateway behind the proxy."""
    with Gateway() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def posts(gateway: Gateway) -> Iterator[PostProxy]:
    """The proxy before it."""
    made = PostProxy(gateway.server_port)
    yield made
    made.close()


def status(http: HTTPConnection, method: str = "POST", body: bytes = b"frame") -> int:
    """What a request is answered with."""
    http.request(method, "/v1/@connections/abc", body=body, headers={"host": "signed.example:1"})
    answer = http.getresponse()
    answer.read()
    return answer.status


def test_an_idle_post_proxy_keeps_connection_and_host(posts: PostProxy, gateway: Gateway) -> None:
    """Requests of one worker share a connection, and the signed Host header arrives as it was signed."""
    http = HTTPConnection("127.0.0.1", posts.port, timeout=SECONDS)
    assert [status(http), status(http, "DELETE", b""), status(http)] == [200, 204, 200]
    assert gateway.posted == [("signed.example:1", b"frame")] * 2
    assert posts.posts == 2


@pytest.mark.parametrize("fault", list(PostFault))
def test_a_post_meets_its_fault(posts: PostProxy, gateway: Gateway, fault: PostFault) -> None:
    """The sender sees the status or nothing; the gateway has the post where it was made all the same."""
    posts.set(fault, posts=1)
    http = HTTPConnection("127.0.0.1", posts.port, timeout=0.3)
    if fault.status:
        assert status(http) == fault.status
    else:
        with pytest.raises(TimeoutError):
            status(http)
        http.close()
    assert len(gateway.posted) == int(fault.is_made)
    assert posts.hit[fault] == 1
    assert status(http) == 200  # one post was asked for
    assert status(http, "DELETE", b"") == 204


def test_a_rate_is_drawn_from_the_seed(posts: PostProxy) -> None:
    """The same seed meets the same posts; a healed proxy meets none."""
    http = HTTPConnection("127.0.0.1", posts.port, timeout=SECONDS)
    rounds = []
    for _ in range(2):
        posts.set(PostFault.BROKEN, rate=0.5, seed=7)
        rounds.append([status(http) for _ in range(20)])
    assert rounds[0] == rounds[1]
    assert set(rounds[0]) == {200, 500}
    posts.heal()
    assert [status(http) for _ in range(5)] == [200] * 5
