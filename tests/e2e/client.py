"""A client of the protocol that knows nothing of the server's code, nor of the SDK.

It speaks ``docs/protocol.md`` from raw sockets and HTTPS, and holds every frame and body it sees to
``schemas/``.
Tests use it to do what the SDK never would: send nonsense, replay, stay silent.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection

from tests.e2e import bodies, contract
from tests.e2e.wire import Json, Name, b64, conversation, name_of, new_id, now, shown, unb64

__all__ = [
    "ANSWER_SECONDS",
    "Device",
    "HandshakeRefused",
    "Json",
    "Name",
    "Socket",
    "b64",
    "conversation",
    "name_of",
    "new_id",
    "now",
    "routes_used",
    "shown",
    "unb64",
]

ANSWER_SECONDS = 30.0
"""How long anything may take before a test gives up on it: a machine with a whole cloud may be busy."""

GATEWAY_SAYS = frozenset({"message", "connectionId", "requestId"})
"""The fields of what API Gateway says on its own when a function failed."""

_socket_urls: dict[str, str] = {}

routes_used: set[str] = set()
"""Every HTTPS route that was asked and every action that was sent in this run, as the contract names them."""


class HandshakeRefused(Exception):
    """The socket was not opened; ``status`` is all a client learns."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Device:
    """A device of an account: it signs, speaks HTTPS, and opens sockets."""

    def __init__(self, base_url: str, handle: str = "") -> None:
        url = urlsplit(base_url)
        self.base_url = base_url
        self.audience = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
        self.handle = handle or f"u{secrets.token_hex(6)}"
        self.key = Ed25519PrivateKey.generate()
        self.account = ""
        self.device = 0
        self.connect_number = 0
        self._last_id = 0

    @property
    def address(self) -> str:
        """``<account>:<device>``."""
        return f"{self.account}:{self.device}"

    @property
    def auth_key(self) -> str:
        """The public key."""
        return b64(self.key.public_key().public_bytes_raw())

    def sign(self, *lines: object) -> str:
        """A signature over lines."""
        return b64(self.key.sign("\n".join(str(line) for line in lines).encode()))

    # -- HTTPS -----------------------------------------------------------------------------------

    def authorization(
        self, method: str, path: str, body: bytes, *, time_ms: int | None = None, nonce: str = ""
    ) -> str:
        """The header of a signed request."""
        at = now() if time_ms is None else time_ms
        nonce = nonce or ("-" if method == "GET" else b64(os.urandom(16)))
        digest = b64(hashlib.sha256(body).digest())
        signature = self.sign(
            "heliograph-http-v1", self.audience, self.account, self.device, method, path, digest, at, nonce
        )
        return f"Heliograph-v1 {self.address}:{at}:{nonce}:{signature}"

    def request(
        self, method: str, path: str, body: object = None, *, signed: bool = True, **proof: Any
    ) -> tuple[int, Json]:
        """Status and body of a request, both held to the contract."""
        data = b"" if body is None else json.dumps(body).encode()
        header = self.authorization(method, path, data, **proof) if signed else ""
        return self.raw_request(method, path, data, header)

    def raw_request(self, method: str, path: str, data: bytes, authorization: str = "") -> tuple[int, Json]:
        """A request as given, signed or not."""
        headers = {"content-type": "application/json"}
        if authorization:
            headers["authorization"] = authorization
        url = self.base_url + path
        asked = urllib.request.Request(url, data or None, headers, method=method)  # noqa: S310, our stage
        try:
            with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                status, body = answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            status, body = refused.code, json.load(refused)
        route = f"{method} {_template(path)}"
        routes_used.add(route)
        if status < 500 or "error" in body:  # else API Gateway says on its own that a function failed
            contract.check_body(route, status, body)
        return status, body

    def discovery(self) -> Json:
        """The discovery document."""
        return self.request("GET", "/.well-known/heliograph", signed=False)[1]

    def register(self, **changes: Any) -> tuple[int, Json]:
        """Claim the handle; on success this device knows its account."""
        body = bodies.registration(self) | changes
        status, answer = self.request("POST", "/v1/register", body, signed=False)
        if status == 200:
            self.account, self.device = answer["account"], answer["device"]
        return status, answer

    def own_list(self) -> Json:
        """The own device list."""
        status, answer = self.request("GET", "/v1/devices")
        assert status == 200, answer
        return answer

    def link(self, name: str = "second") -> Device:
        """A further device of the same account, taken in by this one."""
        new = Device(self.base_url, self.handle)
        status, answer = self.link_key(new, name)
        assert status == 200, answer
        _, found = new.request("GET", f"/v1/links/{new.auth_key}", signed=False)
        new.account, new.device = found["account"], found["device"]
        return new

    def link_key(self, new: Device, name: str = "second", own: Json | None = None) -> tuple[int, Json]:
        """Post the chain entry that takes ``new`` into the list ``own``, or into the one that is now."""
        return self.request("POST", "/v1/devices", bodies.link(self, new, name, own or self.own_list()))

    def remove(self, device: int, own: Json | None = None) -> tuple[int, Json]:
        """Post the chain entry that takes a device off the list ``own``, or off the one that is now."""
        body = bodies.removal(self, device, own or self.own_list())
        return self.request("DELETE", f"/v1/devices/{device}", body)

    def chain(self, account: str = "") -> Json:
        """An account with all entries of its chain; the own one if no other is named."""
        status, answer = self.request("GET", f"/v1/accounts/{account or self.account}/chain")
        assert status == 200, answer
        return answer

    # -- the socket ------------------------------------------------------------------------------

    def proof(self, number: int | None = None) -> str:
        """A connect proof with the next number, or with the given one."""
        if number is None:
            number = self.connect_number = max(self.connect_number + 1, now())
        signature = self.sign("heliograph-connect-v1", self.audience, self.account, self.device, number)
        return f"v1.{self.address.replace(':', '.')}.{number}.{signature}"

    async def open(self, proof: str | None = None, **headers: str) -> Socket:
        """Open a socket. Raises HandshakeRefused."""
        if self.base_url not in _socket_urls:
            _socket_urls[self.base_url] = self.discovery()["socket_url"]
        url = _socket_urls[self.base_url]
        query = "" if proof == "" else f"?proof={self.proof() if proof is None else proof}"
        try:
            connection = await websockets.connect(
                url + query, ping_interval=None, max_size=2**20, additional_headers=headers, open_timeout=30
            )
        except websockets.InvalidStatus as refused:
            raise HandshakeRefused(refused.response.status_code) from None
        return Socket(self, connection)

    async def connect(self) -> Socket:
        """Open a socket and sync: what clients do. Events of the first page are in ``events``."""
        socket = await self.open()
        await socket.drain()
        return socket

    def new_id(self) -> str:
        """An id above all earlier ones of this device."""
        self._last_id = max(self._last_id + 1, now())
        return new_id(self._last_id)

    def message(
        self, *to: Device, own: Sequence[Device] = (), text: bytes = b"hello", **changes: Any
    ) -> Json:
        """A message for these devices of one account, and copies for own other devices."""
        message: Json = {
            "id": self.new_id(),
            "to": to[0].account,
            "devices": {str(device.device): b64(text) for device in to},
        }
        if own:
            message["own"] = {str(device.device): b64(text) for device in own}
        return {**message, **changes}


