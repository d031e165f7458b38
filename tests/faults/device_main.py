"""The child's half of a device: one SDK client, driven over a pipe, recording all that it sees.

The application it plays is a plain one: it handles an event and only then asks for the next, so the store's
cursor moves as the SDK's documentation says.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import heliograph.conversing
import heliograph.opening
import websockets.asyncio.client  # noqa: F401  imported in the fork server, once for all devices
from heliograph import HeliographError, Plain
from heliograph.client import Client
from heliograph.connection import Timing
from heliograph.events import MessageReceived, SentElsewhere, StatusChanged, StoreRolledBack, Undecryptable
from heliograph.http import HttpApi
from heliograph.ids import (
    AccountId,
    Address,
    MessageId,
    ServerClock,
    base64url,
    from_base64url,
    new_logical_id,
)
from heliograph.keys import Pool
from heliograph.model import Message
from heliograph.signal_encryption import SignalEncryption
from heliograph.signing import Identity
from heliograph.store import outgoing, peers, repairs, sessions
from heliograph.transport import Channel, Transport, WebSocketTransport

from tests.faults.claims import claimed
from tests.faults.history import TYPED, Recorder
from tests.faults.proxies.doors import through

_sockets = itertools.count()

_ACK = '{"action":"ack"'


class RecordingTransport:
    """Opens sockets by way of the device's door, and records every frame before anybody else sees it."""

    def __init__(self, recorder: Recorder, door: int) -> None:
        self._recorder = recorder
        self._door = door
        self._real: Transport = WebSocketTransport()
        self.acks = "pass"
        """What happens to frames of action ``ack``: pass, lose, double."""

    async def open(self, url: str) -> Channel:
        """See the SDK's Transport."""
        _, account, device, number, _ = parse_qs(urlsplit(url).query)["proof"][0].split(".", 4)
        who, socket = f"{account}:{device}", f"{os.getpid()}-{next(_sockets)}"
        channel = await self._real.open(through(url, self._door))
        self._recorder.record("socket", who=who, socket=socket, what="open", number=int(number))
        return _RecordingChannel(channel, self, self._recorder, who, socket)


