"""A whole backend of fakes, with the few verbs that tests need to set a scene."""

from __future__ import annotations

import random
from typing import Any

from chat.adapters.ed25519 import check_signature
from chat.adapters.memory_limits import MemoryBuckets
from chat.adapters.open_verifier import OpenVerifier
from chat.domain.devices import Device, DeviceList
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId, MessageId, new_uuid7
from chat.domain.numbers import Prices
from chat.ports.connections import Connection
from chat.settings import CodeSettings, DiscoverySettings, IdentitySettings, VerifierSettings
from chat.usecases.codes import OtpVerifier
from chat.usecases.limits import RateLimits
from chat.usecases.send import OutgoingMessage
from chat.usecases.verifiers import Verifiers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.codes import FakeCodes, FakeSender, FakeSpending
from tests.fakes.limits import FakeLimitRows
from tests.fakes.prekeys import FakePrekeys
from tests.fakes.sockets import FakeSockets
from tests.fakes.storage import (
    FakeCards,
    FakeConnections,
    FakeConnectNumbers,
    FakeHandles,
    FakeInbox,
    FakeLinks,
    FakeUsedProofs,
)

AUDIENCE = "127.0.0.1:4566"
NOW = 1_764_000_000_000


class World:
    """Looks like ``chat.bootstrap.Services``; everything is in memory and the clock stands at ``time``."""

    def __init__(self) -> None:
        self.cards = FakeCards()
        self.handles = FakeHandles()
        self.connections = FakeConnections()
        self.connect_numbers = FakeConnectNumbers()
        self.inbox = FakeInbox()
        self.used_proofs = FakeUsedProofs()
        self.links = FakeLinks()
        self.prekeys = FakePrekeys()
        self.sockets = FakeSockets()
        self.limit_rows = FakeLimitRows()
        self.limits = RateLimits(MemoryBuckets(), self.limit_rows, random.Random(1).random)
        self.identity = IdentitySettings(AUDIENCE, ("https://app.example",))
        self.discovery = DiscoverySettings("ws://127.0.0.1:4566/v1", "local")
        self.verification = VerifierSettings(("open", "otp"))
        self.codes = FakeCodes()
        self.spending = FakeSpending()
        self.text_sender = FakeSender()
        self.code_settings = CodeSettings(
            Prices({"1": 1, "49": 9, "1876": None}), daily_cap=100, sender="log", sender_id="", region=""
        )
        self.verifier = Verifiers({"open": OpenVerifier()}, {"otp": OtpVerifier(self.codes, self.now)})
        self.check_signature = check_signature
        self.time = NOW
        self.keys: dict[Address, Ed25519PrivateKey] = {}
        self._ids = 0

    def now(self) -> int:
        return self.time

    def account(self, handle: str, devices: int = 1, added_at: int = NOW - 86_400_000) -> AccountId:
        """An account with that many devices, on the list since ``added_at``."""
        account = AccountId(new_uuid7(added_at))
        made = []
        for number in range(1, devices + 1):
            key = Ed25519PrivateKey.generate()
            address = Address(account, DeviceId(number))
            self.keys[address] = key
            self.connect_numbers.start(address)
            made.append(
                Device(address.device, key.public_key().public_bytes_raw(), added_at, f"{handle} {number}")
            )
        self.cards.create(DeviceList(account, handle, 1, devices + 1, tuple(made)))
        return account

    def online(self, account: AccountId, device: int = 1, number: int = NOW, name: str = "") -> Connection:
        """A live socket of a device."""
        connection_id = ConnectionId(name or f"{account[-4:]}-{device}-{number}")
        connection = Connection(account, DeviceId(device), connection_id, number)
        self.connections.add(connection)
        return connection

    def message(
        self, to: AccountId, devices: int = 1, own: tuple[int, ...] = (), **changes: Any
    ) -> OutgoingMessage:
        """A message to the first ``devices`` devices of ``to`` and to own devices."""
        self._ids += 1  # a millisecond apart, so that they rise
        made = {
            "id": MessageId(new_uuid7(self.time + self._ids)),
            "to": to,
            "devices": {DeviceId(d): f"for {d}".encode() for d in range(1, devices + 1)},
            "own": {DeviceId(d): f"own {d}".encode() for d in own},
        }
        return OutgoingMessage(**{**made, **changes})

    @property
    def delivery(self) -> dict[str, Any]:
        """The ports that send, ack and sync take."""
        return {
            "cards": self.cards,
            "connections": self.connections,
            "inbox": self.inbox,
            "sockets": self.sockets,
        }


def address(account: AccountId, device: int = 1) -> Address:
    """The address of a device."""
    return Address(account, DeviceId(device))
