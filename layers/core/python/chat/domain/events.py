"""What a client is told over its socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chat.domain.envelope import Status
from chat.domain.ids import AccountId, MessageName

Reason = Literal["REPLACED", "DEVICE_REMOVED", "ACCOUNT_REPLACED", "RATE_LIMITED"]
"""Why a socket is closed."""


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


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The socket is about to be closed. After RATE_LIMITED the device may come back, in ``retry_after`` s."""

    reason: Reason
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class KeysLow:
    """Few one-time keys of the device are left: it should bring more."""

    one_time: int
    one_time_kem: int


Event = MessageEvent | ReceiptEvent | DeviceListChanged | SessionClosed | KeysLow
