"""The device list of an account as a chain that its devices sign: docs/protocol.md, "The device chain".

Each entry names the hash of the one before, so whoever has seen an entry notices when the server shows
another past, or a device that no device of the account took in. Golden vectors:
``schemas/vectors/device_chain.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from chat.domain import signed_bytes
from chat.domain.base64url import encode
from chat.domain.ids import AccountId, DeviceId

Change = Literal["add", "remove"]

CHAIN_LIMIT = 1_000
"""Entries after which no device is added any more, so that a chain fits into one answer (400 KB)."""

NOBODY = DeviceId(0)
"""Signs the first entry, which the server makes at registration."""


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """One change. ``auth_key`` is empty for a removal, ``signature`` for the first entry; ``time`` in ms."""

    number: int
    change: Change
    device: DeviceId
    auth_key: bytes
    signer: DeviceId
    time: int
    signature: bytes


def text_or_dash(data: bytes) -> str:
    """base64url, and ``-`` for nothing: as keys, hashes and signatures of entries are written everywhere."""
    return encode(data) if data else "-"


@dataclass(frozen=True, slots=True)
class Chain:
    """How far a chain has come: its newest entry and that one's SHA-256, the head. Both absent: no entry."""

    last: ChainEntry | None = None
    head: bytes = b""

    @property
    def length(self) -> int:
        """How many entries it has."""
        return self.last.number if self.last else 0

    def statement(self, account: AccountId, entry: ChainEntry) -> bytes:
        """What is signed to append ``entry``: the text that its signature has to fit."""
        return signed_bytes.lines(
            "heliograph-chain-v1",
            account,
            entry.number,
            text_or_dash(self.head),
            entry.change,
            entry.device,
            text_or_dash(entry.auth_key),
            entry.signer,
            entry.time,
        )

    def with_entry(self, account: AccountId, entry: ChainEntry) -> Chain:
        """The chain one entry longer. Raises ``ValueError`` where its number is not the next one."""
        if entry.number != self.length + 1:
            raise ValueError(f"entry {entry.number} after {self.length}")
        signed = self.statement(account, entry) + b"\n" + text_or_dash(entry.signature).encode()
        return Chain(entry, sha256(signed).digest())


EMPTY = Chain()
"""Before the first entry."""


def first_chain(account: AccountId, device: DeviceId, auth_key: bytes, time: int) -> Chain:
    """The chain of a new account: its first device, which nobody could sign for."""
    return EMPTY.with_entry(account, ChainEntry(1, "add", device, auth_key, NOBODY, time, b""))
