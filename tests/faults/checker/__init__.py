"""The checker of fault histories: were the promises kept?

It takes linear time, knows nothing of the server, and trusts only what devices saw: the frames on their
sockets and what their applications got. `docs/fault-model.md` words each invariant and its exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults.checker import delivery, order, rows, sealing, sessions, statuses
from tests.faults.checker.observed import History
from tests.faults.checker.reading import observe
from tests.faults.checker.violation import Violation
from tests.faults.history import Record

__all__ = ["INVARIANTS", "Violation", "check"]

INVARIANTS: dict[str, tuple[str, Callable[[History], list[Violation]]]] = {
    "I1": ("no loss", delivery.no_loss),
    "I2": ("no phantom: only what was sent, unchanged, to the right devices", delivery.no_phantom),
    "I3": ("exactly once to the application", delivery.exactly_once),
    "I4": ("a send that was not accepted, once retried, reached all", delivery.retried_reached_all),
    "I5": ("a sender's order", order.sender_fifo),
    "I6": ("causality", order.causality),
    "I7": ("agreement of order", order.agreement),
    "I8": ("ack stability", rows.ack_stability),
    "I9": ("status: up only, truthful, converging", statuses.truthful),
    "I11": ("one-time keys are given and used once, keys go with their device", sealing.keys_once),
    "I12": ("connections: every live socket has its row, a device has one", rows.connections),
    "I13": ("a message is sealed once, and no message key seals two", sealing.sealed_once),
    "I14": ("no text leaves a device", sealing.secret),
    "I15": ("what was not set back can be read", sessions.readable),
    "I16": ("a store that was set back says so", sessions.rollback_is_told),
}
"""Name -> (what it says, how it is checked). I10 is about groups: not built yet."""


def check(records: Sequence[Record]) -> list[Violation]:
    """All violations of a run's history, in the order of the invariants; none means that it is clean.

    What must hold *in the end* is asked only of a history that was healed; one that was not, or whose
    devices left no final state, is reported under the name `history`: it proves nothing.
    """
    history = observe(records)
    found = history.gaps()
    for _, judge in INVARIANTS.values():
        found.extend(judge(history))
    return found
