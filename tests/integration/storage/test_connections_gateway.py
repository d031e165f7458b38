"""The socket gateway over real connections: kept alive, closed behind its back, never answering."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from chat.adapters import api_gateway
from chat.adapters.api_gateway import ConnectionsGateway
from chat.ports.sockets import PostFailed
from chat.settings import SocketSettings

pytestmark = pytest.mark.integration


class Callback(ThreadingHTTPServer):
    """Takes posts as API Gateway does, and counts connections."""

    daemon_threads = True

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.clients: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def close_kept_connections(self) -> None:
        """What happens to a Lambda's connection while it is frozen."""
        for client in self.clients:
            client.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Callback

    def setup(self) -> None:
        super().setup()
        self.server.clients.append(self.connection)

    def do_POST(self) -> None:
        self.server.frames.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callback]:
    """The server, and credentials to sign with."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Callback() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _gateway(port: int) -> ConnectionsGateway:
    return ConnectionsGateway(SocketSettings(f"http://127.0.0.1:{port}/v1", "us-east-1"))


def test_keeps_its_connection_and_replaces_a_closed_one(callback: Callback) -> None:
    """Posts share one connection; after it was closed from the other side, a post still arrives once."""
    gateway = _gateway(callback.server_port)
    gateway.post("a", b"1")
    gateway.post("a", b"2")
    assert len(callback.clients) == 1
    callback.close_kept_connections()
    gateway.post("a", b"3")
    assert callback.frames == [b"1", b"2", b"3"]
    assert len(callback.clients) == 2


def test_gives_up_on_a_gateway_that_never_answers(
    monkeypatch: pytest.MonkeyPatch, callback: Callback
) -> None:
    """Two attempts of ``TIMEOUT`` each, then ``PostFailed``: the handler still has time to answer."""
    monkeypatch.setattr(api_gateway, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(PostFailed):
            _gateway(silent.getsockname()[1]).post("a", b"1")
    assert 0.4 < time.monotonic() - started < 1.5
