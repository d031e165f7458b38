"""The seal of a store: what a thief of the file reads, who opens it, and what changing it leaves behind."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import pytest
from heliograph import (
    Client,
    Keyring,
    KeyringUnavailable,
    Passphrase,
    Plain,
    Seal,
    SealRequired,
    StoreUnreadable,
    WrongPassphrase,
    WrongSeal,
)
from heliograph.store import messages, os_keyring, profile, seal
from heliograph.store.seal import StoreKey, Unsealed
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from tests.unit.client.memory_keyring import MemoryKeyring
from tests.unit.client.world import World, plain_store, raw, run, texts

SECRET = "meet me at the lighthouse"
RIGHT, OTHER = Passphrase("correct horse"), Passphrase("battery staple")
pytestmark = pytest.mark.usefixtures("quick")

OPTIONS: dict[str, Seal] = {"passphrase": RIGHT, "keyring": Keyring(), "plain": Plain()}


async def refused(client: Client, error: type[Exception]) -> None:
    """Check that a client does not open."""
    with pytest.raises(error):
        await client.__aenter__()


class TestValues:
    """A value under the store key."""

    KEY = StoreKey(b"k" * 32, "passphrase")

    @pytest.mark.parametrize("value", ["", "text", "\N{ROCKET}", b"", b"\x00bytes", None])
    def test_a_value_comes_back_as_it_was(self, value: str | bytes | None) -> None:
        """Text is text again and bytes are bytes; nothing stays nothing."""
        assert self.KEY.unseal(self.KEY.seal(value, "t.c"), "t.c") == value

    def test_equal_values_do_not_look_equal(self) -> None:
        """Whoever reads the file does not see that the same was said twice."""
        assert self.KEY.seal("yes", "t.c") != self.KEY.seal("yes", "t.c")

    def test_a_value_opens_at_its_own_place_in_its_own_store(self) -> None:
        """One that was moved to another column, or comes from another store, is refused."""
        sealed = self.KEY.seal("text", "messages.text")
        for key, label in (
            (self.KEY, "settings.auth_seed"),
            (StoreKey(b"K" * 32, "keyring"), "messages.text"),
        ):
            with pytest.raises(StoreUnreadable):
                key.unseal(sealed, label)

    def test_every_byte_counts(self) -> None:
        """A changed, cut or unsealed value is refused."""
        sealed = self.KEY.seal("text", "t.c") or b""
        broken = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
        for value in (*broken, sealed[:-1], sealed[:5], b"", "text"):
            with pytest.raises(StoreUnreadable):
                self.KEY.unseal(value, "t.c")


class TestOpening:
    """Who gets a store open."""

    def test_a_new_store_wants_a_choice(self, world: World) -> None:
        """Without one there is no file afterwards, and the error says what to pass."""

        async def story() -> None:
            with pytest.raises(
                SealRequired, match=r"Passphrase\(...\), Keyring\(\) or Plain\(\)"
            ) as required:
                await world.client("alice", seal=None).__aenter__()
            assert required.value.kind is None

        run(story())
        assert list(world.directory.iterdir()) == []

    def test_a_passphrase_opens_and_another_one_changes_nothing(self, world: World) -> None:
        """The file is the same byte for byte, unlocked, and opens with the right one."""

        async def story() -> None:
            async with world.client("alice", seal=RIGHT) as alice:
                assert alice.sealed_by == "passphrase"
                await alice.register("alice")
            store = world.directory / "alice.db"
            before = store.read_bytes()
            with pytest.raises(WrongPassphrase) as wrong:
                await world.client("alice", seal=OTHER).__aenter__()
            assert OTHER.text not in str(wrong.value)
            with pytest.raises(SealRequired) as required:
                await world.client("alice", seal=None).__aenter__()
            assert required.value.kind == "passphrase"
            assert store.read_bytes() == before
            async with world.client("alice", seal=RIGHT) as alice:
                assert alice.handle == "alice"

        run(story())

    def test_a_passphrase_is_what_was_typed_on_any_keyboard(self, world: World) -> None:
        """Letters with accents are the same, composed or not."""

        async def story() -> None:
            for form in ("NFC", "NFD"):
                text = unicodedata.normalize(form, "caf\N{LATIN SMALL LETTER E WITH ACUTE}")  # type: ignore[arg-type]
                async with world.client("alice", seal=Passphrase(text)):
                    pass

        run(story())
        with pytest.raises(ValueError, match="not empty"):
            Passphrase("")

    @pytest.mark.parametrize("made", OPTIONS)
    def test_a_store_remembers_how_it_is_sealed(
        self, world: World, machine: MemoryKeyring, made: str
    ) -> None:
        """Another kind is refused, above all a plain store for somebody who asked for a seal."""

        async def story() -> None:
            async with world.client("alice", seal=OPTIONS[made]) as alice:
                assert alice.sealed_by == made
            for kind in OPTIONS.keys() - {made}:
                await refused(world.client("alice", seal=OPTIONS[kind]), WrongSeal)
            if made != "passphrase":
                async with world.client("alice", seal=None) as alice:
                    assert alice.sealed_by == made

        run(story())

    def test_a_store_keeps_the_cost_it_was_made_with(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """New stores may cost more than old ones, which open all the same."""

        async def story() -> None:
            async with world.client("old", seal=RIGHT):
                monkeypatch.setattr(seal, "NEW_PASSPHRASES", replace(seal.NEW_PASSPHRASES, memory=16))
            for name in ("old", "new", "new"):
                async with world.client(name, seal=RIGHT):
                    pass

        run(story())

    def test_deriving_a_key_holds_nobody_up(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It runs on the store's thread while the event loop goes on."""
        entered, go_on, threads = threading.Event(), threading.Event(), set()

        derive = seal._lock

        def slow(record: dict[str, Any], wanted: Seal | None) -> StoreKey:
            threads.add(threading.current_thread())
            entered.set()
            assert go_on.wait(5)
            return derive(record, wanted)

        monkeypatch.setattr(seal, "_lock", slow)

        async def story() -> None:
            opening = asyncio.create_task(world.client("alice", seal=RIGHT).__aenter__())
            while not entered.is_set():  # noqa: ASYNC110 - the store's thread tells
                await asyncio.sleep(0.001)
            go_on.set()  # the loop runs, else nobody would
            await (await opening).close()

        run(story())
        assert threading.current_thread() not in threads

    def test_a_damaged_seal_is_no_reason_to_start_afresh(self, world: World) -> None:
        """A store whose record of its seal makes no sense is unreadable, and left as it is."""

        async def story() -> None:
            async with world.client("alice", seal=RIGHT):
                pass
            for record in ("", "{}", '{"kind": "rot13"}', '{"kind": "passphrase"}', "[]"):
                with sqlite3.connect(world.directory / "alice.db") as connection:
                    connection.execute("UPDATE settings SET value = ? WHERE name = 'seal'", (record,))
                await refused(world.client("alice", seal=RIGHT), StoreUnreadable)

        run(story())

    def test_a_changed_value_is_an_error_that_says_so(self, world: World) -> None:
        """Not SQLite's `user-defined function raised exception`."""

        async def story() -> None:
            async with world.client("alice", seal=RIGHT) as alice:
                await alice.register("alice")
                await alice._store().run(
                    lambda connection: connection.execute(
                        "UPDATE settings SET value = seal('x', 'settings.other') WHERE name = 'auth_seed'"
                    )
                )
            with pytest.raises(StoreUnreadable, match=r"settings\.auth_seed"):
                await world.client("alice", seal=RIGHT).__aenter__()

        run(story())


