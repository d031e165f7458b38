"""One kept-alive HTTP/1.1 connection, as much of it as posting a frame needs.

``http.client`` parses headers as an e-mail: that costs three times the processor time of a post, and 25 ms of
a cold start. Here of an answer only its status is read, and where it ends.
"""

from __future__ import annotations

import socket
from ssl import SSLContext

MOST_BYTES = 64 * 1024
"""Of an answer. The longest that API Gateway gives to a post is an error of some 100 bytes."""

_CHUNK = 16 * 1024


class Link:
    """A connection to one host. After an error, or an answer that ends the connection, make a new one.

    ``context`` makes it TLS. ``timeout`` in seconds, for each wait. Raises ``OSError``, of which a
    ``TimeoutError`` is one.
    """

    def __init__(self, host: str, port: int, timeout: float, context: SSLContext | None = None) -> None:
        plain = socket.create_connection((host, port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = plain if context is None else context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bool]:
        """Send a request; the status, and whether the connection may be used again.

        ``headers`` hold the host. Raises ``ConnectionError`` where the other side hung up instead of
        answering, or did not speak HTTP; nobody knows then whether it took the request.
        """
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [f"content-length: {len(body)}", "", ""]
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            self._receive_into(received)
        version, _, rest = bytes(received[:end]).lower().partition(b" ")
        status = rest[:3]
        if version not in (b"http/1.1", b"http/1.0") or not status.isdigit():
            raise ConnectionError("the answer is not HTTP")
        return int(status), self._finish(version, int(status), rest, received, end + 4)

    def close(self) -> None:
        """End the connection; no error if it has ended."""
        self._socket.close()

    def _finish(self, version: bytes, status: int, head: bytes, received: bytearray, start: int) -> bool:
        """Read the body of an answer. False where its end is not known, or the connection ends with it."""
        fields = dict(_field(line) for line in head.split(b"\r\n")[1:])
        length = fields.get(b"content-length", b"0" if status == 204 else b"")
        if version != b"http/1.1" or fields.get(b"connection") == b"close" or b"transfer-encoding" in fields:
            return False
        if not length.isdigit() or int(length) > MOST_BYTES:
            return False
        while len(received) < start + int(length):
            self._receive_into(received)
        return len(received) == start + int(length)

    def _receive_into(self, received: bytearray) -> None:
        chunk = self._socket.recv(_CHUNK)
        if not chunk:
            raise ConnectionResetError("closed by the other side")
        if len(received) > 2 * MOST_BYTES:
            raise ConnectionError("the answer does not end")
        received += chunk


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip(), value.strip()
