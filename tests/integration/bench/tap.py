"""A relay that keeps every byte it passes on, and reads frames and statements out of them."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(slots=True)
class Link:
    """One connection: what the client sent and what it got."""

    sent: bytearray = field(default_factory=bytearray)
    got: bytearray = field(default_factory=bytearray)


class Tap:
    """Listens on ``port`` and passes everything on to a target on this machine, until it is closed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.links: list[Link] = []
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end with their clients."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._target))
                link = Link()
                self.links.append(link)
                for source, sink, kept in ((client, server, link.sent), (server, client, link.got)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_pump, args=(source, sink, kept), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            kept += data
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def messages(stream: bytes) -> list[int]:
    """The sizes of the WebSocket messages of one direction (RFC 6455, 5.2), control frames left out."""
    _, _, rest = stream.partition(b"\r\n\r\n")
    sizes: list[int] = []
    size = 0
    while len(rest) >= 2:
        first, second = rest[0], rest[1]
        length, at = second & 0x7F, 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, at = int.from_bytes(rest[2 : 2 + width], "big"), 2 + width
        at += 4 if second & 0x80 else 0
        if not first & 0x08:
            size += length
            if first & 0x80:
                sizes.append(size)
                size = 0
        rest = rest[at + length :]
    return sizes


Sent = tuple[str, tuple[int, ...]]
"""A statement and the size of each of its values."""


def statements(link: Link) -> Iterator[Sent]:
    """The prepared statements that a connection ran: CQL binary protocol v4, sections 2, 4.1 and 4.2.5."""
    known: dict[bytes, str] = {}
    requests = list(_frames(bytes(link.sent)))
    prepares = [(stream, body[4:].decode()) for stream, opcode, body in requests if opcode == 0x09]
    answers = _frames(bytes(link.got))
    results = [(stream, body) for stream, opcode, body in answers if _is_prepared(opcode, body)]
    for stream, cql in prepares:
        place = next(index for index, (answered, _) in enumerate(results) if answered == stream)
        known[_short_bytes(results.pop(place)[1], 4)[0]] = cql
    for _, opcode, body in requests:
        if opcode == 0x0A:  # EXECUTE
            name, at = _short_bytes(body, 0)
            flags = body[at + 2]
            yield known[name], _values(body, at + 3)[0] if flags & 1 else ()
        elif opcode == 0x0D:  # BATCH
            count, at = struct.unpack_from(">xH", body)[0], 3
            for _ in range(count):
                assert body[at] == 1, "a statement of a batch that was not prepared"
                name, at = _short_bytes(body, at + 1)
                sizes, at = _values(body, at)
                yield known[name], sizes


def _frames(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Stream id, opcode and body of each frame."""
    at = 0
    while at + 9 <= len(stream):
        flags, stream_id, opcode, length = struct.unpack_from(">xBhBi", stream, at)
        assert not flags & 1, "compressed"
        yield stream_id, opcode, stream[at + 9 : at + 9 + length]
        at += 9 + length


def _is_prepared(opcode: int, body: bytes) -> bool:
    return opcode == 0x08 and body[:4] == b"\0\0\0\4"


def _short_bytes(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + length], at + 2 + length


def _values(body: bytes, at: int) -> tuple[tuple[int, ...], int]:
    (count,) = struct.unpack_from(">H", body, at)
    at += 2
    sizes = []
    for _ in range(count):
        (length,) = struct.unpack_from(">i", body, at)
        sizes.append(max(length, 0))
        at += 4 + max(length, 0)
    return tuple(sizes), at
