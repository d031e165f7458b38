"""Messages between clients with the real encryption, over the fake server."""

from __future__ import annotations

import shutil
import sqlite3
from typing import Any

import pytest
from heliograph import Client, StoreRolledBack, Undecryptable
from heliograph.crypto import envelope
from heliograph.ids import from_base64url
from heliograph.keys import Pool
from heliograph.signal_encryption import SignalEncryption
from heliograph.store import prekeys

from tests.unit.client.world import World, next_event, run, texts, until


def sealed(world: World, name: str, **options: Any) -> Client:
    """Make a client with the real encryption."""
    return world.client(name, encryption=SignalEncryption(), key_pool=Pool(6, 3), **options)


async def joined(world: World, name: str) -> Client:
    """Open, register and connect one."""
    client = await sealed(world, name).__aenter__()
    await client.register(name)
    await client.connected(5)
    return client


def types(world: World) -> list[int]:
    """List the types of the envelopes that were sent to others, in order."""
    return [
        from_base64url(text)[1]
        for frame in world.server.sent("send")
        for message in frame["messages"]
        for text in message["devices"].values()
    ]


def test_a_conversation_begins_by_a_bundle_and_goes_on_by_the_ratchet(world: World) -> None:
    """The first message needs a bundle; after an answer come ratchet messages, and no key is asked for."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        for text in ("one", "two"):
            await (await (await alice.conversation("bob")).send(text)).reached("sent", 5)
        await until(lambda: len(world.server.inbox.get(f"{bob.account}:1", {})) == 0)
        await (await (await bob.conversation("alice")).send("three")).reached("delivered", 5)
        asked = len(world.server.requests)
        for text in ("four", "five"):
            await (await (await alice.conversation("bob")).send(text)).reached("delivered", 5)
        assert (
            await texts(bob, "alice") == await texts(alice, "bob") == ["one", "two", "three", "four", "five"]
        )
        assert types(world) == [envelope.INITIAL] * 2 + [envelope.RATCHET] * 3
        assert len(world.server.requests) == asked
        assert world.server.keys.claims == [{"account": bob.account, "devices": [1]}]
        await alice.close()
        await bob.close()

    run(story())


def test_what_the_server_sees_holds_no_text(world: World) -> None:
    """Neither frames nor requests hold the text or the seed of a key."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await (await (await alice.conversation("bob")).send("tell nobody")).reached("sent", 5)
        await until(lambda: world.server.sent("ack"))
        blobs = [
            from_base64url(text)
            for frame in world.server.sent("send")
            for message in frame["messages"]
            for text in message["devices"].values()
        ]
        assert blobs
        assert not any(b"tell nobody" in blob for blob in blobs)
        await alice.close()
        await bob.close()

    run(story())


def test_both_may_begin_at_once(world: World) -> None:
    """Two devices that begin a session with each other at the same time read each other, and agree on one."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        first = await (await alice.conversation("bob")).send("a")
        second = await (await bob.conversation("alice")).send("b")
        await first.reached("delivered", 5)
        await second.reached("delivered", 5)
        for text in ("c", "d"):
            await (await (await alice.conversation("bob")).send(text)).reached("delivered", 5)
            await (await (await bob.conversation("alice")).send(text + text)).reached("delivered", 5)
        assert (
            sorted(await texts(alice, "bob"))
            == sorted(await texts(bob, "alice"))
            == ["a", "b", "c", "cc", "d", "dd"]
        )
        assert types(world)[-1] == envelope.RATCHET
        await alice.close()
        await bob.close()

    run(story())


def test_sessions_go_on_after_a_restart(world: World) -> None:
    """A client that was closed reads and writes in the sessions that it had."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        await (await (await bob.conversation("alice")).send("two")).reached("sent", 5)
        await until(lambda: not world.server.inbox.get(f"{alice.account}:1"))
        await alice.close()
        await (await (await bob.conversation("alice")).send("three")).reached("sent", 5)
        async with sealed(world, "alice") as again:
            await again.connected(5)
            await (await (await again.conversation("bob")).send("four")).reached("delivered", 5)
            assert await texts(again, "bob") == ["one", "two", "three", "four"]
        assert len(world.server.keys.claims) == 1
        await bob.close()

    run(story())


def test_a_store_that_was_rolled_back_begins_new_sessions(world: World) -> None:
    """A restored copy tells the application, and seals its next message in a session of its own."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        await (await (await bob.conversation("alice")).send("two")).reached("delivered", 5)
        await alice.close()
        copy = world.directory / "copy.db"
        shutil.copy(world.directory / "alice.db", copy)
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
            await (await (await alice.conversation("bob")).send("three")).reached("delivered", 5)
        copy.replace(world.directory / "alice.db")
        (world.directory / "alice.db-wal").unlink(missing_ok=True)
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
            stream = alice.events(after=await alice.newest_cursor() - 1)  # type: ignore[arg-type]
            await next_event(stream, StoreRolledBack)
            await (await (await alice.conversation("bob")).send("four")).reached("delivered", 5)
        assert (await texts(bob, "alice"))[-1] == "four"
        assert types(world)[-1] == envelope.INITIAL
        await bob.close()

    run(story())


def test_a_connect_without_a_page_hides_no_rollback(world: World) -> None:
    """A restored store whose first connect ends before its first page begins new sessions all the same."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        await (await (await bob.conversation("alice")).send("two")).reached("delivered", 5)
        await alice.close()
        copy = world.directory / "copy.db"
        shutil.copy(world.directory / "alice.db", copy)
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
            await (await (await alice.conversation("bob")).send("three")).reached("delivered", 5)
        copy.replace(world.directory / "alice.db")
        (world.directory / "alice.db-wal").unlink(missing_ok=True)
        connects = len(world.server.tried)
        world.server.answers = lambda frame: (
            frame["action"] != "sync" or len(world.server.tried) > connects + 1
        )
        async with sealed(world, "alice") as alice:
            await alice.connected(8)
            await (await (await alice.conversation("bob")).send("four")).reached("delivered", 5)
        assert len(world.server.tried) > connects + 1
        assert (await texts(bob, "alice"))[-1] == "four"
        assert types(world)[-1] == envelope.INITIAL
        await bob.close()

    run(story())


