"""Probes that take minutes or hours: how long API Gateway lets things last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from operations.probe.probes import Saw, probe
from operations.probe.sockets import ask, in_short, opened, then

if TYPE_CHECKING:
    from operations.probe.place import Place

IDLE_MINUTES = 10
LIFE_MINUTES = 120

_DIFFERENCES = "docs/local-cloud.md#differences-that-remain"


@probe(
    assumed="refused after 29 s",
    local="answered",
    used="infra/constructs/chat_functions.py",
    docs=_DIFFERENCES,
    minutes=1,
)
def long_integration(place: Place) -> Saw:
    """What does a client hear of a function that takes longer than 29 seconds?

    If not: nothing to change, as ours end after 10 s; correct the table of differences.
    """
    with opened(place) as socket:
        began = time.monotonic()
        socket.send('{"action": "call", "sleep": 33}')
        saw = in_short(then(socket, 45))
        seconds = time.monotonic() - began
    return Saw(f"refused after {seconds:.0f} s", saw.what) if saw.what.startswith("{") else saw


@probe(
    assumed="closed",
    local="open",
    used="clients/python/src/heliograph/connection.py",
    docs=_DIFFERENCES,
    minutes=IDLE_MINUTES + 2,
)
def idle_socket(place: Place) -> Saw:
    """Is a socket closed after 10 minutes without a frame?

    If not: the keep-alive ``sync`` of the SDK may come less often than every 9 minutes.
    """
    with opened(place) as socket:
        ask(socket)
        return _end(then(socket, 60 * (IDLE_MINUTES + 1)))


@probe(
    assumed="closed",
    local="open",
    used="clients/python/src/heliograph/transport.py",
    docs=_DIFFERENCES,
    minutes=IDLE_MINUTES + 2,
)
def pinged_socket(place: Place) -> Saw:
    """Is a socket closed after 10 minutes in which its client sent nothing but pings?

    If not: a ping is a keep-alive that invokes nothing: the SDK may ping, and ``sync`` once an hour.
    """
    with opened(place) as socket:
        ask(socket)
        for _ in range(2 * (IDLE_MINUTES + 1)):
            if (said := then(socket, 30)) != "nothing":
                return _end(said)
            socket.ping()
        return _end(then(socket, 1))


@probe(
    assumed="closed",
    local="open",
    used="clients/python/src/heliograph/connection.py",
    docs=_DIFFERENCES,
    minutes=LIFE_MINUTES + 4,
    frames=60,
)
def old_socket(place: Place) -> Saw:
    """Is a socket closed after two hours, however busy it is?

    If not: the SDK need not renew its socket, and the TTL of ``connections_by_account`` is too short.
    """
    end = time.monotonic() + 60 * (LIFE_MINUTES + 3)
    with opened(place) as socket:
        while time.monotonic() < end:
            if (said := then(socket, 300)) != "nothing":
                return _end(said)
            socket.send('{"action": "quiet"}')
        return _end(then(socket, 1))


def _end(said: str) -> Saw:
    return Saw("closed", said) if said.startswith("closed") else Saw("open")
