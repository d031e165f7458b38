"""The register of flows: each says which routes, verbs and kinds of content it sends through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from tests.canary.scene import Scene

Play = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A way in which content or secrets travel.

    ``routes`` are keys of ``infra/routes.py`` (``send``, ``POST /v1/devices``, ``authorize``), ``verbs``
    methods of the SDK's client, ``kinds`` kinds of content: all that it claims to use, and it must. One that
    is ``alone`` breaks the cloud, so it plays when no other does.
    """

    name: str
    play: Play
    routes: frozenset[str]
    verbs: frozenset[str]
    kinds: frozenset[str]
    alone: bool


FLOWS: dict[str, Flow] = {}


def flow(
    *, routes: Iterable[str] = (), verbs: Iterable[str] = (), kinds: Iterable[str] = (), alone: bool = False
) -> Callable[[Play], Play]:
    """Register a flow under the name of its function."""

    def register(play: Play) -> Play:
        name = play.__name__.replace("_", " ")
        FLOWS[name] = Flow(name, play, frozenset(routes), frozenset(verbs), frozenset(kinds), alone)
        return play

    return register


SENDS_NOTHING = frozenset(
    {
        "account", "close", "connected", "conversations", "device", "drained", "events", "handle", "history",
        "identity", "newest_cursor", "pending", "registered", "safety_number", "sealed_by", "seen", "server",
        "state", "timer", "trust", "unverify", "verify", "wait_status",
    }
)  # fmt: skip
"""What an application may ask of a client without anything leaving the device. All else needs a flow."""

NOT_SENT_YET = frozenset({"GET /v1/accounts/{account}"})
"""Kinds of content and routes that no verb of the SDK uses so far. One that is used leaves this list."""