@pytest.mark.parametrize("change", ["flip", "cut", "other id"])
def test_a_message_that_was_changed_is_told_and_harms_nothing(world: World, change: str) -> None:
    """Changed bytes, or the same under another name, are undecryptable; the conversation goes on."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        await (await (await bob.conversation("alice")).send("two")).reached("delivered", 5)
        deliver = world.server.deliver

        def changing(address: str, sender: str, message_id: str, to: str, text: str) -> None:
            name = (
                message_id[:-1] + ("0" if message_id[-1] != "0" else "1")
                if change == "other id"
                else message_id
            )
            bad = {"flip": text[:-2] + "AA", "cut": text[:-22], "other id": text}[change]
            deliver(address, sender, name, to, bad)

        world.server.deliver = changing  # type: ignore[method-assign]
        stream = bob.events()
        await (await (await alice.conversation("bob")).send("three")).reached("sent", 5)
        told = await next_event(stream, Undecryptable)
        assert "three" not in told.reason
        world.server.deliver = deliver  # type: ignore[method-assign]
        await (await (await alice.conversation("bob")).send("four")).reached("delivered", 5)
        assert "four" in await texts(bob, "alice")
        await alice.close()
        await bob.close()

    run(story())


def test_keys_are_made_again_when_few_are_left(world: World) -> None:
    """The server says that one-time keys run out, or a daily count shows it: more are uploaded."""

    async def story() -> None:
        bob = await joined(world, "bob")
        address = f"{bob.account}:1"
        pool = world.server.keys.held[address]
        assert world.server.keys.left(address) == {"one_time": 6, "one_time_kem": 3}
        pool["one_time"].clear()
        world.server.post(address, {"type": "keys_low", "one_time": 0, "one_time_kem": 3})
        await until(lambda: len(pool["one_time"]) == 6)
        await bob.close()

    run(story())


def test_without_one_time_keys_the_last_resort_serves(world: World) -> None:
    """A drained pool stops nobody: the session begins with the long-lived keys."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        pool = world.server.keys.held[f"{bob.account}:1"]
        pool["one_time"].clear()
        pool["one_time_kem"].clear()
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        await (await (await bob.conversation("alice")).send("two")).reached("delivered", 5)
        assert await texts(bob, "alice") == ["one", "two"]
        await alice.close()
        await bob.close()

    run(story())


def test_the_id_of_a_key_never_comes_again(world: World) -> None:
    """A one-time key that was used is gone; the next one that is made has a larger id all the same."""

    async def story() -> None:
        bob = await joined(world, "bob")

        def work(connection: sqlite3.Connection) -> list[int]:
            made = [key.id for key in _one_time(connection, 2)]
            connection.execute("DELETE FROM prekeys WHERE kind = 'one_time'")
            return made + [key.id for key in _one_time(connection, 1)]

        first, second, third = await bob._store().run(work)
        assert first < second < third
        await bob.close()

    run(story())


def test_closing_ends_all_that_looks_after_keys(world: World) -> None:
    """Several requests of the server to make keys that wait for one another end with the client."""

    async def story() -> None:
        bob = await joined(world, "bob")
        keys = bob._running().keys
        for _ in range(3):
            keys.look_after({"one_time": 0, "one_time_kem": 0})
        tasks = set(keys._tasks)
        await bob.close()
        assert len(tasks) >= 3
        assert all(task.done() for task in tasks)

    run(story())


def _one_time(connection: sqlite3.Connection, count: int) -> list[prekeys.PublicPrekey]:
    prekeys.make(connection, "one_time", count, 1)
    return [key for key in prekeys.waiting(connection) if key.kind == "one_time"][-count:]


def test_long_lived_keys_are_replaced_every_week(world: World) -> None:
    """A week after they were made the signed and the last-resort key get successors with higher ids."""

    async def story() -> None:
        bob = await joined(world, "bob")
        held = world.server.keys.held[f"{bob.account}:1"]
        before = {kind: max(held[kind]) for kind in ("signed", "last_resort")}
        await bob._running().keys.publish()
        assert {kind: max(held[kind]) for kind in before} == before
        await bob._store().run(
            lambda connection: connection.execute("UPDATE prekeys SET made_at = made_at - 604800000")
        )
        await bob._running().keys.publish()
        assert all(max(held[kind]) > number for kind, number in before.items())
        await bob.close()

    run(story())
