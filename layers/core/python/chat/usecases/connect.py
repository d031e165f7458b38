"""Note a socket that is being opened."""

from __future__ import annotations

from chat.ports.accounts import Cards
from chat.ports.connections import Connection, Connections


def connect(connection: Connection, *, cards: Cards, connections: Connections) -> bool:
    """Write the connection, then read the device again. False: it was removed meanwhile, refuse the socket.

    The order matters: a removal writes the list first and reads connections then, so one of the two sees
    the other. A crash in between leaves a row that a 410 or its TTL removes.
    """
    connections.add(connection)
    devices = cards.devices(connection.account)
    if devices is None or devices.find(connection.device) is None:
        connections.remove(connection)
        return False
    return True
