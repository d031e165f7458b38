"""What lies on the disk, and what shows itself: neither keys nor texts of a sealed store."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from heliograph import Passphrase, Plain, Seal
from heliograph.ids import base64url
from heliograph.store import profile, seal
from heliograph.store.database import Database
from heliograph.store.seal import StoreKey

from tests.unit.client.world import World, newest, raw, run

SECRET = "meet me at the lighthouse"
RIGHT = Passphrase("correct horse")

pytestmark = pytest.mark.usefixtures("quick")


class TestTheFile:
    """What lies on the disk."""

    def test_a_thief_finds_neither_key_nor_text(self, world: World) -> None:
        """In no file of the store, open or closed; of a plain store the same search finds both."""

        async def found(sealed: Seal, *names: str) -> list[set[str]]:
            seen = []
            async with world.people(*names, seal=sealed) as (alice, bob):
                await (await (await alice.conversation(names[1])).send(SECRET)).reached("delivered", 5)
                await (await newest(bob, names[0])).mark_read()
                seed = alice.identity.key.seed
                wanted = {
                    "seed": [seed, base64url(seed).encode(), seed.hex().encode()],
                    "text": [SECRET.encode()],
                    "passphrase": [RIGHT.text.encode()],
                }

                def search() -> set[str]:
                    files = b"".join(raw(world.directory / f"{name}.db") for name in names)
                    return {what for what, forms in wanted.items() if any(form in files for form in forms)}

                seen.append(search())
            seen.append(search())
            return seen

        assert run(found(RIGHT, "alice", "bob")) == [set(), set()]
        assert run(found(Plain(), "carol", "dave")) == [{"seed", "text"}, {"seed", "text"}]

    def test_what_is_deleted_is_overwritten(self, tmp_path: Path) -> None:
        """Once the log is emptied nothing of a deleted row is left in the file, nor in a temporary one."""
        store = tmp_path / "store.db"

        async def story() -> None:
            database = await Database.open(store, "normal", Plain())
            await database.run(lambda connection: profile.put(connection, "note", SECRET))
            assert SECRET.encode() in raw(store)

            def delete(connection: sqlite3.Connection) -> None:
                connection.execute("DELETE FROM settings WHERE name = 'note'")
                database.scrub()

            await database.run(delete)
            assert SECRET.encode() not in raw(store)

            def pragma(name: str) -> int:
                return int(database._connection.execute(f"PRAGMA {name}").fetchone()[0])

            memory = 2
            assert (pragma("secure_delete"), pragma("temp_store")) == (1, memory)
            await database.close()

        run(story())

    def test_all_files_are_private_whatever_they_were(self, world: World) -> None:
        """A store that lay there readable, under a careless umask, becomes its owner's with all beside it."""
        careless = os.umask(0)

        async def story() -> None:
            async with world.client("alice"):
                pass
            for path in world.directory.iterdir():
                path.chmod(0o666)
            async with world.client("alice") as alice:
                await alice.register("alice")
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in world.directory.iterdir()}
                assert modes == dict.fromkeys(
                    ("alice.db", "alice.db-wal", "alice.db-shm", "alice.db.lock"), 0o600
                )

        try:
            run(story())
        finally:
            os.umask(careless)

    def test_a_plain_store_is_told_once(
        self, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One warning a process, none for a sealed store."""
        monkeypatch.setattr(seal, "_warned", False)

        async def story() -> None:
            for name, how in (("alice", RIGHT), ("bob", Plain()), ("bob", None), ("carol", Plain())):
                async with world.client(name, seal=how):
                    pass

        with caplog.at_level(logging.WARNING, "heliograph"):
            run(story())
        assert [record.message for record in caplog.records if "sealed" in record.message] == [
            "the store is NOT sealed: whoever reads the file has its keys and messages"
        ]


def test_no_object_shows_a_secret(world: World) -> None:
    """Neither repr nor str of anything that hangs on an open client has a key or the passphrase in it."""

    async def story() -> None:
        async with world.people("alice", "bob", seal=RIGHT) as (alice, _):
            message = await (await alice.conversation("bob")).send("Hi")
            sealed = alice._store()._sealed
            assert isinstance(sealed, StoreKey)
            keys = [alice.identity.key.seed, sealed._key]
            forms = [RIGHT.text]
            for key in keys:
                forms += [repr(key)[2:-1], key.hex(), base64url(key)]
            walked = list(walk([alice, message, await alice.devices(), await alice.conversations(), RIGHT]))
            kinds = {type(each).__name__ for each in walked}
            assert {"AuthKey", "Identity", "StoreKey", "Passphrase", "Outbox", "Message"} <= kinds
            for each in walked:
                for shown in (repr(each), str(each)):
                    assert not [form for form in forms if form in shown], type(each)

    run(story())


def walk(roots: list[object]) -> Iterator[object]:
    """Give every object of the SDK that can be reached over attributes and containers."""
    seen: dict[int, object] = {}
    left: list[object] = list(roots)
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset):
            left += each
        elif type(each).__module__.startswith("heliograph"):
            yield each
            slots = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
            left += vars(each).values() if hasattr(each, "__dict__") else ()
            left += [getattr(each, name) for name in slots if hasattr(each, name)]