class Socket:
    """A live socket. Answers are matched by ``ref``; events gather in ``events`` in order of arrival.

    ``failures`` counts what API Gateway said on its own: a function died or ran out of time.
    """

    def __init__(self, device: Device, connection: ClientConnection) -> None:
        self.device = device
        self.connection = connection
        self.events: list[Json] = []
        self.frames: list[Json] = []
        self.errors: list[Json] = []
        self.failures = 0
        self.closed = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Json]] = {}
        self._news = asyncio.Condition()
        self._refs = 0
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close it as a client does."""
        await self.connection.close()
        with suppress(asyncio.CancelledError):
            await self._reader

    def cut(self) -> None:
        """Cut the TCP link without a close frame."""
        self.connection.transport.abort()

    async def _read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            async for text in self.connection:
                frame = json.loads(text)
                if frame.keys() == GATEWAY_SAYS:
                    async with self._news:
                        self.failures += 1
                        self._news.notify_all()
                    continue
                contract.check_server_frame(frame)
                assert len(text) <= 32_768, f"a server frame of {len(text)} bytes"
                async with self._news:
                    self.frames.append(frame)
                    self.events += frame.get("events", [])
                    waiting = self._answers.pop(str(frame.get("ref")), None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(frame)
                    elif "error" in frame:
                        self.errors.append(frame)
                    self._news.notify_all()
        self.closed.set()

    async def send_raw(self, text: str | bytes) -> None:
        """Send text (or bytes, a binary frame) as it is, fragmented above 32 KB as the protocol asks."""
        if len(text) > 32_768:
            await self.connection.send([text[i : i + 32_000] for i in range(0, len(text), 32_000)])
        else:
            await self.connection.send(text)

    async def send_frame(self, frame: Json) -> str:
        """Send a frame that keeps the contract; returns its ref. Does not wait."""
        frame = {"ref": self._next_ref(), **frame}
        contract.check_client_frame(frame)
        routes_used.add(frame["action"])
        await self.send_raw(json.dumps(frame))
        return str(frame["ref"])

    async def ask(self, frame: Json) -> Json:
        """Send a frame that is answered and return the answer."""
        frame = {"ref": self._next_ref(), **frame}
        waiting = self._answers[frame["ref"]] = asyncio.get_running_loop().create_future()
        await self.send_frame(frame)
        return await asyncio.wait_for(waiting, ANSWER_SECONDS)

    def _next_ref(self) -> str:
        self._refs += 1
        return f"r{self._refs}"

    async def insist(self, frame: Json) -> Json:
        """Send a frame until it is answered without UNAVAILABLE, as clients do: the same ids and bytes."""
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            while True:
                failures = self.failures
                asking = asyncio.create_task(self.ask(frame))
                failing = asyncio.create_task(self.wait_for_failure(failures + 1))
                await asyncio.wait((asking, failing), return_when=asyncio.FIRST_COMPLETED)
                failing.cancel()
                if asking.done() and not _unavailable(asking.result()):
                    return asking.result()
                asking.cancel()

    async def wait_for_failure(self, count: int = 1) -> None:
        """Wait until API Gateway has said ``count`` times that a function failed."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: self.failures >= count), ANSWER_SECONDS)

    async def refused(self, text: str | bytes, ref: str | None = None) -> Json:
        """Send anything at all and return the error object that comes back under ``ref``."""
        waiting = self._answers[str(ref)] = asyncio.get_running_loop().create_future()
        await self.send_raw(text)
        frame = await asyncio.wait_for(waiting, ANSWER_SECONDS)
        error: Json = frame["error"]
        return error

    async def send(self, *messages: Json, **extra: Any) -> list[Json]:
        """``send``; the results, in order."""
        answer = await self.ask({"action": "send", "messages": list(messages), **extra})
        results: list[Json] = answer["results"]
        return results

    async def ack(self, **what: Any) -> None:
        """``ack``; never answered."""
        await self.send_frame({"action": "ack", "ack": what})

    async def drain(self, **first: Any) -> Json:
        """``sync`` through all pages; returns ``caught_up``. The pages' events join ``events``."""
        page = await self.ask({"action": "sync", **first})
        while "token" in page:
            page = await self.ask({"action": "sync", "token": page["token"]})
        caught_up: Json = page["caught_up"]
        return caught_up

    async def wait_for(
        self, count: int, kind: str = "message", seconds: float = ANSWER_SECONDS
    ) -> list[Json]:
        """Wait until ``count`` events of a kind have come; returns them in order of arrival."""

        def found() -> list[Json]:
            return [event for event in self.events if event["type"] == kind]

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(found()) >= count), seconds)
        return found()

    async def wait_for_error(self) -> Json:
        """Wait for a posted error frame and take it."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: bool(self.errors)), ANSWER_SECONDS)
        return self.errors.pop(0)


def _template(path: str) -> str:
    """``/v1/accounts/{account}`` for any account: how the contract names a route."""
    for prefix, parameter in _PARAMETERS.items():
        if path.startswith(prefix):
            rest = "/chain" if prefix == "/v1/accounts/" and path.endswith("/chain") else ""
            return f"{prefix}{{{parameter}}}{rest}"
    return path.partition("?")[0]


_PARAMETERS = {
    "/v1/links/": "key",
    "/v1/devices/": "device",
    "/v1/accounts/": "account",
    "/v1/handles/": "handle",
    "/v1/account/blocks/": "account",
    "/v1/account/accepted/": "account",
}


def _unavailable(answer: Json) -> bool:
    """Whether the frame, one of its messages or its ack is to be sent again."""
    errors = [
        answer.get("error"),
        answer.get("ack_error"),
        *(r.get("error") for r in answer.get("results", [])),
    ]
    return any(error and error["code"] == "UNAVAILABLE" for error in errors)
