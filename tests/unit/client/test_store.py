"""The store: one process, private, and nothing lost by a crash."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from heliograph import Client, MessageReceived, Plain, StoreLocked, StoreUnreadable
from heliograph.store import profile
from heliograph.store.database import Database

from tests.unit.client.world import World, next_event, run, until


def test_a_second_client_is_locked_out(world: World) -> None:
    """Opening a store that is open raises StoreLocked with the holder's process id; afterwards it opens."""

    async def story() -> None:
        async with world.client("alice"):
            with pytest.raises(StoreLocked) as locked:
                await world.client("alice").__aenter__()
            assert locked.value.pid == os.getpid()
        async with world.client("alice"):
            pass

    run(story())


def test_the_lock_dies_with_its_process(world: World, tmp_path: Path) -> None:
    """A process that was killed leaves no lock behind."""
    code = (
        "import asyncio, heliograph\n"
        "async def main():\n"
        f"    async with heliograph.Client({str(tmp_path / 'alice.db')!r}, seal=heliograph.Plain()):\n"
        "        print('open', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"

    async def story() -> None:
        with pytest.raises(StoreLocked) as locked:
            await world.client("alice").__aenter__()
        assert locked.value.pid == holder.pid
        holder.kill()
        holder.wait()
        async with world.client("alice"):
            pass

    try:
        run(story())
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_file_that_is_no_store_is_refused(world: World) -> None:
    """Another file is left as it is; a store of a newer SDK too."""
    other = world.directory / "other.db"
    other.write_bytes(b"this is a text file, and a long one" * 100)
    newer = world.directory / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE t (a)")

    async def story() -> None:
        for path in (other, newer):
            with pytest.raises(StoreUnreadable):
                await Client(path, seal=Plain()).__aenter__()

    run(story())
    assert other.read_bytes().startswith(b"this is a text file")


def test_an_event_is_shown_again_after_a_crash_and_not_after_its_turn_ended(world: World) -> None:
    """The cursor moves when the loop's body is through: a crash inside it repeats the event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            for text in ("one", "two"):
                await (await conversation.send(text)).reached("delivered", 5)

            async def crash_at(text: str) -> None:
                async for event in bob.events():
                    if isinstance(event, MessageReceived) and event.message.text == text:
                        raise RuntimeError("the application crashed")

            with pytest.raises(RuntimeError):
                await crash_at("two")
            await bob.close()
            async with world.client("bob") as again:
                event = await next_event(again.events(), MessageReceived)
                assert event.message.text == "two"
                again.seen(event)
                await again.connected(5)
            async with world.client("bob") as third:
                await (await conversation.send("three")).reached("sent", 5)
                assert (await next_event(third.events(), MessageReceived)).message.text == "three"

    run(story())


def test_events_after_a_cursor_leave_the_stores_cursor_alone(world: World) -> None:
    """events(after=...) replays from there, and events() still shows what was not seen."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await alice.conversation("bob")).send("Hi")).reached("delivered", 5)
            for _ in range(2):
                event = await next_event(bob.events(after=0), MessageReceived)  # type: ignore[arg-type]
                assert event.message.text == "Hi"
            assert (await next_event(bob.events(), MessageReceived)).message.text == "Hi"

    run(story())


def test_a_reader_that_was_cancelled_swallows_nothing(world: World) -> None:
    """A timeout around the next event loses no event."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            stream = bob.events()
            for number in range(5):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await next_event(stream, MessageReceived)
                await (await (await alice.conversation("bob")).send(str(number))).reached("delivered", 5)
                assert (await next_event(stream, MessageReceived)).message.text == str(number)

    run(story())


def test_work_that_waits_shares_one_commit_and_fails_alone(tmp_path: Path) -> None:
    """A piece of work that raises is undone; what shared its transaction is kept."""

    async def story() -> None:
        database = await Database.open(tmp_path / "store.db", "normal", Plain())

        def good(connection: sqlite3.Connection) -> None:
            profile.put(connection, "good", 1)

        def bad(connection: sqlite3.Connection) -> None:
            profile.put(connection, "bad", 1)
            raise LookupError("no")

        results = await asyncio.gather(
            database.run(good), database.run(bad), database.run(good), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), LookupError, type(None)]
        assert await database.run(lambda connection: profile.get(connection, "good")) == "1"
        assert await database.run(lambda connection: profile.get(connection, "bad")) is None
        await database.close()

    run(story())


def test_connect_numbers_are_stored_before_they_are_tried_and_rise(tmp_path: Path) -> None:
    """A number is max(last + 1, now); one that was tried far ahead does not lock the device out."""

    async def story() -> None:
        database = await Database.open(tmp_path / "store.db", "normal", Plain())
        numbers = [
            await database.run(lambda connection, now=now: profile.next_connect_number(connection, now))  # type: ignore[misc]
            for now in (1_000_000, 1_000_000, 999_990, 2_000_000, 1_500_000)
        ]
        assert numbers == [1_000_000, 1_000_001, 1_000_002, 2_000_000, 1_500_000]
        assert await database.run(lambda connection: profile.confirm_previous_connect(connection, 1_000_001))
        assert not await database.run(
            lambda connection: profile.confirm_previous_connect(connection, 1_000_007)
        )
        await database.close()

    run(story())


def test_registering_again_gives_the_same_account(world: World) -> None:
    """The key is stored before it is used: a registration whose answer was lost is repeated with it."""

    async def story() -> None:
        async with world.client("alice") as alice:
            key = await alice._store().run(profile.key)
            await alice._https().register(key, "alice", "device", None)
        async with world.client("alice") as again:
            await again.register("alice")
            await again.register("alice")
            assert list(world.server.accounts) == [again.account]
            await until(lambda: again.state.state == "online")

    run(story())
