"""A line between two people that nonsense must leave as it was."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.client import Device, Json, Socket
from tests.e2e.conftest import EXTERNAL

CANARY = "hunter2"
"""Stands in every frame that can hold it; no answer may quote it."""


@dataclasses.dataclass(slots=True)
class Line:
    """Alice and bob on live sockets."""

    alice: Device
    bob: Device
    a: Socket
    b: Socket

    async def refused(self, text: str | bytes, ref: str | None = None) -> Json:
        """Send it as alice; the refusal that comes back, which quotes nothing of it."""
        error = await self.a.refused(text, ref)
        said = json.dumps(error)
        assert CANARY not in said
        assert "Traceback" not in said
        assert len(said) < 1_000
        return error

    def frame(self, **changes: Any) -> str:
        """A ``send`` of one good message to bob, changed."""
        return json.dumps(
            {"action": "send", "ref": "x", "messages": [self.alice.message(self.bob)], "note": CANARY}
            | changes
        )

    def message(self, **changes: Any) -> str:
        """A ``send`` of one message with changes to it."""
        return self.frame(messages=[self.alice.message(self.bob) | changes])


@asynccontextmanager
async def talking(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    """A line that must be as good at the end as at the start: nothing written, nothing heard, both served."""
    alice, bob = request.getfixturevalue("alice"), request.getfixturevalue("bob")
    async with await alice.connect() as a, await bob.connect() as b:
        before = cards(request, alice, bob), inboxes(request, alice, bob)
        yield Line(alice, bob, a, b)
        assert (cards(request, alice, bob), inboxes(request, alice, bob)) == before
        assert b.events == []
        await a.drain()
        [result] = await a.send(alice.message(bob))
        assert result["accepted"]
        await b.wait_for(1)


def inboxes(request: pytest.FixtureRequest, *devices: Device) -> object:
    """What waits for the devices; of a stage from outside nobody can tell."""
    if EXTERNAL:
        return None
    tables = request.getfixturevalue("tables")
    return [tables.inbox(device) for device in devices]


def cards(request: pytest.FixtureRequest, *devices: Device) -> object:
    """The cards and sockets of the devices' accounts; of a stage from outside nobody can tell."""
    if EXTERNAL:
        return None
    tables = request.getfixturevalue("tables")
    by_account = (
        "SELECT * FROM account_card WHERE account_id = %s",
        "SELECT account_id, device_id, connection_id FROM connections_by_account WHERE account_id = %s",
    )
    return [tables.run(cql, device.account) for cql in by_account for device in devices]


def is_refused(error: Json, code: str = "BAD_FRAME") -> None:
    """The code, and a message for developers."""
    assert (error["code"], bool(error["message"])) == (code, True)
