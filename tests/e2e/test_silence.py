"""What is said when nothing works."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.client import Device, HandshakeRefused

pytestmark = pytest.mark.local_only


async def status(device: Device, proof: str | None = None) -> int:
    """101 where the socket opens, which is closed at once, else the status of the refusal."""
    try:
        socket = await device.open(proof)
    except HandshakeRefused as refused:
        return refused.status
    await socket.close()
    return 101


async def test_a_handshake_whose_function_dies(alice: Device, barriers: Barriers) -> None:
    """A 500 for the authorizer, a 502 for ``connect``: no refusals; the next try opens."""
    barriers.once("authorize.cards.devices.before", "kill", alice.account)
    assert await status(alice) == 500

    barriers.once("connect.connections.add.before", "kill", alice.account)
    assert await status(alice) == 502

    assert await status(alice) == 101


async def test_storage_that_does_not_answer(cloud: LocalCloud, alice: Device, bob: Device) -> None:
    """A 5xx for the handshake, UNAVAILABLE for requests and frames; served as soon as it is back."""
    storage = cloud.processes["cassandra"]
    async with await alice.connect() as a:
        message = alice.message(bob)
        os.kill(storage, signal.SIGSTOP)
        try:
            handshake, request, frame = await asyncio.gather(
                status(bob),
                asyncio.to_thread(bob.request, "GET", "/v1/account"),
                a.ask({"action": "send", "messages": [message]}),
            )
        finally:
            os.kill(storage, signal.SIGCONT)
        assert 500 <= handshake < 600
        assert (request[0], request[1]["error"]["code"]) == (503, "UNAVAILABLE")
        assert (frame["error"]["code"], frame["error"]["retry_after"]) == ("UNAVAILABLE", 1)
        assert (await a.insist({"action": "send", "messages": [message]}))["results"][0]["accepted"]
    assert await status(bob) == 101
