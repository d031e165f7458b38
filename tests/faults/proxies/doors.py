"""Where clients come in: a door, a proxy of its own, for each device."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from tests.faults.proxies.background import HOST
from tests.faults.proxies.tcp import TcpProxy


class Doors:
    """Makes doors to one port. A door is a :class:`~tests.faults.proxies.tcp.TcpProxy`:

    ``reset`` cuts without a close frame, ``swallow`` leaves the socket half open, ``slow`` makes its device a
    slow reader.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._doors: dict[str, TcpProxy] = {}

    def of(self, who: str) -> TcpProxy:
        """The door of a device, made when it is first asked for."""
        if who not in self._doors:
            self._doors[who] = TcpProxy(self._target)
        return self._doors[who]

    def heal(self) -> None:
        """Let everybody through again."""
        for door in self._doors.values():
            door.heal()

    def close(self) -> None:
        """Close all doors for good."""
        for door in self._doors.values():
            door.close()
        self._doors.clear()


def through(url: str, port: int) -> str:
    """The same URL by way of a port on this machine."""
    return urlunsplit(urlsplit(url)._replace(netloc=f"{HOST}:{port}"))
