"""Two people and a third: what handlers do for whom, with everything that belongs to others in view."""

from __future__ import annotations

from typing import Any

from chat.domain.ids import AccountId, Address
from chat.domain.prekeys import Kind, Prekey
from chat.ports.accounts import Claim
from chat.ports.connections import Connection
from chat.usecases.send import send
from chat.wire.frames import event_frames

from infra.routes import AUTHORIZER, FUNCTIONS, SocketRoute
from tests.fakes.events import authorization, frame, handshake, https, proof
from tests.fakes.handlers import body_of, call
from tests.fakes.prekeys import some
from tests.fakes.world import NOW, World, address


def _routes() -> dict[str, str]:
    found = {AUTHORIZER: AUTHORIZER}
    for function in FUNCTIONS:
        for route in function.routes:
            key = route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}"
            found[key] = function.name
    return found


FUNCTION_OF = _routes()
"""Every route of the table, and its function."""


class Scene:
    """Alice (two devices) and bob, who talk and have decided about others; and mallory, with a socket.

    ``handshake`` is one that alice was let in with.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.alice, self.bob, self.mallory = (
            world.account("alice", 2),
            world.account("bob"),
            world.account("mallory"),
        )
        for handle, account in (("alice", self.alice), ("bob", self.bob), ("mallory", self.mallory)):
            key = world.cards.lists[account].devices[0].auth_key
            world.handles.claim(handle, Claim(account, f"open:{handle}", key), NOW)
        self.sockets = {device: self.online(device) for device in world.keys}
        for device in world.keys:
            for kind, keys in self.prekeys(device).items():
                for key in keys:
                    world.prekeys.add(device, kind, key)
        world.cards.accept(self.mallory, self.alice)
        world.cards.block(self.alice, self.bob)
        world.cards.unblock(self.alice, self.bob, NOW)
        world.cards.block(self.bob, self.mallory)
        self.message = world.message(self.bob, own=(2,))
        send(address(self.alice), [self.message], **world.delivery, encode=event_frames, now=NOW)
        self.name = [self.message.id, f"{self.alice}:1"]
        world.sockets.frames.clear()
        first = address(self.alice)
        self.handshake = handshake(proof(first, world.keys[first], NOW))
        assert effect(call(AUTHORIZER, self.handshake)) == "Allow"

    def online(self, device: Address) -> Connection:
        """A socket of a device."""
        return self.world.online(device.account, device.device)

    def prekeys(self, device: Address) -> dict[Kind, tuple[Prekey, ...]]:
        """What each device has left with the server."""
        return some(self.world.keys[device], device, one_time=range(1, 31), one_time_kem=range(1, 5))

    @property
    def me(self) -> Connection:
        """Mallory's socket."""
        return self.sockets[address(self.mallory)]

    def send_as_me(self, function: str, body: dict[str, Any]) -> dict[str, Any]:
        """A frame of mallory's socket."""
        return call(function, frame(self.me, {"action": function, "ref": "1", **body}))

    def ask(
        self,
        route: str,
        path: str,
        body: object = None,
        by: Address | None = None,
        **parameters: str,
    ) -> dict[str, Any]:
        """A request that mallory signed properly."""
        signer = by or address(self.mallory)
        header = authorization(self.world, signer, route.partition(" ")[0], path, body)
        return call(FUNCTION_OF[route], https(route, path, body, header, parameters))

    def belongings(self) -> str:
        """Everything of alice and bob, and what their sockets got (messages of mallory's own left out)."""
        world, others = self.world, (self.alice, self.bob)
        return repr(
            (
                [world.cards.lists[account] for account in others],
                sorted((pair, r) for pair, r in world.cards.stands.items() if pair[0] in others),
                sorted(c for c in world.handles.claims.items() if c[1].account in others),
                sorted(row.connection_id for row in world.connections.rows if row.account in others),
                [n for n in sorted(world.connect_numbers.last.items()) if n[0].account in others],
                sorted(
                    (device, *row)
                    for device, rows in world.inbox.rows.items()
                    for row in rows.items()
                    if device.account in others and row[0].account != self.mallory
                ),
                sorted(
                    (device, rows) for device, rows in world.prekeys.rows.items() if device.account in others
                ),
                sorted(used for used in world.used_proofs.used if used[0].account in others),
                sorted(link for link in world.links.links.items() if link[1].account in others),
                [
                    event
                    for device, socket in self.sockets.items()
                    for event in world.sockets.events(socket.connection_id)
                    if device.account in others and not self._mine(event)
                ],
                [c for c in world.sockets.closed if c != self.me.connection_id],
            )
        )

    def _mine(self, event: dict[str, Any]) -> bool:
        return str(event.get("sender") or event.get("by")).startswith(self.mallory)


def effect(answer: dict[str, Any]) -> str:
    """Allow or Deny."""
    effect: str = answer["policyDocument"]["Statement"][0]["Effect"]
    return effect


def outcome(answer: dict[str, Any]) -> str:
    """What was answered, in one word."""
    if "policyDocument" in answer:
        return effect(answer)
    body = body_of(answer) if "body" in answer else {}
    errors = (
        [body["error"]] if "error" in body else [r["error"] for r in body.get("results", []) if "error" in r]
    )
    return str(errors[0]["code"]) if errors else "ok"


def key_of(scene: Scene, device: Address) -> bytes:
    """The public key of a device."""
    return scene.world.keys[device].public_key().public_bytes_raw()


def statement(
    scene: Scene, signer: Address, key: bytes = b"n" * 32, account: AccountId | None = None
) -> dict[str, Any]:
    """The body that takes a device with ``key`` in, signed by ``signer``, claiming to be alice's.

    ``account`` is the one it goes into; the signer's own unless said otherwise.
    """
    own = scene.world.cards.lists[account or signer.account]
    asked = scene.world.signed("add", signer, own, key)
    return scene.world.signed_body(asked) | {"account": scene.alice}


def removal(scene: Scene, signer: Address, device: int) -> dict[str, Any]:
    """The body that removes a device of ``signer``'s account, claiming to be alice's."""
    own = scene.world.cards.lists[signer.account]
    asked = scene.world.signed("remove", signer, own, device=device)
    return scene.world.signed_body(asked) | {"account": scene.alice}
