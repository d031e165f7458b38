"""Runbook, "Keyspaces throttles": clients wait and repeat, and everything arrives."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from heliograph import Client

from tests.barriers import Barriers

pytestmark = pytest.mark.integration

Profile = Callable[[str], Client]


async def test_a_storage_that_refuses_delays_and_loses_nothing(profile: Profile, barriers: Barriers) -> None:
    """A message whose writes are refused thrice stays pending, and is delivered when they are taken again."""
    mine, yours = (f"{name}{secrets.token_hex(4)}" for name in ("a", "b"))
    async with profile("alice") as alice, profile("bob") as bob:
        await alice.register(mine)
        await bob.register(yours)
        await bob.accept(alice.account)
        conversation = await alice.conversation(yours)
        barriers.once("send.inbox.put.before", "unavailable", only=bob.account)
        first = await conversation.send("first")
        second = await conversation.send("second")
        for _ in range(2):
            await barriers.used("send.inbox.put.before", "unavailable")
            barriers.once("send.inbox.put.before", "unavailable", only=bob.account)
        await barriers.used("send.inbox.put.before", "unavailable")
        assert (await second.reached("delivered", 60)).status == "delivered"
        assert (await first.reached("delivered", 60)).status == "delivered"
        theirs = await bob.conversation(mine)
        assert [message.text async for message in theirs.history()] == ["second", "first"]
