"""What is never said: of anybody, in any log of the local cloud."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.client import Device, HandshakeRefused, Json, Socket, b64, conversation, name_of
from tests.e2e.phones import Phones, another, ask, say
from tests.waiting import until

pytestmark = pytest.mark.local_only

LOGS = ("lambda", "aws", "supervisor", "cassandra", "deploy")
PHONE = '"event":"text message"'
"""The one line that may hold a number and a code: at home the log is the phone."""


class Words:
    """What must not be found; of a proof or a header each long part by itself."""

    def __init__(self) -> None:
        self.kept: set[str] = set()

    def keep(self, *texts: str) -> str:
        """Remember them; returns the first. Not the times in them: the log's own lines have times, too."""
        parts = {part for text in texts for part in re.split(r"[.: ]", text) if len(part) >= 12}
        self.kept |= {part for part in parts if not part.isdigit()}
        return texts[0]

    def keep_device(self, device: Device) -> None:
        """Remember all that names a device."""
        self.keep(device.handle, device.account, device.auth_key)

    def found_in(self, text: str) -> list[str]:
        """Those that stand in the text, and what every address and every header has."""
        patterns = r"https?://|wss?://|proof=|Heliograph-v1 "
        return sorted(word for word in self.kept if word in text) + re.findall(patterns, text)


class Logs:
    """The logs of a local cloud, from now on."""

    def __init__(self, cloud: LocalCloud) -> None:
        paths = [cloud.lambda_log if name == "lambda" else cloud.places.log(name) for name in LOGS]
        self._starts = {path: path.stat().st_size if path.exists() else 0 for path in paths}

    def read(self) -> dict[str, str]:
        """What each got since, by its name; without the messages for phones, in the log of the functions
        with the quotes of its inner JSON as they were.
        """
        return {path.stem: self._read(path, start) for path, start in self._starts.items() if path.exists()}

    @staticmethod
    def _read(path: Path, start: int) -> str:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read().decode(errors="replace")
        if path.stem != "lambda":
            return text
        lines = [json.loads(line) for line in text.splitlines()]
        kept = [f"{line['function']} {line['text']}" for line in lines if PHONE not in line["text"]]
        return "\n".join(kept)


async def talk(a: Socket, b: Socket, words: Words) -> None:
    """A chat with an ack of each kind; its texts, ids and keys are remembered."""
    alice, bob, text = a.device, b.device, secrets.token_bytes(24)
    words.keep(b64(text), text.hex())
    [result] = await a.send(alice.message(bob, text=text))
    [event] = await b.wait_for(1)
    await b.send(bob.message(alice, text=text), ack={"delivered": [name_of(event)]})
    [answer] = await a.wait_for(1)
    await a.ack(read={conversation(alice.account, bob.account): [name_of(answer)]})
    await b.wait_for(1, "receipt")
    [stale] = await a.send(alice.message(bob, id="019ab171-8c00-78d4-bac7-63d646857cf9", text=text))
    assert stale["error"]["code"] == "ID_STALE"
    words.keep(result["id"], answer["id"], stale["id"], conversation(alice.account, bob.account))


async def go_wrong(a: Socket, words: Words, barriers: Barriers) -> None:
    """Frames, handshakes and requests that are refused, and functions that fail and die."""
    alice, canary = a.device, words.keep(secrets.token_hex(12))
    frames: tuple[str | Json, ...] = (
        canary,
        {"action": canary, "ref": "1"},
        {"action": "send", "ref": canary, "messages": [{canary: canary}]},
        {"action": "ack", "ref": "2", "ack": {"delivered": [[canary, canary]]}},
    )
    for frame in frames:
        await a.send_raw(frame if isinstance(frame, str) else json.dumps(frame))
    await a.wait_for_error()
    for proof in (alice.proof(1), alice.proof() + "A"):
        with pytest.raises(HandshakeRefused):
            await alice.open(words.keep(proof))
    for point, how in (("authorize.cards.devices", "kill"), ("connect.connections.add", "unavailable")):
        barriers.once(f"{point}.before", how, alice.account)
        with pytest.raises(HandshakeRefused):
            await alice.open(words.keep(alice.proof()))
    path = "/v1/handles/" + words.keep(secrets.token_hex(8))
    for header in (alice.authorization("GET", path, b""), alice.authorization("GET", path, b"x")):
        await asyncio.to_thread(alice.raw_request, "GET", path, b"", words.keep(header))
    await asyncio.to_thread(
        Device(alice.base_url, words.keep(secrets.token_hex(8))).register, signature="A" * 86
    )


async def get_a_code(base_url: str, phones: Phones, words: Words) -> None:
    """Somebody registers with a number, at the second try."""
    phone = Device(base_url, words.keep(phones.number()))
    await asyncio.to_thread(ask, phone)
    code = await phones.code(phone.handle)
    assert (await asyncio.to_thread(say, phone, another(code)))[0] == 403
    assert (await asyncio.to_thread(say, phone, code))[0] == 200
    words.keep_device(phone)


async def test_logs_hold_nothing_of_anybody(
    cloud: LocalCloud, alice: Device, bob: Device, barriers: Barriers
) -> None:
    """After a chat with refusals of every kind no log of any process has content, a proof, a signature, a
    key, a handle, a number, an id or an address; and the scan finds any of them in a copy of each log.
    """
    logs, words, phones = Logs(cloud), Words(), Phones(cloud.lambda_log)
    words.keep_device(alice)
    words.keep_device(bob)
    async with await alice.open(words.keep(alice.proof())) as a, await bob.connect() as b:
        await a.drain()
        await talk(a, b, words)
        await go_wrong(a, words, barriers)
        words.keep(*cloud.open_sockets())
    await get_a_code(alice.base_url, phones, words)
    await until(lambda: '"route":"register","code":"VERIFICATION_FAILED"' in logs.read()["lambda"])

    logged = logs.read()
    assert {name: words.found_in(text) for name, text in logged.items()} == {name: [] for name in LOGS}
    assert all(f'"hop":"{hop}"' in logged["lambda"] for hop in ("accepted", "posted", "acked", "refused"))
    for name, text in logged.items():
        for word in words.kept:
            planted = f"{text}\nthe function said {word!r}"
            assert words.found_in(planted) == [word], f"the scan of {name} is blind to {word}"
