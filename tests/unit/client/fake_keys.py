"""Prekeys of the fake server: each one-time key is given once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from heliograph.ids import account_of, base64url, device_of

from tests.unit.client.contract import VALIDATE, verify

if TYPE_CHECKING:
    from tests.unit.client.fake_server import FakeServer

Answer = tuple[int, str, dict[str, Any]]

ROOM = {"one_time": 100, "one_time_kem": 20}
LOW = 20


class FakeKeys:
    """What devices left: by address, kind and id. ``generous`` off: claims get no one-time keys."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.held: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
        self.claims: list[dict[str, Any]] = []
        self.generous = True

    def answer(self, method: str, path: list[str], content: bytes, address: str) -> Answer:
        """Serve a request of ``/v1/keys``; ``path`` is what follows it."""
        body = json.loads(content) if content else None
        match method, path:
            case "GET", []:
                return 200, "keys_answer", self.state(address)
            case "PUT", []:
                VALIDATE["keys_request"](body)
                return self._upload(address, body)
            case "POST", ["claim"]:
                VALIDATE["claim_request"](body)
                return self._claim(body)
        return _refused("NOT_FOUND", 404)

    def left(self, address: str) -> dict[str, int]:
        """How many one-time keys a device has."""
        return {kind: len(self._of(address, kind)) for kind in ROOM}

    def state(self, address: str) -> dict[str, Any]:
        """What ``GET /v1/keys`` says."""
        current = {kind: max(self._of(address, kind), default=0) for kind in ("signed", "last_resort")}
        state: dict[str, Any] = {kind: number for kind, number in current.items() if number}
        if len(state) == 2:
            keys = [
                str(part)
                for kind, number in current.items()
                for part in (number, self._of(address, kind)[number]["key"])
            ]
            lines = ["heliograph-keys-v1", account_of(address), str(device_of(address)), *keys]
            state["digest"] = base64url(hashlib.sha256("\n".join(lines).encode()).digest())
        return state | self.left(address)

    def forget(self, address: str) -> None:
        """Lose all keys of a device."""
        self.held.pop(address, None)

    def _of(self, address: str, kind: str) -> dict[int, dict[str, Any]]:
        return self.held.setdefault(address, {}).setdefault(kind, {})

    def _upload(self, address: str, body: dict[str, Any]) -> Answer:
        brought = [
            (kind, key)
            for kind in ("signed", "last_resort", *ROOM)
            for key in ([body[kind]] if isinstance(body.get(kind), dict) else body.get(kind, []))
        ]
        account, device = account_of(address), device_of(address)
        auth_key = self._server.accounts[account]["devices"][device]
        for kind, key in brought:
            if kind != "one_time":
                lines = ["heliograph-prekey-v1", kind, account, str(device), str(key["id"]), key["key"]]
                verify(auth_key, key["signature"], "\n".join(lines).encode())
        for kind, room in ROOM.items():
            if len({*self._of(address, kind), *(key["id"] for of, key in brought if of == kind)}) > room:
                return _refused("KEY_LIMIT", 409)
        for kind, key in brought:
            mine = self._of(address, kind)
            if kind not in ROOM and key["id"] < max(mine, default=0):
                continue
            if mine.setdefault(key["id"], key) != key:
                return _refused("KEY_CONFLICT", 409)
            if kind not in ROOM:
                self.held[address][kind] = {key["id"]: key}
        return 200, "keys_answer", self.state(address)

    def _claim(self, body: dict[str, Any]) -> Answer:
        self.claims.append(body)
        account = self._server.accounts.get(body["account"])
        if account is None or not account["devices"]:
            return _refused("NOT_FOUND", 404)
        bundles = []
        for device in dict.fromkeys(body["devices"]):
            address = f"{body['account']}:{device}"
            if device in account["devices"] and "digest" in self.state(address):
                bundles.append(self._bundle(address, device, account["devices"][device]))
        answer = {"account": body["account"], "version": account["version"], "bundles": bundles}
        return 200, "claim_answer", answer

    def _bundle(self, address: str, device: int, auth_key: str) -> dict[str, Any]:
        signed, last_resort = (
            self._of(address, kind)[max(self._of(address, kind))] for kind in ("signed", "last_resort")
        )
        given: dict[str, Any] = {}
        for kind in ROOM if self.generous else ():
            if mine := self._of(address, kind):
                given[kind] = mine.pop(min(mine))
        bundle: dict[str, Any] = {"device": device, "auth_key": auth_key, "signed": signed}
        if "one_time" in given:
            bundle["one_time"] = given["one_time"]
        kind = "one_time_kem" if "one_time_kem" in given else "last_resort"
        bundle["kem"] = {"kind": kind, **given.get("one_time_kem", last_resort)}
        if self.generous and min(self.left(address).values()) < LOW:
            self._server.post(address, {"type": "keys_low", **self.left(address)})
        return bundle


def _refused(code: str, status: int) -> Answer:
    return status, "error_answer", {"error": {"code": code, "message": code.lower()}}
