"""A run of the small model: what can happen, and how it ends healed. Seeded, or driven step by step."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

from chat.ports.storage import OutcomeUnknown, StorageUnavailable

from tests.faults.history import TYPED, Record
from tests.unit.faults.model_cloud import Cloud, Crash, Flight, address
from tests.unit.faults.model_device import Device
from tests.unit.faults.model_store import Store

LONG_TEXT = 7_900
"""Characters of every fifth message: three of them do not fit into one page of a drain."""


@dataclass(slots=True)
class Snapshot:
    """A copy of a device's store."""

    who: str
    store: Store
    time: int


class Run:
    """Some accounts, their devices, and the verbs of a story."""

    def __init__(self, seed: int, devices_of: tuple[int, ...] = (2, 1, 1)) -> None:
        self.rng = random.Random(seed)
        self.cloud = Cloud()
        self.accounts = [
            str(self.cloud.world.account(f"account{number}", devices))
            for number, devices in enumerate(devices_of)
        ]
        self.devices = [
            Device(self.cloud, f"{account}:{number}", self.rng)
            for account, devices in zip(self.accounts, devices_of, strict=True)
            for number in range(1, devices + 1)
        ]
        for device, skew in zip(self.devices, (0, 4_000, -4_000, 0), strict=False):
            device.skew = skew
        self.snapshots: list[Snapshot] = []
        self.removed: set[str] = set()
        self._texts = 0

    def begin(self) -> None:
        """Start all devices, online."""
        for device in self.devices:
            device.start()
            device.connect()
        self.settle()

    # --- what happens on the way

    def serve(self, flight: Flight, fault: str = "", call: int = 0) -> None:
        """Serve a frame; the fault strikes at the so-and-so-many-th point."""
        if fault:
            self.cloud.ports.at_call(call, self._strike(fault, flight))
        try:
            self.cloud.serve(flight)
        finally:
            self.cloud.ports.nothing()

    def with_fault(
        self, fault: str, call: int, what: Callable[[], object], during: Device | None = None
    ) -> None:
        """Do something that calls handlers itself, as connecting and HTTPS do; `during` is who does it."""
        if fault:
            self.cloud.ports.at_call(call, self._strike(fault, None, during))
        try:
            what()
        finally:
            self.cloud.ports.nothing()

    def _strike(self, fault: str, flight: Flight | None, during: Device | None = None) -> Callable[[], None]:
        def strike() -> None:
            if fault == "crash":
                raise Crash
            if fault == "storage":
                self.cloud.missed_by_all()
                raise self.rng.choice((StorageUnavailable, OutcomeUnknown))
            flights = [other for other in self.cloud.in_flight if other is not flight]
            if fault == "race" and flights:
                self.cloud.serve(self.rng.choice(flights))
            elif fault == "connect":
                asking = flight.link.connection.address if flight else None
                others = [d for d in self.devices if d.running and address(d.who) != asking]
                if others:
                    self.connect(self.rng.choice(others))
            elif fault == "remove" and during is not None:
                by = [
                    device
                    for device in self.devices
                    if device.account == during.account and device.who not in self.removed | {during.who}
                ]
                if by and during.who not in self.removed:
                    self.remove(self.rng.choice(by), during)

        return strike

    def connect(self, device: Device) -> None:
        """Connect, sync and read the answer, inside whatever is going on."""
        device.connect()
        for flight in [flight for flight in self.cloud.in_flight if flight.link is device.link]:
            self.cloud.serve(flight)

    def wait(self) -> None:
        """Two minutes pass: what is sent again needs a new id."""
        self.cloud.world.time += 120_000

    def lose(self, flight: Flight) -> None:
        """A frame never arrives."""
        self.cloud.in_flight.remove(flight)

    def send(self, device: Device, peer: str, *, returns: bool = True) -> None:
        """A text that no other message has."""
        self._texts += 1
        size = LONG_TEXT if self._texts % 5 == 0 else 0
        device.send(peer, f"{TYPED}text {self._texts}".ljust(size), returns=returns)
        if not returns:
            device.kill()

    def snapshot(self, device: Device) -> None:
        """Keep a copy of a store."""
        time = self.cloud.record("fault", "harness", name="F15", what="begin", detail="snapshot")
        self.snapshots.append(Snapshot(device.who, copy.deepcopy(device.store), time))

    def restore(self, device: Device, snapshot: Snapshot) -> None:
        """Kill the device and put the older store in place."""
        if device.running:
            device.kill()
        device.restore(snapshot.store, snapshot.time)
        self.snapshots = [kept for kept in self.snapshots if kept.who != device.who]

    def copy(self, device: Device) -> None:
        """Start a second process on a copy of the store."""
        time = self.cloud.record("fault", "harness", name="F15", what="begin", detail="copy")
        twin = device.copied(time)
        twin.start()
        self.devices.append(twin)

    def link(self, by: Device) -> None:
        """Take in a new device of the same account."""
        self.cloud.record("device", by.who, device=None, what="added", phase="invoke")
        added = self.cloud.link_device(address(by.who))
        if added is not None:
            self.cloud.record("device", by.who, device=str(added), what="added", phase="ok")
            device = Device(self.cloud, str(added), self.rng)
            self.devices.append(device)
            device.start()

    def remove(self, by: Device, device: Device) -> None:
        """Take another device of the account off the list."""
        self.cloud.record("device", by.who, device=device.who, what="removed", phase="invoke")
        done = self.cloud.remove_device(address(by.who), address(device.who))
        self.cloud.record(
            "device", by.who, device=device.who, what="removed", phase="ok" if done else "unknown"
        )
        if done:
            self.removed.add(device.who)

    # --- what holds at every moment

    def missed(self) -> list[str]:
        """Rows that an online device was neither given nor will be told of before its next sync.

        The other half of no loss: senders write and then look for sockets, devices connect and then drain,
        so one of the two sees the other. Not asked where a fault swallowed a post.
        """
        found = []
        for device in self.devices:
            link = device.link
            if link is None or not link.alive or link.missed or link.arriving or not device.caught_up:
                continue
            rows = self.cloud.world.inbox.rows.get(address(device.who), {})
            found += [
                f"{device.who} does not know of {name.id}"
                for name in rows
                if "/" not in name.sender and (name.id, name.sender) not in device.store.names
            ]
        return found

    def intruders(self) -> list[str]:
        """Removed devices with a live socket.

        Not asked where a fault may have cost a socket its row: it gets nothing, and its next sync closes it.
        """
        links = (link for link in self.cloud.links.values() if link.alive and not link.missed)
        return sorted({str(link.connection.address) for link in links} & self.removed)

    # --- the end

    def settle(self, rounds: int = 2_000) -> None:
        """Without faults: serve, receive, send and acknowledge until nothing moves any more."""
        for _ in range(rounds):
            for device in self.devices:
                if device.running:
                    device.receive()
                    for peer in list(device.store.queue):
                        device.transmit(peer)
                    if device.store.owed:
                        device.acknowledge()
            flights = list(self.cloud.in_flight)
            self.rng.shuffle(flights)
            for flight in flights:
                if flight in self.cloud.in_flight:
                    self.cloud.serve(flight)
            arriving = any(device.link and device.link.arriving for device in self.devices)
            if not self.cloud.in_flight and not arriving:
                return
        raise AssertionError("the model does not come to rest")

    def finish(self) -> list[Record]:
        """Heal, reopen every device that is on its list, drain, and write the end down."""
        cloud = self.cloud
        cloud.sockets.fault = ""
        cloud.record("healed", "harness")
        present = self._present()
        for device in self.devices:
            if device.running:
                device.kill()
        self.devices = present
        self.settle()
        for device in present:
            device.start()
            device.connect()
        self.settle()
        for device in present:
            if not device.online:
                device.connect()
        self.settle()
        for device in present:
            device.sync(ask_receipts=True)
        self.settle()
        for device in present:
            device.show(10_000)
            cloud.record("final", device.who, messages=device.final())
        cloud.record("server", "harness", **cloud.server_record())
        return cloud.history

    def _present(self) -> list[Device]:
        """One process of each device that is still on its list; a removal nobody knows of is looked up."""
        present: dict[str, Device] = {}
        for device in self.devices:
            on_list = address(device.who).device in self.cloud.devices(device.account)
            if on_list:
                present.setdefault(device.who, device)
        return list(present.values())


