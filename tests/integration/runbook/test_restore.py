"""Runbook, "Restoring tables": older tables under living clients."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence

import pytest
from heliograph import Client, MessageReceived
from heliograph.errors import HeliographError

from local.cloud import LocalCloud
from tests.e2e.client import Device
from tests.e2e.steps import unreceipted
from tests.e2e.tables import Tables

pytestmark = pytest.mark.integration

Profile = Callable[[str], Client]

SECONDS = 60


def picture(tables: Tables, *names: str) -> Mapping[str, Sequence[str]]:
    """All rows of these tables: what a restore to this moment brings back."""
    return {name: [row[0] for row in tables.run(f"SELECT JSON * FROM {name}")] for name in names}  # noqa: S608


def restore(tables: Tables, earlier: Mapping[str, Sequence[str]]) -> None:
    """Put those rows in the place of what is there."""
    for name, rows in earlier.items():
        tables.run(f"TRUNCATE {name}")
        for row in rows:
            tables.run(f"INSERT INTO {name} JSON %s", row)


async def shown(client: Client, last: str) -> list[str]:
    """The texts that an application is given, up to the one named."""
    texts = []
    async with asyncio.timeout(SECONDS):
        async for event in client.events():
            if isinstance(event, MessageReceived):
                texts.append(event.message.text)
                if event.message.text == last:
                    client.seen(event)
                    return texts
    raise AssertionError(texts)


async def registered(client: Client, name: str) -> str:
    """Register under a name of its own; returns it."""
    handle = f"{name}{secrets.token_hex(4)}"
    await client.register(handle)
    return handle


async def test_a_restored_inbox_is_shown_once_and_wedges_nobody(profile: Profile, tables: Tables) -> None:
    """Acknowledged rows that come back are not shown again and leave again; later messages arrive.

    What was accepted after the point of the restore and not fetched is lost, and nothing else.
    """
    async with profile("alice") as alice:
        async with profile("bob") as bob:
            yours = await registered(bob, "b")
            mine = await registered(alice, "a")
            await bob.accept(alice.account)
        conversation = await alice.conversation(yours)
        await (await conversation.send("one")).reached("sent", SECONDS)
        earlier = picture(tables, "inbox_by_account")
        async with profile("bob") as bob:
            assert await shown(bob, "one") == ["one"]
            await (await conversation.send("two")).reached("delivered", SECONDS)
            assert await shown(bob, "two") == ["two"]
        lost = await (await conversation.send("three")).reached("sent", SECONDS)

        restore(tables, earlier)

        async with profile("bob") as bob:
            await (await conversation.send("four")).reached("delivered", SECONDS)
            assert await shown(bob, "four") == ["four"]
            theirs = await bob.conversation(mine)
            assert [message.text async for message in theirs.history()] == ["four", "two", "one"]
            await (await theirs.send("five")).reached("delivered", SECONDS)
            cql = "SELECT message_id FROM inbox_by_account WHERE account_id = %s AND week IN (%s, %s)"
            assert not tables.run(cql, bob.account, *tables.weeks()[:2])
        history = {message.text: message.status async for message in conversation.history()}
        assert history["three"] == lost.status == "sent"


async def test_a_lost_message_counts_as_delivered_when_it_is_asked_for(
    cloud: LocalCloud, tables: Tables
) -> None:
    """The server answers from the presence of rows, as the runbook warns."""
    alice, bob = Device(cloud.base_url), Device(cloud.base_url)
    for device in (alice, bob):
        assert device.register()[0] == 200
    async with await bob.connect() as socket:
        await socket.send(bob.message(alice))
    earlier = picture(tables, "inbox_by_account")
    async with await alice.connect() as socket:
        message = alice.message(bob)
        assert (await socket.send(message))[0]["accepted"]
        assert await unreceipted(socket, bob, message) == []
        restore(tables, earlier)
        assert await unreceipted(socket, bob, message) == [[message["id"], alice.address]]


async def test_restored_accounts_admit_who_was_there_and_refuse_who_came_later(
    profile: Profile, tables: Tables
) -> None:
    """Connect numbers that roll back stop nobody; an account of after the point is refused for good."""
    names = ("accounts_by_handle", "account_card", "connects_by_device")
    async with profile("alice") as alice, profile("bob") as bob:
        yours = await registered(bob, "b")
        await registered(alice, "a")
        await bob.accept(alice.account)
        await alice.connected(SECONDS)
        await bob.connected(SECONDS)
    earlier = picture(tables, *names)
    async with profile("alice") as alice, profile("bob") as bob, profile("carol") as carol:
        await registered(carol, "c")
        await asyncio.gather(*(client.connected(SECONDS) for client in (alice, bob, carol)))

    restore(tables, earlier)

    async with profile("alice") as alice, profile("bob") as bob, profile("carol") as carol:
        message = await (await alice.conversation(yours)).send("still here")
        await message.reached("delivered", SECONDS)
        assert await shown(bob, "still here") == ["still here"]
        with pytest.raises(HeliographError) as refused:
            await carol.connected(SECONDS)
        assert refused.value.code == "UNAUTHENTICATED"
