"""Live sockets, and the connect numbers that order them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from chat.domain.ids import AccountId, Address, ConnectionId, DeviceId


@dataclass(frozen=True, slots=True)
class Connection:
    """A socket of a device. Of two sockets of one device the higher ``connect_number`` is the newer one."""

    account: AccountId
    device: DeviceId
    connection_id: ConnectionId
    connect_number: int

    @property
    def address(self) -> Address:
        """The device it belongs to."""
        return Address(self.account, self.device)


class Connections(Protocol):
    """Where the sockets of an account are. Rows never change; reads are LOCAL_QUORUM and never cached."""

    def add(self, connection: Connection) -> None:
        """Write the row; writing it again renews its TTL."""
        ...

    def remove(self, connection: Connection) -> None:
        """Delete the row by its full key: never another socket's."""
        ...

    def of_account(self, account: AccountId) -> list[Connection]:
        """All sockets of the account, dead ones that nobody has noticed yet included."""
        ...

    def of_accounts(self, accounts: Collection[AccountId]) -> Mapping[AccountId, list[Connection]]:
        """The same for many, by account, all read at once. An account without sockets has an empty list."""
        ...


class ConnectNumbers(Protocol):
    """The last connect number of each device: replay protection, order of sockets and limit of connects."""

    def start(self, device: Address) -> None:
        """Give a new device its row; safe to repeat."""
        ...

    def raise_to(self, device: Address, number: int, now: int) -> int | None:
        """Raise the last number and take a token of the limiter ``connect``, by one conditional write.

        Returns the number before, or None if the last one is not lower: the proof was used already, or is
        older. Raises ChatError(RATE_LIMITED), and nothing is written, while the bucket is empty.
        """
        ...

    def seen(self, devices: Collection[Address]) -> Mapping[Address, int]:
        """The last number of each: when it connected last, in ms; 0 for one that never did."""
        ...

    def wait(self, device: Address, now: int) -> int:
        """How long (ms) until the device may connect again; 0 if it may."""
        ...
