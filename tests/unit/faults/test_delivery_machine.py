"""The small model, driven by Hypothesis: any story, with a fault at any call of a port, keeps the promises.

What runs are the real handlers and use cases; a story that breaks a promise is shrunk to the shortest one.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.checker import check
from tests.unit.faults.model_device import Device
from tests.unit.faults.model_run import Run

ANY = st.integers(0, 999)
"""Picks one of what is there, whatever that is."""
FAULT = st.sampled_from(("", "crash", "storage", "race", "connect"))
"""Nothing; the Lambda dies; the storage fails; another Lambda runs, or a device connects, in between."""
CALL = st.integers(0, 13)
"""At which point of a Lambda a fault strikes."""


class Delivery(RuleBasedStateMachine):
    """Three accounts, the first with two devices."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(1)
        self.run.begin()

    def device(self, number: int) -> Device:
        """One of the devices, a running one if there is any."""
        running = [device for device in self.run.devices if device.running]
        devices = running or self.run.devices
        return devices[number % len(devices)]

    def peer(self, device: Device, number: int) -> str:
        """An account that it may write to."""
        others = [account for account in self.run.accounts if account != device.account]
        return others[number % len(others)]

    @rule(device=ANY, peer=ANY, fault=FAULT, call=CALL)
    def say(self, device: int, peer: int, fault: str, call: int) -> None:
        """An application sends, and the frame is served at once."""
        sender = self.device(device)
        if not sender.running:
            return
        if not sender.online:
            self.run.connect(sender)
        sender.receive()
        sender.give_up()
        to = self.peer(sender, peer)
        self.run.send(sender, to)
        flight = sender.transmit(to)
        if flight is not None:
            self.run.serve(flight, fault, call)

    @rule(device=ANY, peer=ANY, leaves=st.booleans())
    def say_later(self, device: int, peer: int, *, leaves: bool) -> None:
        """An application sends; the message stays in the outbox, or its frame in flight."""
        sender = self.device(device)
        if sender.running:
            to = self.peer(sender, peer)
            self.run.send(sender, to)
            if leaves:
                sender.transmit(to)

    @rule(device=ANY, peer=ANY)
    def die_in_send(self, device: int, peer: int) -> None:
        """A process ends before `send` has returned."""
        sender = self.device(device)
        if sender.running:
            self.run.send(sender, self.peer(sender, peer), returns=False)

    @rule(device=ANY, peer=ANY, most=st.integers(1, 3))
    def transmit(self, device: int, peer: int, most: int) -> None:
        """What is pending goes on the wire, again if nothing was answered."""
        sender = self.device(device)
        if sender.online:
            sender.give_up()
            sender.transmit(self.peer(sender, peer), most)

    @precondition(lambda self: self.run.cloud.in_flight)
    @rule(flight=ANY, fault=FAULT, call=CALL)
    def serve(self, flight: int, fault: str, call: int) -> None:
        """Any frame in flight reaches its Lambda."""
        flights = self.run.cloud.in_flight
        self.run.serve(flights[flight % len(flights)], fault, call)

    @precondition(lambda self: self.run.cloud.in_flight)
    @rule(flight=ANY)
    def lose(self, flight: int) -> None:
        """A frame never arrives."""
        flights = self.run.cloud.in_flight
        self.run.lose(flights[flight % len(flights)])

    @rule(fault=st.sampled_from(("gone", "failed", "gone but delivered")))
    def the_next_post_fails(self, fault: str) -> None:
        """The gateway says that a socket is gone, or takes nothing, whatever is true."""
        self.run.cloud.sockets.fault = fault

    @rule(device=ANY, most=st.integers(1, 4), acknowledge=st.booleans())
    def receive(self, device: int, most: int, *, acknowledge: bool) -> None:
        """Frames arrive; the acks leave in a frame of their own, or wait for one to ride on."""
        receiver = self.device(device)
        receiver.receive(most)
        if acknowledge and receiver.store.owed:
            receiver.acknowledge()

    @rule()
    def rest(self) -> None:
        """All is quiet for a while: what is on its way arrives."""
        self.run.settle()

    @rule()
    def wait(self) -> None:
        """Time passes; ids grow stale."""
        self.run.wait()

    @rule(device=ANY)
    def show_and_read(self, device: int) -> None:
        """The application is shown what came, and marks the newest as read."""
        reader = self.device(device)
        if reader.running:
            reader.show()
            received = [key for key, entry in reader.store.entries.items() if not entry.outgoing]
            if received:
                reader.read(received[-1])

    @rule(device=ANY, dies=st.booleans())
    def leave(self, device: int, *, dies: bool) -> None:
        """A process ends, or its socket breaks; what was in flight to it is lost."""
        leaving = self.device(device)
        if dies and leaving.running:
            leaving.kill()
        else:
            leaving.cut()

    @rule(
        device=ANY,
        fault=st.sampled_from(("", "", "crash", "race", "remove")),
        call=CALL,
    )
    def come_back(self, device: int, fault: str, call: int) -> None:
        """A device that is away starts and connects."""
        away = [d for d in self.run.devices if not d.online and d.who not in self.run.removed]
        if away:
            returning = away[device % len(away)]
            if not returning.running:
                returning.start()
            self.run.with_fault(fault, call, returning.connect, returning)

    @rule(device=ANY)
    def sync(self, device: int) -> None:
        """The keep-alive."""
        if self.device(device).online:
            self.device(device).sync()

    @rule(
        device=ANY,
        other=ANY,
        what=st.sampled_from(("block", "unblock", "accept", "link", "remove")),
        fault=FAULT,
        call=CALL,
    )
    def decide(self, device: int, other: int, what: str, fault: str, call: int) -> None:
        """An owner blocks, unblocks, accepts, takes a device in or takes one off the list."""
        by = self.device(device)
        if not by.running or by.who in self.run.removed:
            return
        spared = self.run.removed | {by.who}
        others = [d for d in self.run.devices if d.account == by.account and d.who not in spared]
        if what == "link" and len(self.run.cloud.devices(by.account)) < 3:
            self.run.with_fault(fault, call, lambda: self.run.link(by))
        elif what == "remove" and others:
            self.run.with_fault(fault, call, lambda: self.run.remove(by, others[other % len(others)]))
        elif what in ("block", "unblock", "accept"):
            self.run.with_fault(fault, call, lambda: by.relate(what, self.peer(by, other)))

    @invariant()
    def nothing_is_missed(self) -> None:
        """A device that is online and caught up knows of every row in its inbox."""
        assert self.run.missed() == []

    @invariant()
    def who_was_removed_is_out(self) -> None:
        """A removed device has no live socket."""
        assert self.run.intruders() == []

    def teardown(self) -> None:
        """In the end, healed, every promise was kept."""
        assert check(self.run.finish()) == []


def test_any_story_with_any_fault_keeps_the_promises() -> None:
    """Sends, acks, syncs, blocks, removals, crashes, races, lost frames, lying posts: no violation."""
    profile: Any = settings(
        max_examples=150,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(Delivery, settings=profile)
