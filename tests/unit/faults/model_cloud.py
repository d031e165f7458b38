"""The small model's cloud: the real handlers over in-memory ports, one step at a time, with faults.

A frame of a client is *in flight* until it is served; any that is in flight may be served next, or lost. At
every call of a port something may happen: the Lambda ends (`Crash`), the storage fails, or another frame is
served in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from chat.domain import base64url
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId
from chat.ports.connections import Connection
from chat.ports.sockets import Gone, Outcome, PostFailed
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes import events
from tests.fakes.handlers import body_of, call, serving
from tests.fakes.world import World
from tests.unit.faults.model_store import Vault

Frame = dict[str, Any]
MILLISECOND = 1_000_000
"""Of the history's clock (ns)."""

PORTS = ("cards", "handles", "connections", "connect_numbers", "inbox", "used_proofs", "links")


class Crash(BaseException):
    """The Lambda ends here; nothing may catch it."""


DEAD = (Crash, StorageUnavailable, OutcomeUnknown)
"""How a Lambda ends without an answer; the last two where a handler lets them through."""


class Ports:
    """The world's services, with one thing that happens at one call of a port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls_left = 0
        self._happens: Callable[[], None] | None = None

    def at_call(self, number: int, happens: Callable[[], None]) -> None:
        """Do that at the so-and-so-many-th point from now on; each call has a point before and one after."""
        self._calls_left, self._happens = number, happens

    def nothing(self) -> None:
        """Take back what has not happened."""
        self._happens = None

    def point(self) -> None:
        """A call of a port begins or ends."""
        self._calls_left -= 1
        if self._happens is not None and self._calls_left < 0:
            happens, self._happens = self._happens, None
            happens()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._world, name)
        return _Port(self, value) if name in PORTS else value


class _Port:
    """A port whose calls have a point before and one after; of many rows there is one after each."""

    def __init__(self, ports: Ports, port: Any) -> None:
        self._ports = ports
        self._port = port

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)

        def called(*args: Any, **kwargs: Any) -> Any:
            self._ports.point()
            if method == "put":
                for row in args[0]:
                    real([row])
                    self._ports.point()
                return None
            result = real(*args, **kwargs)
            self._ports.point()
            return result

        return called


@dataclass(slots=True, eq=False)
class Link:
    """A socket between a device and the cloud.

    Attributes:
        connection: Its row.
        previous: The device's connect number before.
        alive: Both ends think so; the server may learn late.
        arriving: Frames that the device has not read yet.
        missed: It has not synced yet, a frame to it was lost or never made, or its row may be gone: only a
            sync tells its device everything.
    """

    connection: Connection
    previous: int
    alive: bool = True
    arriving: list[Frame] = field(default_factory=list)
    missed: bool = True


@dataclass(slots=True, eq=False)
class Flight:
    """A client frame on its way; `link` carries the answer back, if it still can."""

    link: Link
    function: str
    frame: Frame


class Sockets:
    """The gateway: knows which links are alive, unless a fault says something else once."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.fault = ""
        """What the next post meets: "gone", "failed", "gone but delivered" or ""."""

    def post(self, connection_id: str, data: bytes) -> None:
        """Hand a frame to a link."""
        self._cloud.ports.point()
        link = self._cloud.links.get(connection_id)
        fault, self.fault = self.fault, ""
        if link is None or not link.alive:
            raise Gone(connection_id)
        link.missed = link.missed or bool(fault)
        if fault not in ("gone", "failed"):
            link.arriving.append(json.loads(data))
        if fault.startswith("gone"):
            raise Gone(connection_id)
        if fault:
            raise PostFailed(connection_id)

    def post_all(self, frames: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """Hand out many, one after the other."""
        outcomes = []
        for connection_id, data in frames:
            try:
                self.post(connection_id, data)
            except Gone:
                outcomes.append(Outcome.GONE)
            except PostFailed:
                outcomes.append(Outcome.FAILED)
            else:
                outcomes.append(Outcome.DELIVERED)
        self._cloud.ports.point()
        return outcomes

    def close(self, connection_id: str) -> None:
        """End a link."""
        self._cloud.ports.point()
        if connection_id in self._cloud.links:
            self._cloud.cut(self._cloud.links[connection_id])


class _Unlimited:
    """Rate limits that never refuse: the model's clock goes too slowly for them."""

    def take(self, *_args: object, **_kwargs: object) -> int:
        """No wait."""
        return 0


class Cloud:
    """Serves frames and keeps the history."""

    def __init__(self) -> None:
        self.world = World()
        self.ports = Ports(self.world)
        self.sockets = Sockets(self)
        self.world.sockets = self.sockets  # type: ignore[assignment]
        self.world.limits = _Unlimited()  # type: ignore[assignment]
        self.vault = Vault()
        self.links: dict[str, Link] = {}
        self.in_flight: list[Flight] = []
        self.history: list[dict[str, Any]] = []
        self._time = 0
        self._numbers = count(1)
        self._nonces = count(1)

    def record(self, kind: str, who: str, **fields: Any) -> int:
        """Add to the history; time goes on by a millisecond."""
        self._time += MILLISECOND
        self.world.time += 1
        line = {"t": self._time, "kind": kind, "who": who, **fields}
        self.history.append(json.loads(json.dumps(line)))
        return self._time

    def open(self, device: Address, number: int) -> Link | None:
        """Authorize and connect; None where the handshake is refused or the Lambda dies."""
        link = Link(
            Connection(device.account, device.device, ConnectionId(f"c{next(self._numbers)}"), number), 0
        )
        proof = events.proof(device, self.world.keys[device], number)
        try:
            allowed = self._call("authorize", events.handshake(proof))
            if allowed["policyDocument"]["Statement"][0]["Effect"] != "Allow":
                return None
            link.previous = int(allowed["context"]["previous_number"])
            if self._call("connect", events.frame(link.connection, "", link.previous))["statusCode"] != 200:
                return None
        except DEAD:
            return None
        self.links[link.connection.connection_id] = link
        return link

    def send(self, link: Link, function: str, frame: Frame) -> Flight:
        """Put a frame on its way."""
        flight = Flight(link, function, frame)
        self.in_flight.append(flight)
        return flight

    def serve(self, flight: Flight) -> None:
        """Run the handler of a frame in flight and answer; a Lambda that dies answers nothing."""
        self.in_flight.remove(flight)
        if flight.function == "sync" and "token" not in flight.frame:
            flight.link.missed = False
        try:
            event = events.frame(flight.link.connection, flight.frame, flight.link.previous)
            answer = self._call(flight.function, event)
        except DEAD:
            self.missed_by_all()
            return
        if "body" in answer and flight.link.alive:
            flight.link.arriving.append(body_of(answer))

    def _call(self, function: str, event: Frame) -> Frame:
        with serving(self.ports):  # type: ignore[arg-type]
            return call(function, event)

    def missed_by_all(self) -> None:
        """A Lambda died between its writes and its posts: nobody knows whom it did not tell."""
        for link in self.links.values():
            link.missed = True

    def cut(self, link: Link) -> None:
        """End a link: what had not arrived is lost; `$disconnect` comes some time, or never."""
        if link.alive:
            link.alive = False
            link.arriving.clear()
            self.send(link, "disconnect", {})

    def request(self, device: Address, method: str, path: str, body: object = None) -> Frame | None:
        """A signed HTTPS request; None where the Lambda dies."""
        resource = path.split("/")[2]
        function, parameters, route = resource, {}, f"{method} {path}"
        if path.count("/") == 4:
            parameters, route = (
                {"account": path.split("/")[4]},
                f"{method} {path.rsplit('/', 1)[0]}/{{account}}",
            )
        elif path.startswith("/v1/devices/"):
            parameters, route = {"device": path.split("/")[3]}, f"{method} /v1/devices/{{device}}"
        nonce = base64url.encode(next(self._nonces).to_bytes(16))
        header = events.authorization(self.world, device, method, path, body, nonce=nonce)
        try:
            return body_of(self._call(function, events.https(route, path, body, header, parameters)))
        except DEAD:
            return None

    def link_device(self, by: Address) -> Address | None:
        """Take a new device in; None where that failed or nobody knows."""
        key = Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        asked = self.world.signed("add", by, self.world.cards.lists[by.account], public)
        body = self.world.signed_body(asked)
        for _ in range(2):  # as the SDK repeats it
            answer = self.request(by, "POST", "/v1/devices", body)
            added = self.world.cards.lists[by.account].find_key(public)
            if answer is not None and "error" not in answer and added is not None:
                device = Address(by.account, added.device)
                self.world.keys[device] = key
                return device
        return None

    def remove_device(self, by: Address, device: Address) -> bool:
        """Take a device off the list; False where that failed or nobody knows."""
        own = self.world.cards.lists[by.account]
        asked = self.world.signed("remove", by, own, device=device.device)
        body = self.world.signed_body(asked)
        answer = self.request(by, "DELETE", f"/v1/devices/{device.device}", body)
        return answer is not None and "error" not in answer

    def devices(self, account: str) -> list[int]:
        """The live devices of an account, as `GET /v1/accounts/{account}` tells them."""
        return [int(device.device) for device in self.world.cards.lists[AccountId(account)].devices]

    def server_record(self) -> dict[str, Any]:
        """What stands in the tables, and which links are alive."""
        return {
            "connections": [
                {
                    "account": row.account,
                    "device": int(row.device),
                    "connection_id": row.connection_id,
                    "number": row.connect_number,
                }
                for row in sorted(self.world.connections.rows, key=lambda row: row.connection_id)
            ],
            "sockets": [name for name, link in self.links.items() if link.alive],
            "inbox": [
                {"device": str(device), "id": name.id, "sender": name.sender}
                for device, rows in self.world.inbox.rows.items()
                for name in rows
            ],
        }


def address(text: str) -> Address:
    """An address out of its text."""
    account, _, device = text.partition(":")
    return Address(AccountId(account), DeviceId(int(device)))
