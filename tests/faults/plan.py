"""What happens in a run, drawn from its seed alone: the same seed is the same plan, on every machine.

When things happen relative to each other is up to the machine: a replay repeats the plan, not the race.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TALK_SECONDS = 2.0
"""How long the devices talk; faults begin within it and may last longer."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something a device does ``at`` seconds after the start, or as soon as its step before is through.

    ``what``: send (to, body), read (how many), block / unblock / accept (account), restart, kill, link (the
    new device's name), remove (the device's name).
    """

    at: float
    device: str
    what: str
    argument: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. ``devices`` exist from the start, ``a1`` being the first device of account ``a``."""

    seed: int
    devices: tuple[str, ...]
    steps: tuple[Step, ...]
    faults: tuple[tuple[float, str], ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of its accounts."""
        return tuple(dict.fromkeys(name[0] for name in self.devices))

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {' '.join(self.devices)}"]
        lines += [f"  {at:6.3f}  fault {name}" for at, name in self.faults]
        lines += [
            f"  {step.at:6.3f}  {step.device} {step.what} {step.argument} {step.body}".rstrip()
            for step in self.steps
        ]
        return "\n".join(lines)


def plan(seed: int, weights: Mapping[str, float], first: str | None = None) -> Plan:
    """The plan of a seed: 2 to 4 accounts, 20 to 60 messages, one to three faults out of ``weights``.

    ``first`` names a fault that it surely has.
    """
    rng = random.Random(seed)
    accounts = "abcd"[: rng.choice((2, 2, 3, 4))]
    devices = [f"{account}1" for account in accounts]
    devices += [f"{account}2" for account in accounts if rng.random() < 0.4]
    steps = _messages(rng, accounts, devices)
    steps += _relations(rng, accounts)
    steps += _lives(rng, accounts, devices)
    names = [first] if first else []
    names += (
        rng.choices(list(weights), list(weights.values()), k=rng.choice((1, 1, 2, 3)) - len(names))
        if weights
        else []
    )
    faults = [(rng.uniform(0.0, 0.7 * TALK_SECONDS), name) for name in dict.fromkeys(names)]
    return Plan(seed, tuple(devices), tuple(sorted(steps, key=lambda step: step.at)), tuple(sorted(faults)))


def _messages(rng: random.Random, accounts: Sequence[str], devices: Sequence[str]) -> list[Step]:
    """Texts in bursts and alone, and looks at what came."""
    steps: list[Step] = []
    left = rng.randint(20, 60)
    while left > 0:
        device, at = rng.choice(devices), rng.uniform(0, TALK_SECONDS)
        to = rng.choice([account for account in accounts if account != device[0]])
        for _ in range(min(left, rng.choice((1, 1, 1, 2, 5)))):
            steps.append(
                Step(at, device, "send", to, f"{device} {len(steps)} " + "x" * rng.choice((0, 0, 40, 900)))
            )
            left -= 1
    steps += [
        Step(rng.uniform(0, TALK_SECONDS), rng.choice(devices), "read", str(rng.randint(1, 5)))
        for _ in range(rng.randint(2, 10))
    ]
    return steps


def _relations(rng: random.Random, accounts: Sequence[str]) -> list[Step]:
    """Sometimes somebody accepts, blocks, and perhaps unblocks somebody else."""
    steps = []
    one, other = rng.sample(accounts, 2)
    if rng.random() < 0.2:
        steps.append(Step(rng.uniform(0, TALK_SECONDS), f"{one}1", "accept", other))
    if rng.random() < 0.25:
        at = rng.uniform(0, TALK_SECONDS)
        steps.append(Step(at, f"{one}1", "block", other))
        if rng.random() < 0.7:
            steps.append(Step(at + rng.uniform(0.05, 1), f"{one}1", "unblock", other))
    return steps


def _lives(rng: random.Random, accounts: Sequence[str], devices: Sequence[str]) -> list[Step]:
    """Sometimes a client is closed and opened, killed and opened, a device linked or removed."""
    steps = [
        Step(rng.uniform(0, TALK_SECONDS), rng.choice(devices), rng.choice(("restart", "kill")))
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    if rng.random() < 0.15:
        account = rng.choice(accounts)
        steps.append(Step(rng.uniform(0, TALK_SECONDS), f"{account}1", "link", f"{account}3"))
    seconds = [device for device in devices if device.endswith("2")]
    if seconds and rng.random() < 0.2:
        device = rng.choice(seconds)
        steps.append(Step(rng.uniform(0.5, TALK_SECONDS), f"{device[0]}1", "remove", device))
    return steps
