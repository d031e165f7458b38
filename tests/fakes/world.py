"""A whole backend of fakes, with the few verbs that tests need to set a scene."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from chat.adapters.ed25519 import check_signature
from chat.adapters.memory_limits import MemoryBuckets
from chat.adapters.open_verifier import OpenVerifier
from chat.domain import base64url
from chat.domain.device_chain import ChainEntry, Change, first_chain
from chat.domain.devices import FIRST_DEVICE, Device, DeviceList
from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId, MessageId, new_uuid7
from chat.domain.numbers import Prices
from chat.ports.connections import Connection
from chat.settings import CodeSettings, DiscoverySettings, IdentitySettings, VerifierSettings
from chat.usecases.codes import OtpVerifier
from chat.usecases.devices import SignedChange
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
    FakeChains,
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
        self.chains = FakeChains()
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
        """An account with that many devices, on the list since ``added_at``; the first signed for all.

        Without devices it is retired.
        """
        account = AccountId(new_uuid7(added_at))
        first = Device(FIRST_DEVICE, self._new_key(account, FIRST_DEVICE), added_at, f"{handle} 1")
        chain = first_chain(account, FIRST_DEVICE, first.auth_key, added_at)
        own = DeviceList(account, handle, 1, FIRST_DEVICE + 1, (first,), chain)
        for number in range(2, devices + 1):
            key = self._new_key(account, DeviceId(number))
            asked = self.signed("add", Address(account, FIRST_DEVICE), own, key, time=added_at)
            own = self.grown(own, asked, f"{handle} {number}")
        own = own if devices else own.without(FIRST_DEVICE)
        self.cards.create(replace(own, version=1))
        return account

    def _new_key(self, account: AccountId, device: DeviceId) -> bytes:
        address = Address(account, device)
        self.keys[address] = Ed25519PrivateKey.generate()
        self.connect_numbers.start(address)
        return self.keys[address].public_key().public_bytes_raw()

    def grown(self, own: DeviceList, asked: SignedChange, name: str = "new", by: int = 1) -> DeviceList:
        """The list with the device that ``asked`` adds, as ``link`` makes it; not stored."""
        assert own.chain.last is not None
        self.chains.keep(own.account, own.chain.last)
        entry = ChainEntry(
            asked.number, "add", asked.device, asked.auth_key, DeviceId(by), asked.time, asked.signature
        )
        return own.with_device(entry, name, asked.time)

    def add_device(self, account: AccountId, key: bytes, by: int = 1, at: int = NOW) -> DeviceList:
        """Take a device with ``key`` in, and store the list with it."""
        own = self.cards.lists[account]
        signer = Address(account, DeviceId(by))
        after = self.grown(own, self.signed("add", signer, own, key, time=at), by=by)
        assert self.cards.replace(after)
        return after

    def signed(
        self,
        change: Change,
        by: Address,
        own: DeviceList,
        key: bytes = b"",
        *,
        device: int | None = None,
        **says: Any,
    ) -> SignedChange:
        """The next entry of ``own``'s chain, signed by ``by``: it adds ``key``, or removes ``device``.

        ``says`` changes what is asked, and not what is signed.
        """
        time, number = says.pop("time", self.time), own.chain.length + 1
        which = DeviceId(own.next_device if device is None else device)
        entry = ChainEntry(number, change, which, key, by.device, time, b"")
        signature = self.keys[by].sign(own.chain.statement(own.account, entry))
        asked = {"number": number, "device": which, "time": time, "signature": signature, "auth_key": key}
        return SignedChange(**{**asked, "name": "phone" if key else "", **says})

    def signed_body(self, asked: SignedChange) -> dict[str, Any]:
        """What is sent for ``asked``: the body that removes, or takes in where there is a key."""
        body: dict[str, Any] = {
            "number": asked.number,
            "time": asked.time,
            "signature": base64url.encode(asked.signature),
        }
        if asked.auth_key:
            key = base64url.encode(asked.auth_key)
            body |= {"device": asked.device, "auth_key": key, "name": asked.name}
        return body

    def online(self, account: AccountId, device: int = 1, number: int = NOW, name: str = "") -> Connection:
        """A live socket of a device."""
        connection_id = ConnectionId(name or f"{account[-4:]}-{device}-{number}")
        connection = Connection(account, DeviceId(device), connection_id, number)
        self.connections.add(connection)
        return connection

    def message(
        self,
        to: AccountId,
        devices: int | dict[DeviceId, bytes] = 1,
        own: tuple[int, ...] = (),
        **changes: Any,
    ) -> OutgoingMessage:
        """A message to the first ``devices`` devices of ``to``, or with these texts, and to own devices."""
        self._ids += 1  # a millisecond apart, so that they rise
        if isinstance(devices, int):
            devices = {DeviceId(d): f"for {d}".encode() for d in range(1, devices + 1)}
        made = {
            "id": MessageId(new_uuid7(self.time + self._ids)),
            "to": to,
            "devices": devices,
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