class _RecordingChannel:
    def __init__(
        self, channel: Channel, transport: RecordingTransport, recorder: Recorder, who: str, socket: str
    ) -> None:
        self._channel = channel
        self._transport = transport
        self._record = lambda kind, **fields: recorder.record(kind, who=who, socket=socket, **fields)

    async def send(self, text: str) -> None:
        times = {"pass": 1, "lose": 0, "double": 2}[self._transport.acks] if text.startswith(_ACK) else 1
        for _ in range(times):
            self._record_frame("out", text)
            await self._channel.send(text)

    async def receive(self) -> AsyncIterator[str]:
        async for text in self._channel.receive():
            self._record_frame("in", text)
            yield text
        self._record("socket", what="closed")

    async def close(self) -> None:
        await self._channel.close()

    def _record_frame(self, way: str, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = {"text": text}
        self._record("frame", way=way, frame=frame)


class RecordingEncryption(SignalEncryption):
    """Records what was sealed under which name: nobody can tell from the frames.

    What the process is killed over between this record and the store's commit never leaves it.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def encrypt(
        self,
        connection: sqlite3.Connection,
        plaintext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipients: Mapping[Address, str],
    ) -> dict[Address, bytes]:
        """See the SDK's port."""
        sealed = super().encrypt(
            connection, plaintext, message_id=message_id, sender=sender, recipients=recipients
        )
        content = json.loads(plaintext)
        texts = {device: base64url(data) for device, data in sealed.items()}
        self._recorder.record(
            "sealed",
            who=sender,
            id=message_id,
            logical=from_base64url(content["logical_id"]).hex(),
            content=content["kind"],
            devices={device: hashlib.sha256(text.encode()).hexdigest() for device, text in texts.items()},
        )
        return sealed


class RecordingApi(HttpApi):
    """Records which one-time keys this device was given, and which devices it was given keys of."""

    def __init__(self, recorder: Recorder, *args: Any) -> None:
        super().__init__(*args)
        self._recorder = recorder

    async def claim_keys(self, me: Identity, account: AccountId, devices: list[int]) -> dict[str, Any]:
        """See the SDK."""
        asked_at = time.monotonic_ns()
        answer = await super().claim_keys(me, account, devices)
        self._recorder.record("claimed", who=me.address, asked_t=asked_at, devices=claimed(account, answer))
        return answer


class SdkDevice:
    """The commands of a device process: every public coroutine is one."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._skew = int(options["skew_ms"])
        self._recorder = Recorder(Path(options["history"]), "")
        outgoing.RECEIPT_EXPECTED_MS = options["receipt_after_ms"]
        repairs.HOUR_MS = options["repair_every_ms"]
        for name in options["mutants"]:
            from tests.faults.mutants.catalogue import become  # noqa: PLC0415  only where one is asked for

            become(name)
        self._transport = RecordingTransport(self._recorder, options["door"])
        heliograph.opening.HttpApi = partial(RecordingApi, self._recorder)  # type: ignore[misc, assignment]
        self._client = Client(
            options["store"],
            options["base_url"],
            seal=Plain(),
            encryption=RecordingEncryption(self._recorder),
            key_pool=Pool(options["one_time"], options["one_time_kem"]),
            synchronous="normal",  # processes are killed here, not machines
            ack_delay=0.02,
            timing=Timing(
                keep_alive=options["keep_alive"], answer=11, backoff_base=0.05, backoff_cap=1, linger=1
            ),
            transport=self._transport,
        )
        self._client._clock = ServerClock(lambda: time.time_ns() // 1_000_000 + self._skew)
        self._unread: dict[str, Message] = {}
        self._application: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the store; a registered device connects and its application runs."""
        await self._client.__aenter__()
        if self._client.registered:
            self._begin()

    async def register(self, handle: str) -> tuple[str, int]:
        """Make an account; gives its id and the number of this device."""
        await self._client.register(handle)
        return self._begin()

    async def start_linking(self) -> str:
        """The code of this new device."""
        return await self._client.start_linking()

    async def linked(self) -> tuple[str, int]:
        """Wait until it was taken in; gives account and number."""
        await self._client.linked(30)
        return self._begin()

    async def link(self, code: str) -> None:
        """Take the device with this code in."""
        await self._client.link(code)

    async def connected(self, seconds: float) -> None:
        """Wait for a connection that has caught up."""
        await self._client.connected(seconds)

    async def send(self, to: str, body: str) -> str:
        """Put a text into the outbox; gives its logical id."""
        logical, body = new_logical_id(), TYPED + body
        heliograph.conversing.new_logical_id = lambda: logical
        self._recorder.record("send", phase="invoke", to=to, logical=logical, body=body)
        try:
            await self._client.send_text(AccountId(to), body, expires=None, mentions=())
        except HeliographError as problem:
            self._recorder.record("send", phase="fail", logical=logical, code=problem.code)
        else:
            self._recorder.record("send", phase="ok", logical=logical)
        return logical

    async def read(self, most: int) -> None:
        """Mark the newest messages that were shown and not read."""
        for logical in list(self._unread)[-most:]:
            message = self._unread.pop(logical)
            self._recorder.record("read", phase="invoke", logical=logical, sender=message.sender)
            await message.mark_read()
            self._recorder.record("read", phase="ok", logical=logical, sender=message.sender)

    async def relate(self, what: str, peer: str) -> None:
        """``block``, ``unblock`` or ``accept`` an account."""
        call: Callable[[AccountId], Awaitable[None]] = getattr(self._client, what)
        fields = {"account": self._client.account, "peer": peer, "what": what}
        self._recorder.record("relation", phase="invoke", **fields)
        try:
            await call(AccountId(peer))
        except HeliographError:
            self._recorder.record("relation", phase="unknown", **fields)
        else:
            self._recorder.record("relation", phase="ok", **fields)

    async def remove_device(self, number: int) -> None:
        """Take a device of this account off its list."""
        await self._client.remove_device(number)

    async def skew(self, milliseconds: int) -> None:
        """Set the clock off."""
        self._skew = milliseconds

    async def acks(self, mode: str) -> None:
        """Let ``ack`` frames pass, lose them, or send each twice."""
        self._transport.acks = mode

    async def begin_anew(self) -> None:
        """Let the next message to every device begin a new session, as after a rollback."""
        await self._client._store().run(sessions.end_all)

    async def refill(self) -> None:
        """Upload as many one-time keys as if the server had none left."""
        self._client._engine.keys.look_after({"one_time": 0, "one_time_kem": 0})  # type: ignore[union-attr]

    async def die_before_ack(self) -> None:
        """End by SIGKILL once the next events are stored, before anything of them is acknowledged."""
        acks = self._client._engine.acks  # type: ignore[union-attr]
        acks.add = lambda owed: os.kill(os.getpid(), signal.SIGKILL) if list(owed) else None  # type: ignore[method-assign]

    async def pending(self) -> int:
        """Messages in the outbox, acks that are owed, and unread messages that are to be asked for."""
        engine = self._client._engine
        unread = await self._client._store().run(self._to_be_asked_for)
        return await self._client.pending() + (len(engine.acks) if engine else 0) + unread

    def _to_be_asked_for(self, connection: sqlite3.Connection) -> int:
        return sum(
            account == self._client.account or peers.is_accepted(connection, account)
            for (account,) in connection.execute("SELECT account FROM unread")
        )

    async def state(self) -> str:
        """The state of the connection."""
        return self._client.state.state

    async def statuses(self) -> dict[str, int]:
        """How many own messages are in which state."""
        counts: dict[str, int] = {}
        async for message in self._all():
            if message.outgoing:
                counts[message.status] = counts.get(message.status, 0) + 1
        return counts

    async def final(self) -> None:
        """Record the whole history as the application would display it."""
        entries = [
            {
                "logical": message.logical_id,
                "account": message.sender.partition(":")[0],
                "sender": message.sender,
                "id": message.id,
                "status": message.status,
                "outgoing": message.outgoing,
                "conversation": message.conversation,
            }
            async for message in self._all()
        ]
        self._recorder.record("final", messages=entries)

    async def stop(self) -> None:
        """Close as an application does."""
        if self._application is not None:
            self._application.cancel()
            await asyncio.wait([self._application])
        await self._client.close()

    async def _all(self) -> AsyncIterator[Message]:
        """Every message, conversation by conversation, oldest first."""
        for conversation in await self._client.conversations():
            page = [message async for message in conversation.history()]
            for message in reversed(page):
                yield message

    def _begin(self) -> tuple[str, int]:
        self._recorder.who = f"{self._client.account}:{self._client.device}"
        self._application = asyncio.create_task(self._run())
        return self._client.account, self._client.device

    async def _run(self) -> None:
        """The application."""
        async for event in self._client.events():
            if isinstance(event, MessageReceived | SentElsewhere):
                message = event.message
                own_copy = isinstance(event, SentElsewhere)
                self._recorder.record(
                    "shown",
                    cursor=event.cursor,
                    sender=message.sender,
                    account=message.sender.partition(":")[0],
                    conversation=message.conversation,
                    logical=message.logical_id,
                    id=message.id,
                    body=message.text,
                    own_copy=own_copy,
                )
                if not own_copy:
                    self._unread[message.logical_id] = message
            elif isinstance(event, StatusChanged):
                logical = event.message.logical_id
                self._recorder.record("status", cursor=event.cursor, logical=logical, status=event.status)
            elif isinstance(event, Undecryptable):
                self._recorder.record(
                    "unread", cursor=event.cursor, id=event.id, sender=event.sender, reason=event.reason
                )
            elif isinstance(event, StoreRolledBack):
                self._recorder.record(
                    "rolled_back", cursor=event.cursor, previous_connect=event.previous_connect
                )


def main(pipe: Connection, options: dict[str, Any]) -> None:
    """Serve commands until the pipe ends or ``stop`` was run."""
    logging.getLogger("heliograph").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(pipe, SdkDevice(options)))


async def _serve(pipe: Connection, device: SdkDevice) -> None:
    loop, opened, stopped = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def run(number: int, command: str, arguments: tuple[Any, ...]) -> None:
        if command != "open":  # until then it does not know who it is
            await opened.wait()
        try:
            answer = (number, None, await getattr(device, command)(*arguments))
        except HeliographError as problem:
            answer = (number, problem.code, str(problem))
        except Exception as problem:  # noqa: BLE001  the parent decides
            answer = (number, f"unexpected {type(problem).__name__}", str(problem))
        with contextlib.suppress(OSError):
            pipe.send(answer)
        if command == "open":
            opened.set()
        elif command == "stop":
            stopped.set()

    def start(number: int, command: str, arguments: tuple[Any, ...]) -> None:
        task = loop.create_task(run(number, command, arguments))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def listen() -> None:
        try:
            while True:
                loop.call_soon_threadsafe(start, *pipe.recv())
        except (EOFError, OSError, RuntimeError):
            os._exit(1)  # the harness is gone

    threading.Thread(target=listen, daemon=True).start()
    await stopped.wait()
    os._exit(0)
