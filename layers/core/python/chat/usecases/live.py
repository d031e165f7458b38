"""Events for live sockets: who gets which, and posting them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from chat import observability
from chat.domain.events import Event, Reason, SessionClosed
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId
from chat.ports.connections import Connection, Connections
from chat.ports.sockets import Outcome, PostFailed, SocketGateway

EncodeEvents = Callable[[Sequence[Event]], list[bytes]]
"""Events as frames of at most 32 KB, in order; no events, no frame."""

SizeOf = Callable[[Event], int]
"""Bytes that an event takes in a frame."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An event for an account: for one of its devices, or (``device`` None) for all of them."""

    account: AccountId
    event: Event
    device: DeviceId | None = None


def post(
    postings: Iterable[Posting],
    *,
    connections: Connections,
    sockets: SocketGateway,
    encode: EncodeEvents,
) -> set[Address]:
    """Post every event to the live sockets it is for; what goes to one socket shares its frames.

    Connections are read here, so call it after the rows are written. Returns the devices that took a frame,
    which is not delivery. A socket that is gone loses its row; any other failure is left to the device's
    next sync.
    """
    by_account: dict[AccountId, list[Posting]] = {}
    for posting in postings:
        by_account.setdefault(posting.account, []).append(posting)
    frames: list[tuple[Connection, bytes]] = []
    shown: list[tuple[Connection, list[Event], int]] = []
    found = connections.of_accounts(by_account)
    for account, mine in by_account.items():
        for connection in found[account]:
            events = [p.event for p in mine if p.device in (None, connection.device)]
            told = [(connection, frame) for frame in encode(events)]
            frames.extend(told)
            shown.append((connection, events, len(told)))
    outcomes = sockets.post_all([(connection.connection_id, frame) for connection, frame in frames])
    _log(shown, outcomes)
    reached: set[Address] = set()
    gone: set[Connection] = set()
    for (connection, _), outcome in zip(frames, outcomes, strict=True):
        if outcome is Outcome.DELIVERED:
            reached.add(connection.address)
        elif outcome is Outcome.GONE:
            gone.add(connection)
    for connection in gone:
        connections.remove(connection)
    return reached


def _log(shown: Iterable[tuple[Connection, list[Event], int]], outcomes: Iterable[Outcome]) -> None:
    """Log each socket's events with the outcomes of their frames."""
    rest = iter(outcomes)
    for connection, events, frames in shown:
        if frames:
            observability.posted(connection.address, events, list(islice(rest, frames)))


def close(
    connection: Connection,
    reason: Reason,
    *,
    connections: Connections,
    sockets: SocketGateway,
    encode: EncodeEvents,
) -> bool:
    """Tell a socket why, close it and forget it. Safe to repeat; a socket that is gone already is no error.

    False if the gateway did not close it: its row stays, so that a repeat finds it.
    """
    closed = hang_up(connection.connection_id, SessionClosed(reason), sockets=sockets, encode=encode)
    if closed:
        connections.remove(connection)
    return closed


def hang_up(
    connection_id: ConnectionId, why: SessionClosed, *, sockets: SocketGateway, encode: EncodeEvents
) -> bool:
    """Tell a socket why and close it; whether it is closed. Its row is left to who is told of the end."""
    sockets.post_all([(connection_id, frame) for frame in encode([why])])
    try:
        sockets.close(connection_id)
    except PostFailed:
        return False
    return True