STEPS = (
    ("send", 14),
    ("transmit", 20),
    ("serve", 30),
    ("serve with a fault", 6),
    ("lose", 1),
    ("receive", 24),
    ("acknowledge", 8),
    ("show", 10),
    ("read", 5),
    ("relate", 2),
    ("kill", 1),
    ("start", 3),
    ("connect", 3),
    ("cut", 1),
    ("give up", 2),
    ("wait", 0.3),
    ("post fault", 2),
    ("snapshot", 1.2),
    ("restore", 0.8),
    ("copy", 0.15),
    ("link", 0.2),
    ("remove", 0.2),
)
FAULTS = ("crash", "storage", "race", "connect")


def simulate(seed: int, steps: int = 150, without: Collection[str] = ()) -> list[Record]:
    """A healed history of legal behaviour with all kinds of faults; the same seed makes the same story."""
    run = Run(seed)
    rng, cloud = run.rng, run.cloud
    run.begin()
    names, weights = zip(*(step for step in STEPS if step[0] not in without), strict=True)
    for step in rng.choices(names, weights, k=steps):
        _step(run, step, rng, cloud)
        assert not run.missed()
        assert not run.intruders()
    return run.finish()


def _step(run: Run, step: str, rng: random.Random, cloud: Cloud) -> None:  # noqa: PLR0912, a table
    device = rng.choice(run.devices)
    up = device.running
    match step:
        case "send" if up:
            peer = rng.choice([account for account in run.accounts if account != device.account])
            run.send(device, peer, returns=rng.random() > 0.03)
        case "transmit" if up and device.store.queue:
            device.transmit(rng.choice(list(device.store.queue)))
        case "serve" if cloud.in_flight:
            run.serve(rng.choice(cloud.in_flight))
        case "serve with a fault" if cloud.in_flight:
            run.serve(rng.choice(cloud.in_flight), rng.choice(FAULTS), rng.randrange(14))
        case "lose" if cloud.in_flight:
            run.lose(rng.choice(cloud.in_flight))
        case "receive" if up:
            device.receive(rng.randrange(1, 4))
        case "acknowledge" if up and device.store.owed:
            device.acknowledge()
        case "show" if up:
            device.show(rng.randrange(1, 5))
        case "read" if up:
            received = [key for key, entry in device.store.entries.items() if not entry.outgoing]
            if received:
                device.read(rng.choice(received))
        case "relate" if up:
            peer = rng.choice([account for account in run.accounts if account != device.account])
            what = rng.choice(("block", "unblock", "unblock", "accept"))
            fault = rng.choice(("", "", "crash", "storage"))
            run.with_fault(fault, rng.randrange(8), lambda: device.relate(what, peer))
        case "kill" if up:
            device.kill()
        case "start" if not up and device.who not in run.removed:
            device.start()
        case "connect" if up and not device.online:
            run.with_fault(rng.choice(("", "", "", "crash")), rng.randrange(8), device.connect)
        case "cut" if up:
            device.cut()
        case "wait":
            run.wait()
        case "give up" if up:
            device.give_up()
        case "post fault":
            cloud.sockets.fault = rng.choice(("gone", "failed", "gone but delivered"))
        case "snapshot":
            run.snapshot(device)
        case "restore":
            mine = [snapshot for snapshot in run.snapshots if snapshot.who == device.who]
            if mine:
                run.restore(device, rng.choice(mine))
        case "copy" if up:
            run.copy(device)
        case "link" if up and len(cloud.devices(device.account)) < 3:
            run.with_fault("", 0, lambda: run.link(device))
        case "remove" if up and len(cloud.devices(device.account)) > 1:
            others = [
                other
                for other in run.devices
                if other.account == device.account and other.who not in run.removed | {device.who}
            ]
            if others and device.who not in run.removed:
                victim = rng.choice(others)
                run.with_fault(
                    rng.choice(("", "", "crash")), rng.randrange(8), lambda: run.remove(device, victim)
                )
