"""Devices talk while messages are lost, shuffled, repeated and changed, and stores come back as they were.

Sessions are loaded from their stored state for every message, so each message is also a restart.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from heliograph.crypto.envelope import BadEnvelope
from heliograph.crypto.ratchet import Undecryptable
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.client.crypto.devices import Device, Kept

REPORTED = (BadEnvelope, Undecryptable)


@dataclass(slots=True)
class Message:
    """What was sent, and what is true of it."""

    id: str
    sender: int
    recipient: int
    content: bytes
    sealed: bytes


class Talking(RuleBasedStateMachine):
    """Two to four devices; ``rolled_back`` are those whose store was an older one at some time."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[Device] = []
        self.flying: list[Message] = []
        self.arrived: list[Message] = []
        self.snapshots: dict[int, Kept] = {}
        self.rolled_back: set[int] = set()
        self.sent = 0

    @initialize(count=st.integers(2, 4), one_time=st.integers(0, 2))
    def begin(self, count: int, one_time: int) -> None:
        """Devices of accounts of their own, with few one-time keys or none."""
        self.devices = [Device(f"{i}:1", one_time) for i in range(count)]

    @rule(data=st.data(), content=st.binary(max_size=400))
    def send(self, data: st.DataObject, content: bytes) -> None:
        """Anybody writes to anybody, also before anything came from there."""
        numbers = range(len(self.devices))
        sender = data.draw(st.sampled_from(numbers))
        recipient = data.draw(st.sampled_from([i for i in numbers if i != sender]))
        self._send(sender, recipient, content)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """In any order."""
        self._deliver(self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1))))

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A message never comes."""
        self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """What was delivered comes again: it opens for nobody who still knows of it."""
        message = data.draw(st.sampled_from(self.arrived))
        recipient = self.devices[message.recipient]
        if (message.id, self.devices[message.sender].address) in recipient.kept.delivered:
            self._refused(message, message.sealed, message.id, message.sender)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), bit=st.integers(0, 7))
    def change(self, data: st.DataObject, bit: int) -> None:
        """One bit changed, anywhere."""
        message = data.draw(st.sampled_from(self.flying))
        at = data.draw(st.integers(0, len(message.sealed) - 1))
        changed = bytearray(message.sealed)
        changed[at] ^= 1 << bit
        self._refused(message, bytes(changed), message.id, message.sender)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """The server says another id, or another sender."""
        message = data.draw(st.sampled_from(self.flying))
        others = [i for i in range(len(self.devices)) if i not in (message.sender, message.recipient)]
        self._refused(message, message.sealed, "another", message.sender)
        for other in others:
            self._refused(message, message.sealed, message.id, other)

    @rule(data=st.data())
    def snapshot(self, data: st.DataObject) -> None:
        """Somebody copies a store."""
        number = data.draw(st.sampled_from(range(len(self.devices))))
        self.snapshots[number] = self.devices[number].snapshot()

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), noticed=st.booleans())
    def roll_back(self, data: st.DataObject, noticed: bool) -> None:
        """The copy comes back; a device that notices it ends its sessions."""
        number = data.draw(st.sampled_from(sorted(self.snapshots)))
        self.devices[number].kept = self.snapshots.pop(number)
        self.rolled_back.add(number)
        if noticed:
            self.devices[number].end_sessions()

    def teardown(self) -> None:
        """What still flies arrives; then everybody begins anew with everybody, and it works."""
        while self.flying:
            self._deliver(self.flying.pop())
        for device in self.devices:
            device.end_sessions()
        self.rolled_back.clear()
        for sender in range(len(self.devices)):
            for recipient in range(len(self.devices)):
                if sender != recipient:
                    self._send(sender, recipient, b"anew")
                    self._deliver(self.flying.pop())

    def _send(self, sender: int, recipient: int, content: bytes) -> None:
        self.sent += 1
        sealed = self.devices[sender].encrypt(self.devices[recipient], f"m{self.sent}", content)
        self.flying.append(Message(f"m{self.sent}", sender, recipient, content, sealed))

    def _deliver(self, message: Message) -> None:
        """Exactly what was sent, once; reported only where one of both came back as it had been."""
        sender, recipient = self.devices[message.sender], self.devices[message.recipient]
        try:
            content = recipient.decrypt(sender, message.id, message.sealed)
        except REPORTED:
            assert self.rolled_back & {message.sender, message.recipient}, "a good message did not open"
            return
        assert content == message.content
        name = (message.id, sender.address)
        assert name not in recipient.kept.delivered, "delivered twice"
        recipient.kept.delivered.add(name)
        self.arrived.append(message)

    def _refused(self, message: Message, sealed: bytes, message_id: str, sender: int) -> None:
        recipient = self.devices[message.recipient]
        before = recipient.snapshot()
        with pytest.raises(REPORTED):
            recipient.decrypt(self.devices[sender], message_id, sealed)
        assert recipient.kept == before, "a refused message changed something"


Talking.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTalking = Talking.TestCase
TestTalking.__doc__ = "Every message opens once, unchanged, or is reported; a new session heals everything."
