"""Accounts for the handlers to serve, put straight into the tables, and the events that ask for them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chat.bootstrap import Services
from chat.domain import base64url, signed_bytes
from chat.domain.devices import FIRST_DEVICE, Device, DeviceList
from chat.domain.envelope import StoredMessage
from chat.domain.ids import (
    AccountId,
    Address,
    ConnectionId,
    MessageId,
    MessageName,
    conversation_of,
    new_uuid7,
)
from chat.ports.connections import Connection
from chat.ports.inbox import InboxRow
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Event = dict[str, Any]

TEXT = base64url.encode(bytes(range(256)))
"""The ciphertext of a short text, 256 bytes with its ratchet header and padding."""

SHORT = bytes(60)
"""A ciphertext so short that a hundred of them fit one page."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account with one device, which holds a socket."""

    connection: Connection
    key: Ed25519PrivateKey

    @property
    def address(self) -> Address:
        """The device."""
        return self.connection.address


class World:
    """People in the tables of ``app``, all of whom accepted the first one and the other way round."""

    def __init__(self, app: Services, audience: str, people: int) -> None:
        self._app = app
        self._audience = audience
        self._newest = 0
        self.people = [self._person() for _ in range(people)]
        me, *peers = self.people
        for peer in peers:
            app.cards.accept(me.address.account, peer.address.account)
            app.cards.accept(peer.address.account, me.address.account)

    def _person(self) -> Person:
        now, key = self._app.now(), Ed25519PrivateKey.generate()
        account = AccountId(new_uuid7(now))
        device = Device(FIRST_DEVICE, key.public_key().public_bytes_raw(), now, "bench")
        handle = f"b{secrets.token_hex(8)}"
        self._app.cards.create(DeviceList(account, handle, 1, FIRST_DEVICE + 1, (device,)))
        self._app.connect_numbers.start(Address(account, FIRST_DEVICE))
        connection = Connection(account, FIRST_DEVICE, ConnectionId(secrets.token_urlsafe(12) + "="), now)
        self._app.connections.add(connection)
        return Person(connection, key)

    def stamp(self) -> int:
        """Now in ms, and later than any stamp before."""
        self._newest = max(self._newest + 1, self._app.now())
        return self._newest

    def names(self, sender: Person, count: int) -> list[tuple[str, str]]:
        """So many new names of messages."""
        return [(new_uuid7(self.stamp()), str(sender.address)) for _ in range(count)]

    def fill_inbox(self, of: Person, sender: Person, rows: int) -> None:
        """Put so many short messages into an inbox."""
        envelope = StoredMessage(of.address.account, SHORT).encode()
        names = [MessageName(MessageId(name[0]), name[1]) for name in self.names(sender, rows)]
        self._app.inbox.put([InboxRow(of.address, name, envelope, 3600) for name in names])

    def send(self, sender: Person, to: Sequence[Person], ack: object = None) -> Event:
        """A ``send`` frame with one message to each of ``to``."""
        messages = [
            {
                "id": new_uuid7(self.stamp()),
                "to": peer.address.account,
                "devices": {str(peer.address.device): TEXT},
            }
            for peer in to
        ]
        frame = {"action": "send", "ref": "1", "messages": messages}
        return _frame(sender, frame if ack is None else {**frame, "ack": ack})

    def ack(self, by: Person, sender: Person, count: int) -> Event:
        """An ``ack`` frame for so many messages."""
        return _frame(by, {"action": "ack", "ref": "1", "ack": {"delivered": self.names(sender, count)}})

    def read(self, by: Person, sender: Person, count: int) -> Event:
        """The same for messages that were shown."""
        conversation = conversation_of(by.address.account, sender.address.account)
        shown = {"read": {conversation: self.names(sender, count)}}
        return _frame(by, {"action": "ack", "ref": "1", "ack": shown})

    def sync(self, by: Person) -> Event:
        """A ``sync`` frame as a device sends it that drained its inbox an hour ago."""
        return _frame(by, {"action": "sync", "ref": "1", "mark": self._app.now() - 3_600_000})

    def authorize(self, who: Person) -> Event:
        """The question of the authorizer, with a number that nobody used."""
        number = self.stamp()
        signature = who.key.sign(signed_bytes.connect(self._audience, who.address, number))
        account, device = who.address
        proof = f"v1.{account}.{device}.{number}.{base64url.encode(signature)}"
        return {"methodArn": "arn", "headers": {}, "queryStringParameters": {"proof": proof}}

    def connect(self, who: Person) -> Event:
        """A socket that is being opened."""
        return {"requestContext": _context(who)}


def _context(who: Person) -> dict[str, Any]:
    number = str(who.connection.connect_number)
    identity = {
        "account": who.address.account,
        "device": str(who.address.device),
        "connect_number": number,
        "previous_number": number,
    }
    return {"connectionId": who.connection.connection_id, "authorizer": identity}


def _frame(sender: Person, frame: object) -> Event:
    return {"requestContext": _context(sender), "body": json.dumps(frame, separators=(",", ":"))}
