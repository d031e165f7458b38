"""Probes of Lambda: the processor, what lives on between invocations, where lines go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from operations.probe.probes import Saw, probe
from operations.probe.sockets import PATIENCE, ask, opened

if TYPE_CHECKING:
    from operations.probe.place import Place

LOG_SECONDS = 60.0
"""How long a line may take to be found in CloudWatch."""

PAUSE = 4.0
"""Seconds without a frame, in which a frozen process does not count on."""

_DIFFERENCES = "docs/local-cloud.md#differences-that-remain"
_MENDED = "docs/local-cloud.md#mended-in-ministack"


@probe(
    assumed="3.13 on aarch64", local="another", used="infra/constructs/chat_functions.py", docs=_DIFFERENCES
)
def interpreter(place: Place) -> Saw:
    """Which Python on which processor runs functions?

    If not: build the layer for that one: ``infra/assets.py``.
    """
    with opened(place) as socket:
        told = ask(socket)
    found = f"{told['python']} on {told['machine']}"
    return Saw("another" if place.local else found, found)


@probe(
    assumed="stands still",
    local="goes on",
    used="layers/core/python/chat/adapters/cassandra/session.py",
    docs=_DIFFERENCES,
)
def process_between_frames(place: Place) -> Saw:
    """Does a process go on between two invocations?

    If not: nothing to change; the session is made for links that died in a freeze, and for others.
    """
    with opened(place) as socket:
        before = ask(socket)
        time.sleep(PAUSE)
        after = ask(socket)
    if before["process"] != after["process"]:
        return Saw("another process", "ask again")
    ticks = after["ticks"] - before["ticks"]
    return Saw(
        "stands still" if ticks < PAUSE / 0.05 / 4 else "goes on", f"{ticks} ticks of 50 ms in {PAUSE} s"
    )


@probe(assumed="the same", used="layers/core/python/chat/bootstrap.py", docs=_MENDED)
def process_after_an_error(place: Place) -> Saw:
    """Does the process of a handler that raised serve the next frame?

    If not: every unhandled error costs a cold start; catch more in ``chat/entrypoint.py``.
    """
    with opened(place) as socket:
        before = ask(socket)["process"]
        socket.send('{"action": "call", "fail": "x"}')
        socket.recv(timeout=PATIENCE)
        return Saw("the same" if ask(socket)["process"] == before else "another")


@probe(assumed="found", local="not found", used="infra/constructs/chat_functions.py", docs=_DIFFERENCES)
def printed_line(place: Place) -> Saw:
    """Is a line that a route's function prints found in its log group?

    If not: the runbook and the alarms read empty logs; check the role of the functions.
    """
    text = f"probe {time.time_ns()}"
    with opened(place) as socket:
        ask(socket, say=text)
    logs = place.client("logs")
    seconds = 2 if place.local else LOG_SECONDS
    end = time.monotonic() + seconds
    group = f"/aws/lambda/{place.outputs['FunctionName']}"
    while time.monotonic() < end:
        if logs.filter_log_events(logGroupName=group, filterPattern=f'"{text}"').get("events"):
            return Saw("found")
        time.sleep(1)
    return Saw("not found", f"within {seconds:.0f} s")
