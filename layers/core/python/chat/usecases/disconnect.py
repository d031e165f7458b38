"""Forget a socket that was closed."""

from __future__ import annotations

from chat.ports.connections import Connection, Connections


def disconnect(connection: Connection, *, connections: Connections) -> None:
    """Delete this socket's row, and no other's: a late call harms no newer socket.

    API Gateway calls it best effort; what it misses goes by a 410 or by TTL.
    """
    connections.remove(connection)
