"""What the tests do again and again."""

from __future__ import annotations

import asyncio

from tests.e2e.client import Device, Json, Socket, shown


async def relate(by: Device, what: str, peer: Device, method: str = "PUT") -> None:
    """Put ``peer`` among the ``accepted`` accounts or the ``blocks``; with DELETE, take it out."""
    status, answer = await asyncio.to_thread(by.request, method, f"/v1/account/{what}/{peer.account}")
    assert status == 200, answer


async def link(by: Device) -> Device:
    """A further device of the account."""
    return await asyncio.to_thread(by.link)


def ids(socket: Socket) -> list[str]:
    """The ids of the messages that an app shows of all that came over the socket."""
    return [event["id"] for event in shown(socket.events)]


def of_type(socket: Socket, kind: str) -> list[Json]:
    """The events of a kind that came over the socket."""
    return [event for event in socket.events if event["type"] == kind]


async def unreceipted(socket: Socket, peer: Device, *messages: Json) -> list[list[str]]:
    """The messages that the server calls delivered when it is asked."""
    socket.events.clear()
    names = [[message["id"], socket.device.address] for message in messages]
    await socket.drain(unreceipted={peer.account: names})
    found = [event for event in of_type(socket, "receipt") if "row" not in event]
    assert all((event["by"], event["status"]) == (peer.account, "delivered") for event in found)
    return [name for event in found for name in event["messages"]]
