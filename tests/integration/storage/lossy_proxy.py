"""A TCP proxy that loses established links, loudly or silently, as a load balancer does with idle ones."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)


class LossyProxy:
    """Forwards ``port`` to a target on 127.0.0.1. New links always work."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: list[_Link] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Lose every link and say so: both ends get a reset."""
        for link in self._take():
            link.reset()

    def swallow(self) -> None:
        """Lose every link and say nothing: bytes disappear."""
        for link in self._take():
            link.silent = True

    def close(self) -> None:
        """Stop accepting and lose what is open."""
        self._listener.close()
        self.reset()

    def _take(self) -> list[_Link]:
        links, self._links = self._links, []
        return links

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._links.append(_Link(client, socket.create_connection(("127.0.0.1", self._target))))


class _Link:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.silent = False
        self._ends = (client, server)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def reset(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RD)
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.silent:
                    sink.sendall(data)
        if not self.silent:
            for end in self._ends:
                end.close()
