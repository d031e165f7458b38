"""What a server may lie about an account, and how a client takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from heliograph import (
    Client,
    Conversation,
    IdentityChanged,
    SendFailed,
)
from heliograph.signing import AuthKey
from heliograph.store import pins

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.world import World

Lie = Callable[[FakeServer, Client], None]


def new_key() -> str:
    """A key that nobody has."""
    return AuthKey.generate().public


def adds_a_device(server: FakeServer, whom: Client) -> None:
    """A device on the list that nobody signed."""
    server.accounts[whom.account]["devices"][9] = new_key()


def replaces_a_key(server: FakeServer, whom: Client) -> None:
    """Another key under a number that is in the chain."""
    server.accounts[whom.account]["devices"][1] = new_key()


def brings_a_device_back(server: FakeServer, whom: Client) -> None:
    """A device on the list that was removed by a signature."""
    key = server.accounts[whom.account]["devices"][2]
    server.append(whom.account, server.signed_entry(whom.identity, "remove", 2))
    server.accounts[whom.account]["devices"][2] = key


def rewrites_history(server: FakeServer, whom: Client) -> None:
    """Another first entry, so another account in all but its name."""
    value, key = server.accounts[whom.account], AuthKey.generate()
    value["devices"] = {1: key.public}
    value["chain"] = [{**value["chain"][0], "auth_key": key.public}]


def shortens(server: FakeServer, whom: Client) -> None:
    """The chain as it was before the newest device."""
    server.accounts[whom.account]["chain"].pop()
    del server.accounts[whom.account]["devices"][2]


def forks(server: FakeServer, whom: Client) -> None:
    """Another device in the place of the newest one, and signed: its owner's device fell for the server."""
    shortens(server, whom)
    server.accounts[whom.account]["next_device"] = 2
    server.add_device(whom.identity)


def breaks(server: FakeServer, whom: Client) -> None:
    """A signature that fits nothing."""
    server.accounts[whom.account]["chain"][-1]["signature"] = AuthKey.generate().sign(b"nothing")


def shows_another_head(server: FakeServer, whom: Client) -> None:
    """Entries that do not lead to the head beside them."""
    server._chain = lambda account: {"length": 2, "head": "A" * 43}  # type: ignore[method-assign]


def swaps_accounts(server: FakeServer, whom: Client) -> None:
    """Somebody else's account where this one was asked for."""
    other, shown = server.add_account("mallory", new_key()), server.public

    def swapped(account: str) -> dict[str, Any]:
        if account != whom.account:
            return shown(account)
        return shown(account) | {"account": other, "handle": "mallory"}

    server.public = swapped  # type: ignore[method-assign]


UNSIGNED: list[Lie] = [adds_a_device, replaces_a_key, brings_a_device_back]
OTHER_CHAINS: list[Lie] = [rewrites_history, shortens, forks]
BROKEN: list[Lie] = [breaks, shows_another_head, swaps_accounts]


def tell(world: World, to: Client, about: Client) -> None:
    """Say that a list changed; each lie is a new version."""
    value = world.server.accounts[about.account]
    value["version"] += 1
    event = {"type": "device_list_changed", "account": about.account, "version": value["version"]}
    world.server.post(f"{to.account}:1", event)


async def hears_a_lie(world: World, lie: Lie, to: Client, about: Client) -> IdentityChanged:
    """Let the server lie, and wait until it is noticed."""
    lie(world.server, about)
    tell(world, to, about)
    async for event in to.events():
        if isinstance(event, IdentityChanged):
            to.seen(event)
            return event
    raise AssertionError("the stream ended")


@asynccontextmanager
async def talking(world: World, **options: Any) -> AsyncIterator[tuple[Client, Client, Conversation]]:
    """Alice and bob, whose second device she has seen, after a first message."""
    async with world.people("alice", "bob", **options) as (alice, bob):
        world.server.add_device(bob.identity)
        conversation = await alice.conversation("bob")
        await (await conversation.send("Hi")).reached("sent", 5)
        yield alice, bob, conversation


async def is_refused(conversation: Conversation, text: str = "secret") -> Any:
    """A message that fails for an identity; it is given for a retry."""
    message = await conversation.send(text)
    with pytest.raises(SendFailed) as failed:
        await message.reached("sent", 5)
    assert failed.value.code == "IDENTITY_CHANGED"
    return message


async def is_restored(client: Client, whom: Client) -> None:
    """Wait until the client has read that the server shows the pinned identity again."""
    while True:
        pin = await client._store().run(lambda connection: pins.get(connection, whom.account))
        if pin is not None and pin.shown is not None and pin.shown.reason == "restored":
            return


async def so_far(client: Client, kind: type[Any]) -> list[Any]:
    """All events of a kind up to now."""
    end, found = await client.newest_cursor(), []
    async for event in client.events(after=0):  # type: ignore[arg-type]
        found.append(event)
        if event.cursor >= end:
            return [one for one in found if isinstance(one, kind)]
    return found
