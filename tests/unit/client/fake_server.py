"""A small server in memory that speaks the contract: every frame and body is checked against the schemas.

It keeps device lists and inboxes as the real one promises to, and lets a test refuse, drop or hold things.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from heliograph import signing
from heliograph.errors import NetworkError
from heliograph.ids import account_of, base64url, device_of, from_base64url, id_milliseconds
from heliograph.transport import HandshakeRefused

from tests.unit.client.contract import VALIDATE, verify
from tests.unit.client.fake_accounts import FakeAccounts
from tests.unit.client.fake_channel import FakeChannel
from tests.unit.client.fake_keys import FakeKeys

BASE_URL = "http://127.0.0.1:4566/_aws/execute-api/fake"
SOCKET_URL = "ws://127.0.0.1:4566/_aws/execute-api/fake/v1"
AUDIENCE = "127.0.0.1:4566"
CODE = "042179"


def error(code: str, **more: Any) -> dict[str, Any]:
    """Make an error object."""
    return {"code": code, "message": code.lower(), **more}


class FakeServer(FakeAccounts):
    """The whole service for a handful of accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, tuple[str, int]] = {}
        self.codes: dict[tuple[str, str], list[Any]] = {}
        self.verification = ["open", "otp"]
        self.inbox: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self.sockets: dict[str, FakeChannel] = {}
        self.keys = FakeKeys(self)
        self.accepted: set[tuple[str, str]] = set()
        self.tried: list[int] = []
        self.rivals = 0
        self.frames: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.page = 20
        self.reachable = True
        self.handshake_status: int | None = None
        self.refuse: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda message: None
        self.refuse_frame: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda frame: None
        self.refuse_request: Callable[[str], dict[str, Any] | None] = lambda request: None
        self.connect_after: float | None = None
        self.answers: Callable[[dict[str, Any]], bool] = lambda frame: True

    def sent(self, action: str) -> list[dict[str, Any]]:
        """Give the frames of one action that clients sent."""
        return [frame for frame in self.frames if frame["action"] == action]

    # --- sockets

    async def open(self, url: str) -> FakeChannel:
        """Be the transport: check the proof, give a socket."""
        await asyncio.sleep(0)
        if not self.reachable:
            raise NetworkError("unreachable")
        proof = parse_qs(urlsplit(url).query)["proof"][0]
        _, account, device, number_text, signature = proof.split(".")
        number, address = int(number_text), f"{account}:{device}"
        self.tried.append(number)
        key = self.accounts.get(account, {}).get("devices", {}).get(int(device))
        if key is None or self.handshake_status is not None:
            raise HandshakeRefused(self.handshake_status or 403)
        verify(key, signature, signing.connect_bytes(AUDIENCE, account, int(device), number))
        previous = self.connects.get(address, 0)
        if number <= previous or abs(number - self.now()) > 60_000:
            raise HandshakeRefused(403)
        self.connects[address] = number
        channel = FakeChannel(self, address, number, previous)
        rival = self.sockets.get(address)
        self.sockets[address] = channel
        if rival is not None:
            self.rivals += 1
            rival.post({"events": [{"type": "session_closed", "reason": "REPLACED"}]})
            rival.drop()
        return channel

    async def take(self, channel: FakeChannel, frame: dict[str, Any]) -> None:
        """Serve a frame of a client."""
        VALIDATE[frame["action"]](frame)
        assert len(json.dumps(frame)) <= 131_072
        self.frames.append(frame)
        await asyncio.sleep(0)
        refused = self.refuse_frame(frame)
        if refused is not None:
            channel.post({"ref": frame["ref"], "error": refused})
            return
        self._ack(channel.address, frame.get("ack", {}))
        if frame["action"] == "sync":
            self._answer(channel, frame, self._sync(channel, frame))
        elif frame["action"] == "send":
            self._answer(channel, frame, self._send(channel, frame))

    def _answer(self, channel: FakeChannel, frame: dict[str, Any], answer: dict[str, Any]) -> None:
        VALIDATE[frame["action"] + "_answer"](answer)
        if self.answers(frame):
            channel.post(answer)

    def _sync(self, channel: FakeChannel, frame: dict[str, Any]) -> dict[str, Any]:
        have = {tuple(name) for name in frame.get("have", [])}
        rows = sorted(item for item in self.inbox.get(channel.address, {}).items() if item[0] not in have)
        if "token" in frame:
            after = tuple(json.loads(from_base64url(frame["token"])))
            rows = [item for item in rows if item[0] > after]
        page = [event for _, event in rows[: self.page]]
        answer = {"ref": frame["ref"], "events": page, "previous_connect": channel.previous}
        if len(rows) > self.page:
            return answer | {"token": base64url(json.dumps(rows[self.page - 1][0]).encode())}
        now = self.now()
        caught_up = {
            "time": now,
            "mark": now - 300_000,
            "previous_connect": channel.previous,
            "device_list_version": self.accounts[account_of(channel.address)]["version"],
        }
        left = {"keys": self.keys.left(channel.address)} if frame.get("keys") else {}
        return answer | {"caught_up": caught_up | left}

    def _send(self, channel: FakeChannel, frame: dict[str, Any]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        broken: set[str] = set()
        for message in frame["messages"]:
            refused = error("EARLIER_REFUSED") if message["to"] in broken else self._check(channel, message)
            if refused is not None:
                broken.add(message["to"])
                results.append({"id": message["id"], "error": refused})
                continue
            copies = {f"{message['to']}:{device}": text for device, text in message["devices"].items()}
            me = account_of(channel.address)
            self.accepted.add((me, message["to"]))
            copies |= {f"{me}:{device}": text for device, text in message.get("own", {}).items()}
            for address, text in copies.items():
                self.deliver(address, channel.address, message["id"], message["to"], text)
            results.append({"id": message["id"], "accepted": True})
        return {"ref": frame["ref"], "time": self.now(), "results": results}

    def _check(self, channel: FakeChannel, message: dict[str, Any]) -> dict[str, Any] | None:
        refused = self.refuse(message)
        if refused is not None:
            return refused
        if not self.accounts[message["to"]]["devices"]:
            return error("NOT_FOUND")
        age = self.now() - id_milliseconds(message["id"])
        if age > 120_000 or age < -10_000:
            return error("ID_STALE" if age > 0 else "ID_AHEAD")
        me = account_of(channel.address)
        mine = device_of(channel.address)
        lists = [(message["to"], message["devices"], 0), (me, message.get("own", {}), mine)]
        if message["to"] == me:
            lists = [(me, message["devices"], mine)]
        difference = {}
        for account, named, without in lists:
            listed = set(self.accounts[account]["devices"]) - {without}
            given = {int(device) for device in named}
            if listed != given:
                difference[account] = {
                    "version": self.accounts[account]["version"],
                    "missing": sorted(listed - given),
                    "extra": [],
                    "stale": sorted(given - listed),
                }
        return error("DEVICE_LIST_STALE", details={"devices": difference}) if difference else None

    def deliver(self, address: str, sender: str, message_id: str, to: str, text: str) -> None:
        """Put a row into an inbox and post it."""
        event = {"type": "message", "id": message_id, "sender": sender, "to": to, "ciphertext": text}
        self.inbox.setdefault(address, {})[message_id, sender] = event
        self.post(address, event)

    def post(self, address: str, event: dict[str, Any]) -> None:
        """Post an event to a device if it is connected."""
        if address in self.sockets:
            self.sockets[address].post({"events": [event]})

    def _ack(self, address: str, ack: dict[str, Any]) -> None:
        rows = self.inbox.get(address, {})
        read = [name for names in ack.get("read", {}).values() for name in names]
        later = [name for names in ack.get("read_receipts", {}).values() for name in names]
        for status, names in (("delivered", ack.get("delivered", [])), ("read", read + later)):
            for message_id, sender in names:
                if (account_of(address), account_of(sender)) not in self.accepted:
                    continue
                self.receipt(sender, status, address, message_id)
        for message_id, sender in [*ack.get("delivered", []), *read, *ack.get("quiet", [])]:
            rows.pop((message_id, sender), None)

    def receipt(self, sender: str, status: str, by: str, message_id: str) -> None:
        """Tell a device that its message got further; stored when it is away."""
        event: dict[str, Any] = {
            "type": "receipt",
            "status": status,
            "by": by,
            "messages": [[message_id, sender]],
        }
        if sender in self.sockets:
            self.post(sender, event)
        else:
            event["row"] = [message_id, f"{by}/{status}"]
            self.inbox.setdefault(sender, {})[message_id, f"{by}/{status}"] = event

    # --- HTTPS

    def http(self) -> httpx2.AsyncBaseTransport:
        """Be the carrier of HTTPS."""
        return httpx2.MockTransport(self._http)

    def _http(self, request: httpx2.Request) -> httpx2.Response:
        if not self.reachable:
            raise httpx2.ConnectError("unreachable")
        path = str(request.url).removeprefix(BASE_URL)
        self.requests.append(f"{request.method} {path}")
        limited = self.refuse_request(self.requests[-1])
        status, kind, body = (
            (429, "error_answer", {"error": limited}) if limited else self._route(request, path)
        )
        VALIDATE[kind](body)
        return httpx2.Response(status, json=body)

    def _route(  # noqa: PLR0911, PLR0912 - the routes, one case each
        self, request: httpx2.Request, path: str
    ) -> tuple[int, str, dict[str, Any]]:
        match request.method, path.strip("/").split("/"):
            case "GET", [".well-known", "heliograph"]:
                return 200, "discovery_answer", self._discovery()
            case "POST", ["v1", "register"]:
                body = json.loads(request.content)
                VALIDATE["register_request"](body)
                statement = signing.register_bytes(AUDIENCE, body["handle"], body["auth_key"], body["time"])
                verify(body["auth_key"], body["signature"], statement)
                if refusal := self._refused_code(body):
                    return 403, "error_answer", {"error": refusal}
                return self._register(body["handle"], body["auth_key"])
            case "POST", ["v1", "codes"]:
                body = json.loads(request.content)
                VALIDATE["code_request"](body)
                self.codes[body["number"], body["auth_key"]] = [CODE, 5]
                until = {"expires_at": self.now() + 600_000, "again_at": self.now() + 60_000}
                return 200, "code_answer", until
            case "GET", ["v1", "links", key]:
                if key not in self.links:
                    return 404, "error_answer", {"error": error("NOT_FOUND")}
                return 200, "link_answer", {"account": self.links[key][0], "device": self.links[key][1]}
        me = self._signer(request, path)
        if me is None:
            return 401, "error_answer", {"error": error("UNAUTHENTICATED")}
        account, device = me
        if device not in self.accounts[account]["devices"]:
            gone = "DEVICE_REMOVED" if self.accounts[account]["devices"] else "ACCOUNT_REPLACED"
            return 401, "error_answer", {"error": error(gone)}
        match request.method, path.strip("/").split("/")[1:]:
            case method, ["keys", *rest]:
                return self.keys.answer(method, rest, request.content, f"{account}:{device}")
            case "GET", ["handles", handle]:
                return self._account(self.holder(handle))
            case "GET", ["accounts", other]:
                return self._account(other)
            case "GET", ["accounts", other, "chain"] if other in self.accounts:
                entries = {"entries": self.accounts[other]["chain"]}
                return 200, "chain_answer", self.public(other) | entries
            case "GET", ["accounts", _, "chain"]:
                return 404, "error_answer", {"error": error("NOT_FOUND")}
            case "GET", ["account"]:
                own = {"handle": self.accounts[account]["handle"], "blocked": []}
                return 200, "own_account_answer", self._devices(account) | own
            case "POST", ["devices"]:
                body = json.loads(request.content)
                VALIDATE["link_request"](body)
                if self.links.get(body["auth_key"], (account,))[0] != account:
                    return 409, "error_answer", {"error": error("LINK_TAKEN")}
                if body["auth_key"] not in self.accounts[account]["devices"].values():
                    entry = {"change": "add", "signer": device} | body
                    if not self.append(account, entry):
                        return 409, "error_answer", {"error": error("DEVICE_LIST_CHANGED")}
                    self.links[body["auth_key"]] = account, body["device"]
            case "DELETE", ["devices", number]:
                body, gone = json.loads(request.content), int(number)
                VALIDATE["removal_request"](body)
                if gone >= self.accounts[account]["next_device"]:
                    return 404, "error_answer", {"error": error("NOT_FOUND")}
                if gone in self.accounts[account]["devices"] or gone in self.accounts[account]["lapsed"]:
                    entry = {"change": "remove", "device": gone, "auth_key": "-", "signer": device} | body
                    if not self.append(account, entry):
                        return 409, "error_answer", {"error": error("DEVICE_LIST_CHANGED")}
                self.close_socket(f"{account}:{gone}", "DEVICE_REMOVED")
            case method, ["account", relation, other]:
                if relation == "accepted":
                    self.accepted.add((account, other))
                blocked = relation == "blocks" and method == "PUT"
                state = {"account": other, "accepted": relation == "accepted", "blocked": blocked}
                return 200, "relation_answer", state
        return 200, "devices_answer", self._devices(account)

    def _discovery(self) -> dict[str, Any]:
        return {
            "socket_url": SOCKET_URL,
            "versions": {"supported": [1]},
            "time": self.now(),
            "verification": self.verification,
            "limits": {},
        }

    def _refused_code(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The refusal of a number whose code is not the one that this key was sent."""
        if not body["handle"].startswith("+"):
            return None
        sent = self.codes.setdefault((body["handle"], body["auth_key"]), ["", 0])
        sent[1] -= 1
        if sent[1] >= 0 and body["verification"].get("code") == sent[0]:
            return None
        return error("VERIFICATION_FAILED", details={"attempts": max(sent[1], 0)})

    def _register(self, handle: str, key: str) -> tuple[int, str, dict[str, Any]]:
        account = self.holder(handle)
        if account and self.accounts[account]["devices"].get(1) != key:
            return 409, "error_answer", {"error": error("HANDLE_TAKEN")}
        account = account or self.add_account(handle, key)
        return 200, "register_answer", {"account": account, "device": 1, "handle": handle, "version": 1}

    def _account(self, account: str | None) -> tuple[int, str, dict[str, Any]]:
        if account not in self.accounts or not self.accounts[account]["devices"]:
            return 404, "error_answer", {"error": error("NOT_FOUND")}
        return 200, "account_answer", self.public(account)

    def _devices(self, account: str) -> dict[str, Any]:
        waiting = {"connect_after": self.connect_after} if self.connect_after else {}
        return self.own(account) | waiting

    def retire(self, account: str) -> None:
        """Take all devices of an account away, as registering its handle again does."""
        for device in list(self.accounts[account]["devices"]):
            self.remove_device(account, device, "ACCOUNT_REPLACED")

    def remove_device(self, account: str, device: int, reason: str = "DEVICE_REMOVED") -> None:
        """Take a device off the list without anybody's signature, and close its socket."""
        self.lapse(account, device)
        self.close_socket(f"{account}:{device}", reason)

    def close_socket(self, address: str, reason: str) -> None:
        """Tell a device that is off its list why, close its socket and lose its prekeys."""
        self.keys.forget(address)
        channel = self.sockets.get(address)
        if channel is not None:
            channel.post({"events": [{"type": "session_closed", "reason": reason}]})
            channel.drop()

    def _signer(self, request: httpx2.Request, path: str) -> tuple[str, int] | None:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme != "Heliograph-v1":
            return None
        account, device, when, nonce, signature = value.split(":")
        if account not in self.accounts:
            return None
        key = self.accounts[account]["devices"].get(int(device))
        if key is not None:
            statement = signing.http_bytes(
                AUDIENCE, account, int(device), request.method, path, request.content, int(when), nonce
            )
            verify(key, signature, statement)
        return account, int(device)
