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
CALL = st.integers(0, 20)
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

    @rule(device=ANY, peer=ANY, returns=st.sampled_from((True, True, True, False)))
    def send(self, device: int, peer: int, *, returns: bool) -> None:
        """An application sends; its process may die before the call returns."""
        sender = self.device(device)
        if sender.running:
            self.run.send(sender, self.peer(sender, peer), returns=returns)

    @rule(device=ANY, peer=ANY, most=st.integers(1, 3))
    def transmit(self, device: int, peer: int, most: int) -> None:
        """What is pending goes on the wire."""
        sender = self.device(device)
        if sender.online:
            sender.transmit(self.peer(sender, peer), most)

    @precondition(lambda self: self.run.cloud.in_flight)
    @rule(flight=ANY)
    def serve(self, flight: int) -> None:
        """Any frame in flight reaches its Lambda."""
        flights = self.run.cloud.in_flight
        self.run.serve(flights[flight % len(flights)])

    @precondition(lambda self: self.run.cloud.in_flight)
    @rule(flight=ANY, fault=st.sampled_from(("crash", "storage", "race", "connect")), call=CALL)
    def serve_with_a_fault(self, flight: int, fault: str, call: int) -> None:
        """At a call of a port the Lambda dies, the storage fails, or another one runs in between."""
        flights = self.run.cloud.in_flight
        self.run.serve(flights[flight % len(flights)], fault, call)

    @precondition(lambda self: self.run.cloud.in_flight)
    @rule(flight=ANY)
    def lose(self, flight: int) -> None:
        """A frame never arrives, and its device gives up waiting."""
        flights = self.run.cloud.in_flight
        self.run.lose(flights[flight % len(flights)])

    @rule(device=ANY)
    def give_up(self, device: int) -> None:
        """Whatever was asked is asked again."""
        self.device(device).give_up()

    @rule(fault=st.sampled_from(("gone", "failed", "gone but delivered")))
    def the_next_post_fails(self, fault: str) -> None:
        """The gateway says that a socket is gone, or takes nothing, whatever is true."""
        self.run.cloud.sockets.fault = fault

    @rule(device=ANY, most=st.integers(1, 4))
    def receive(self, device: int, most: int) -> None:
        """Frames arrive."""
        self.device(device).receive(most)

    @rule(device=ANY)
    def acknowledge(self, device: int) -> None:
        """Acks leave in a frame of their own."""
        if self.device(device).store.owed:
            self.device(device).acknowledge()

    @rule(device=ANY)
    def show_and_read(self, device: int) -> None:
        """The application is shown what came, and marks the newest as read."""
        reader = self.device(device)
        if reader.running:
            reader.show()
            received = [key for key, entry in reader.store.entries.items() if not entry.outgoing]
            if received:
                reader.read(received[-1])

    @rule(
        device=ANY,
        peer=ANY,
        what=st.sampled_from(("block", "unblock", "accept")),
        fault=st.sampled_from(("", "crash", "storage")),
        call=CALL,
    )
    def relate(self, device: int, peer: int, what: str, fault: str, call: int) -> None:
        """Block, unblock, accept."""
        owner = self.device(device)
        if owner.running and owner.who not in self.run.removed:
            self.run.with_fault(fault, call, lambda: owner.relate(what, self.peer(owner, peer)))

    @rule(device=ANY)
    def kill(self, device: int) -> None:
        """A process ends, or its socket breaks."""
        if self.device(device).running:
            self.device(device).kill()

    @rule(device=ANY)
    def cut(self, device: int) -> None:
        """A socket breaks."""
        self.device(device).cut()

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

    @rule(device=ANY, fault=st.sampled_from(("", "crash", "race")), call=CALL)
    def link(self, device: int, fault: str, call: int) -> None:
        """An account takes another device in."""
        by = self.device(device)
        if by.running and by.who not in self.run.removed and len(self.run.cloud.devices(by.account)) < 3:
            self.run.with_fault(fault, call, lambda: self.run.link(by))

    @rule(device=ANY, other=ANY, fault=st.sampled_from(("", "crash", "race")), call=CALL)
    def remove(self, device: int, other: int, fault: str, call: int) -> None:
        """An account takes a device off its list."""
        by = self.device(device)
        others = [
            d
            for d in self.run.devices
            if d.account == by.account and d.who not in self.run.removed | {by.who}
        ]
        if by.running and by.who not in self.run.removed and others:
            self.run.with_fault(fault, call, lambda: self.run.remove(by, others[other % len(others)]))

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
