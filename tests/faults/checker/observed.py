"""A history as the checker looks at it: messages, their attempts on the wire, and what each device saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.checker.violation import Violation
from tests.faults.checker.windows import NEVER, Span, Windows, switched
from tests.faults.history import Record

Name = tuple[str, str]
"""Message id and sending device: what names a message on the wire."""

MAY_STILL_LAND = frozenset({"", "UNAVAILABLE", "INTERNAL"})
"""Answers after which nobody knows what was written, or will be; "" is none at all."""


def account_of(address: str) -> str:
    """The account of a device."""
    return address.partition(":")[0]


@dataclass(slots=True, eq=False)
class Attempt:
    """A message in one `send` frame.

    Attributes:
        name: Id and sending device.
        to: The account it is for.
        logical: Logical id inside its ciphertexts, as its device says; "" where it does not.
        out: When the frame left (ns).
        end: When its answer came; NEVER without one.
        accepted: The answer said so.
        code: The error it was answered with, or "".
        ciphertexts: Device -> base64url, the sender's own devices included.
    """

    name: Name
    to: str
    logical: str
    out: int
    ciphertexts: dict[str, str]
    end: int = NEVER
    accepted: bool = False
    code: str = ""

    @property
    def landed_by(self) -> int:
        """When its rows are surely written, if ever they are."""
        return NEVER if not self.accepted and self.code in MAY_STILL_LAND else self.end


@dataclass(slots=True, eq=False)
class Message:
    """What an application sent: `returned` is NEVER where the call was cut by a crash."""

    logical: str
    sender: str
    to: str
    body: str
    invoked: int
    returned: int = NEVER
    failed: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def account(self) -> str:
        """Who sent it."""
        return account_of(self.sender)

    @property
    def pair(self) -> tuple[str, str]:
        """The two accounts of its conversation."""
        low, high = sorted((self.account, self.to))
        return low, high

    @property
    def stored(self) -> bool:
        """Whether the application was told that it is in the outbox."""
        return self.returned < NEVER and not self.failed

    @property
    def ids(self) -> set[str]:
        """Every id it went on the wire with."""
        return {attempt.name[0] for attempt in self.attempts}

    @property
    def accepted(self) -> bool:
        """Whether the server said so."""
        return any(attempt.accepted for attempt in self.attempts)

    def __str__(self) -> str:
        return f"message {self.logical[:8]} of {short(self.sender)}"


@dataclass(slots=True, eq=False)
class Sealed:
    """What a device sealed under one name: the logical id, and device -> digests of its envelopes' base64url.

    There may be several for one device: a list that changed makes the message sealed again under its name.
    """

    logical: str
    digests: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(slots=True, eq=False)
class Ack:
    """An acknowledgement of one name; `confirmed` is when an answer proved that it was served, or NEVER."""

    out: int
    confirmed: int = NEVER


@dataclass(slots=True, eq=False)
class Drain:
    """A `sync` with all its pages; `done` is NEVER unless it caught up."""

    out: int
    mark: int
    have: set[Name]
    names: dict[Name, int] = field(default_factory=dict)
    done: int = NEVER


@dataclass(slots=True, frozen=True)
class Reset:
    """The device's store became that of `snapshot` at `at`; of a copy both go on, so it never ends.

    `newest_connect`: the newest connect number that the older store tried.
    """

    snapshot: int
    at: int
    newest_connect: int = 0

    def hides(self, time: int) -> bool:
        """Whether what the device saw at that time may be missing from its store."""
        return self.snapshot <= time <= self.at


@dataclass(slots=True, eq=False)
class Device:
    """One device, over all its processes."""

    address: str
    starts: list[int] = field(default_factory=list)
    resets: list[Reset] = field(default_factory=list)
    copied: bool = False
    removed: bool = False
    """Perhaps: somebody asked for it."""
    removed_by: int = NEVER
    """When it surely was off the list."""
    sockets: list[tuple[int, int]] = field(default_factory=list)
    """When sockets opened, and their connect numbers."""
    unread: dict[Name, int] = field(default_factory=dict)
    """What the application was told of as undecryptable."""
    previous_connects: list[tuple[int, int]] = field(default_factory=list)
    """What pages told as the connect number before, and when."""
    told_of_rollback: list[int] = field(default_factory=list)
    shown: list[Record] = field(default_factory=list)
    statuses: list[Record] = field(default_factory=list)
    received: dict[Name, int] = field(default_factory=dict)
    bytes_in: dict[tuple[Name, str], int] = field(default_factory=dict)
    acks: dict[Name, list[Ack]] = field(default_factory=dict)
    drains: list[Drain] = field(default_factory=list)
    reads: dict[str, int] = field(default_factory=dict)
    final: list[dict[str, Any]] | None = None

    @property
    def account(self) -> str:
        """Whose it is."""
        return account_of(self.address)

    def forgot(self, time: int) -> bool:
        """Whether its store may have lost what it saw at that time."""
        return any(reset.hides(time) for reset in self.resets)

    @property
    def surely_removed(self) -> bool:
        """It was taken off the list, and that was answered."""
        return self.removed_by < NEVER

    def __str__(self) -> str:
        return short(self.address)


class History:
    """Everything that the invariants are judged by. Made by `observe`."""

    def __init__(self) -> None:
        self.origin = 0
        self.healed_at = NEVER
        self.frames: list[Record] = []
        self.sealed: dict[Name, Sealed] = {}
        self.claims: list[Record] = []
        self.messages: dict[str, Message] = {}
        self.messages_of: dict[str, list[Message]] = defaultdict(list)
        """Sending device -> what it sent, in order."""
        self.attempts: dict[Name, list[Attempt]] = defaultdict(list)
        self.devices: dict[str, Device] = {}
        self.server: Record | None = None
        self.relation_calls: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
        self.wrote: dict[tuple[str, str], int] = {}
        """(account, peer) -> when it first wrote to it or accepted it, perhaps."""
        self.surely_accepted: set[tuple[str, str]] = set()
        self._blocks: dict[tuple[str, str], tuple[Windows, Windows]] = {}

    def device(self, address: str) -> Device:
        """The device, met now or before."""
        found = self.devices.get(address)
        if found is None:
            found = self.devices[address] = Device(address)
        return found

    def message_of(self, name: Name) -> Message | None:
        """The message that went under this name."""
        attempts = self.attempts.get(name)
        return self.messages.get(attempts[0].logical) if attempts else None

    @property
    def healed(self) -> bool:
        """All faults were over before the end."""
        return self.healed_at < NEVER

    def blocked(self, account: str, peer: str) -> tuple[Windows, Windows]:
        """When `account` blocked `peer`: perhaps, and surely."""
        pair = (account, peer)
        if pair not in self._blocks:
            on, off = (self.relation_calls.get((*pair, what), []) for what in ("block", "unblock"))
            self._blocks[pair] = switched(on, off)
        return self._blocks[pair]

    def ever_blocked(self, one: str, other: str) -> bool:
        """Whether either of two accounts perhaps blocked the other at some time."""
        return any((*pair, "block") in self.relation_calls for pair in ((one, other), (other, one)))

    def final_devices(self) -> Iterator[Device]:
        """Those whose end is known: what must hold in the end is asked of them."""
        if self.healed:
            yield from (device for device in self.devices.values() if device.final is not None)

    def at(self, time: int) -> str:
        """A time of the history for people."""
        return f"{(time - self.origin) / 1e9:.3f} s"

    def gaps(self) -> list[Violation]:
        """What the history lacks to prove anything."""
        if not self.healed:
            return [Violation("history", "it was never healed: what must hold in the end was not judged")]
        missing = [
            f"{device} left no final state"
            for device in self.devices.values()
            if device.starts and not device.removed and device.final is None
        ]
        if self.server is None:
            missing.append("the server's end was not recorded")
        return [Violation("history", text) for text in missing]


def short(address: str) -> str:
    """An address for people: the end of the account, the device."""
    account, colon, device = address.partition(":")
    return account[-6:] + colon + device


def milliseconds_of(message_id: str) -> int:
    """The time in a UUIDv7."""
    return int(message_id[:8] + message_id[9:13], 16)
