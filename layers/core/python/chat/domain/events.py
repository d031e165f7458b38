"""What a client is told over its socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chat.domain.envelope import Status
from chat.domain.ids import AccountId, MessageName


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """A message for one device. ``to`` is whom its sender wrote to."""

    name: MessageName
    to: AccountId
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class ReceiptEvent:
    """Messages whose status rose. ``row`` names the inbox row it was stored in, if it was."""

    status: Status
    by: str
    names: tuple[MessageName, ...]
    row: MessageName | None = None


@dataclass(frozen=True, slots=True)
class DeviceListChanged:
    """The device list of the own account, or of one that it is related to, has a new version."""

    account: AccountId
    version: int


CloseReason = Literal["REPLACED", "DEVICE_REMOVED", "ACCOUNT_REPLACED"]
"""A newer socket of the device; the device was removed; its account was, with all its devices."""


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The socket is about to be closed."""

    reason: CloseReason


Event = MessageEvent | ReceiptEvent | DeviceListChanged | SessionClosed
