"""The faults that come from outside, numbered as docs/fault-model.md has them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.injections.acks import StrayAcks
from tests.faults.injections.clients import BrokenClients
from tests.faults.injections.clocks import WrongClocks
from tests.faults.injections.gateway import FailingPosts, RestartedGateway
from tests.faults.injections.keys import DrainedPools
from tests.faults.injections.links import BrokenLinks, SlowReader
from tests.faults.injections.storage import KilledCassandra, StrickenCassandra
from tests.faults.injections.storms import ConnectAmidLookup, ReconnectStorm
from tests.faults.injections.workers import FrozenWorkers, KilledWorker
from tests.faults.world import Injection

__all__ = ["INJECTIONS", "NOT_YET"]

INJECTIONS: tuple[Injection, ...] = (
    KilledCassandra(),
    StrickenCassandra(),
    KilledWorker(),
    RestartedGateway(),
    BrokenLinks(),
    SlowReader(),
    ReconnectStorm(),
    StrayAcks(),
    ConnectAmidLookup(),
    WrongClocks(),
    FailingPosts(),
    BrokenClients(),
    DrainedPools(),
    FrozenWorkers(),
)

NOT_YET: Mapping[str, str] = {
    "F5": "a job of a queue is delivered twice",
    "F6": "jobs of a queue are delayed and reordered",
    "F7": "a job that always fails",
    "F16": "a group changes while its message is on the way",
    "F18": "an upload that never ends",
}
"""What has nothing to break yet: queues, groups and media are not built."""
