"""What is said when nothing works, and what is never said: of anybody, in a log."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.client import Device, HandshakeRefused, b64, name_of
from tests.waiting import until

pytestmark = pytest.mark.local_only


async def status(device: Device, proof: str | None = None) -> int:
    """101 where the socket opens, which is closed at once, else the status of the refusal."""
    try:
        socket = await device.open(proof)
    except HandshakeRefused as refused:
        return refused.status
    await socket.close()
    return 101


async def test_logs_hold_nothing_of_anybody(cloud: LocalCloud, alice: Device, bob: Device) -> None:
    """After a chat with refusals of every kind: no content, proof, signature, key, handle, account or URL."""
    log = cloud.lambda_log
    start = log.stat().st_size
    words = Words()
    text = secrets.token_bytes(24)
    async with await alice.open(words.keep(alice.proof())) as a, await bob.connect() as b:
        await a.drain()
        [result] = await a.send(alice.message(bob, text=text))
        [event] = await b.wait_for(1)
        await b.send(bob.message(alice, text=text), ack={"delivered": [name_of(event)]})
        canary = words.keep(secrets.token_hex(12))
        for frame in (
            canary,
            {"action": canary, "ref": "1"},
            {"action": "send", "ref": canary, "messages": [{canary: canary}]},
        ):
            await a.send_raw(frame if isinstance(frame, str) else json.dumps(frame))
        await a.send_raw(json.dumps({"action": "ack", "ref": "2", "ack": {"delivered": [[canary, canary]]}}))
        await a.wait_for_error()
        words.keep(b64(text), result["id"])
    assert await status(alice, words.keep(alice.proof(1))) == 403
    path = f"/v1/handles/{bob.handle}"
    for header in (alice.authorization("GET", path, b""), alice.authorization("GET", path, b"x")):
        alice.raw_request("GET", path, b"", words.keep(header))
    Device(alice.base_url, words.keep(secrets.token_hex(8))).register(signature="A" * 86)
    words.keep(alice.handle, bob.handle, alice.account, bob.account, alice.auth_key, bob.auth_key)

    await until(lambda: "VERIFICATION_FAILED" in read(log, start) or "UNAUTHENTICATED" in read(log, start))
    logged = read(log, start)

    assert words.found_in(logged) == []
    assert not re.search(r"https?:|wss?:|proof=|Heliograph-v1|Traceback", logged)
    assert '\\"code\\"' in logged


class Words:
    """What must not be found; of a proof or a header each long part by itself."""

    def __init__(self) -> None:
        self.kept: set[str] = set()

    def keep(self, *texts: str) -> str:
        """Remember them; returns the first."""
        self.kept |= {part for text in texts for part in re.split(r"[.: ]", text) if len(part) > 12}
        return texts[0]

    def found_in(self, text: str) -> list[str]:
        """Those that stand in the text."""
        return sorted(word for word in self.kept if word in text)


def read(log: Path, start: int) -> str:
    """What was logged since."""
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


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