class TestKeyring:
    """A store whose key lies in the keyring of the machine."""

    def test_a_copy_of_the_file_stays_closed(self, world: World, machine: MemoryKeyring) -> None:
        """It opens on its own machine without a word, and on no other."""

        async def story() -> None:
            async with world.client("alice", seal=Keyring()) as alice:
                await alice.register("alice")
            async with world.client("alice", seal=None) as alice:
                assert alice.handle == "alice"
            [(service, _)] = machine.entries
            assert service == "heliograph"
            machine.entries.clear()
            with pytest.raises(KeyringUnavailable, match="no key for this store"):
                await world.client("alice", seal=Keyring()).__aenter__()

        run(story())

    def test_a_locked_keyring_is_told(self, world: World, machine: MemoryKeyring) -> None:
        """As such, for a store that is there and for a new one."""

        async def story() -> None:
            async with world.client("alice", seal=Keyring()):
                pass
            machine.locked = True
            for name in ("alice", "bob"):
                with pytest.raises(KeyringUnavailable, match="KeyringLocked"):
                    await world.client(name, seal=Keyring()).__aenter__()

        run(story())

    @pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
    def test_a_machine_without_a_keyring(
        self, world: World, machine: MemoryKeyring, backend: Callable[[], KeyringBackend]
    ) -> None:
        """The error says what to do instead, and it can be done."""
        keyring.set_keyring(backend())
        assert not os_keyring.is_there()

        async def story() -> None:
            with pytest.raises(KeyringUnavailable, match="by a passphrase"):
                await world.client("alice", seal=Keyring()).__aenter__()
            async with world.client("alice", seal=RIGHT) as alice:
                assert alice.sealed_by == "passphrase"

        run(story())

    def test_a_keyring_that_forgets_is_found_out(
        self, world: World, machine: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before anything is sealed with a key that nobody has any more."""
        monkeypatch.setattr(MemoryKeyring, "set_password", lambda *_: None)
        run(refused(world.client("alice", seal=Keyring()), KeyringUnavailable))


class TestChanging:
    """`change_seal`."""

    def test_another_passphrase(self, world: World) -> None:
        """The old one opens nothing, its wrapping leaves the files at once, and what was sealed is there."""
        store = world.directory / "alice.db"

        async def story() -> None:
            async with world.people("alice", "bob", seal=RIGHT) as (alice, _):
                await (await (await alice.conversation("bob")).send(SECRET)).reached("delivered", 5)
                record = await alice._store().run(lambda connection: profile.get(connection, "seal"))
                assert record is not None
                assert record.encode() in raw(store)
                await alice.change_seal(OTHER)
                assert record.encode() not in raw(store)
                assert await texts(alice, "bob") == [SECRET]
            await refused(world.client("alice", seal=RIGHT), WrongPassphrase)
            async with world.client("alice", seal=OTHER) as alice:
                assert await texts(alice, "bob") == [SECRET]

        run(story())

    def test_to_the_keyring_and_back(self, world: World, machine: MemoryKeyring) -> None:
        """The keyring keeps no key that nobody needs."""

        async def story() -> None:
            async with world.client("alice", seal=RIGHT) as alice:
                await alice.register("alice")
                await alice.change_seal(Keyring())
                await alice.change_seal(Keyring())
                assert (alice.sealed_by, len(machine.entries)) == ("keyring", 1)
            async with world.client("alice", seal=None) as alice:
                await alice.change_seal(OTHER)
                assert machine.entries == {}
            async with world.client("alice", seal=OTHER) as alice:
                assert alice.handle == "alice"

        run(story())

    @pytest.mark.parametrize(("old", "new"), [(RIGHT, Plain()), (Plain(), RIGHT), (Plain(), Plain())])
    def test_a_plain_store_stays_plain(self, world: World, old: Seal, new: Seal) -> None:
        """There is no key to wrap: refused, and the store opens as before."""

        async def story() -> None:
            async with world.client("alice", seal=old) as alice:
                with pytest.raises(WrongSeal):
                    await alice.change_seal(new)
            async with world.client("alice", seal=old):
                pass

        run(story())

    def test_a_change_that_fails_leaves_the_old_seal(self, world: World, machine: MemoryKeyring) -> None:
        """No keyring: the passphrase still opens."""
        machine.locked = True

        async def story() -> None:
            async with world.client("alice", seal=RIGHT) as alice:
                with pytest.raises(KeyringUnavailable):
                    await alice.change_seal(Keyring())
            async with world.client("alice", seal=RIGHT):
                pass

        run(story())


def test_store_modules_see_through_the_seal(tmp_path: Path) -> None:
    """The same statements serve a sealed connection and a plain one."""
    for store in (Unsealed(), StoreKey(b"k" * 32, "passphrase")):
        connection = plain_store(tmp_path / f"{store.kind}.db")
        seal.register(connection, store)
        made = profile.key(connection)
        assert profile.key(connection).seed == made.seed
        assert messages.by_seq(connection, 1) is None
        connection.close()
