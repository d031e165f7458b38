"""What a hostile server, peer or removed device tries, and what a crash in the middle leaves."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from typing import Any

import pytest
from heliograph import SendFailed
from heliograph.content import Content
from heliograph.crypto import envelope
from heliograph.errors import BadBundle
from heliograph.ids import AccountId, address, conversation_id, new_logical_id
from heliograph.store import account_secrets, effects, messages, outgoing, prekeys, repairs

from tests.unit.client.contract import VALIDATE
from tests.unit.client.fake_channel import FakeChannel
from tests.unit.client.test_encryption import joined, sealed, types
from tests.unit.client.test_repair import talking
from tests.unit.client.world import World, run, texts, until


def test_several_messages_to_a_device_without_keys_go_out_together(world: World) -> None:
    """None waits for the others: the server is asked for keys a few times, not for ever."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await bob.close()
        world.server.keys.forget(f"{bob.account}:1")
        conversation = await alice.conversation("bob")
        sent = [await conversation.send(text) for text in ("one", "two", "three")]
        for message in sent:
            await message.reached("sent", 3)
        assert types(world) == [envelope.UNKEYED] * 3
        assert len(world.server.keys.claims) <= 3
        await alice.close()

    run(story())


def test_a_check_of_keys_that_broke_off_is_made_at_the_next_connect(world: World) -> None:
    """A store that was rolled back replaces its keys, though the server was not reached the first time."""

    async def story() -> None:
        alice = await joined(world, "alice")
        held = world.server.keys.held
        where = f"{alice.account}:1"
        await until(lambda: world.server.keys.left(where)["one_time"] == 6)
        await alice.close()
        copy = world.directory / "copy.db"
        shutil.copy(world.directory / "alice.db", copy)
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
            await alice._store().run(lambda connection: prekeys.make(connection, "signed", 1, 0))
            await alice._engine.keys.publish()  # type: ignore[union-attr]
        copy.replace(world.directory / "alice.db")
        (world.directory / "alice.db-wal").unlink(missing_ok=True)
        newer = max(held[where]["signed"])
        answer = world.server.keys.answer

        def silent(
            method: str, path: list[str], content: bytes, by: str
        ) -> tuple[int, str, dict[str, object]]:
            return 503, "error_answer", {"error": {"code": "UNAVAILABLE", "message": "later"}}

        world.server.keys.answer = silent  # type: ignore[method-assign, assignment]
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
        world.server.keys.answer = answer  # type: ignore[method-assign]
        async with sealed(world, "alice") as alice:
            await alice.connected(5)
            await until(lambda: max(held[where]["signed"]) > newer)

    run(story())


def test_a_change_that_a_newer_one_replaced_is_not_given_again(world: World) -> None:
    """Under a new id an old edit would be the newest: who asks for it cannot bring the old text back."""

    async def story() -> None:
        alice, bob = await talking(world)
        message = await (await (await alice.conversation("bob")).send("draft")).reached("delivered", 5)
        for text in ("first edit", "second edit"):
            await message.edit(text)
            await alice.drained(5)
        database, me = alice._store(), alice.identity

        def give(connection: sqlite3.Connection) -> list[str]:
            names = connection.execute(
                "SELECT n.id, n.sender FROM names n, messages m WHERE m.seq = n.message AND m.kind = 'edit'"
            ).fetchall()
            given = repairs.give(connection, me, bob.account, names, world.server.now())
            return [messages.get(connection, seq).text for _, seq in given]

        assert await database.run(give) == ["second edit"]
        await alice.close()
        await bob.close()

    run(story())


def test_a_change_of_a_deleted_message_is_not_given_again(world: World) -> None:
    """What it said is gone: sent again it would say nothing in the place of the text."""

    async def story() -> None:
        alice, bob = await talking(world)
        message = await (await (await alice.conversation("bob")).send("draft")).reached("delivered", 5)
        await message.edit("edited")
        await alice.drained(5)
        await message.delete_for_everyone()
        await alice.drained(5)
        database, me = alice._store(), alice.identity

        def give(connection: sqlite3.Connection) -> list[str]:
            names = connection.execute("SELECT id, sender FROM names WHERE message IS NOT NULL").fetchall()
            given = repairs.give(connection, me, bob.account, names, world.server.now())
            return [messages.get(connection, seq).kind for _, seq in given]

        assert await database.run(give) == ["text", "delete"]
        await alice.close()
        await bob.close()

    run(story())


def test_what_fails_behind_the_decryption_leaves_the_session_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event of a batch breaks after it was opened: it is as if it had not come, the others are stored."""

    async def story() -> None:
        alice, bob = await talking(world)
        tell = effects.tell

        def breaking(connection: sqlite3.Connection, row: messages.StoredMessage, *rest: object) -> bool:
            if row.text == "three":
                raise ValueError("broken")
            return tell(connection, row, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(effects, "tell", breaking)
        await (await (await alice.conversation("bob")).send("three")).reached("sent", 5)
        await (await (await alice.conversation("bob")).send("four")).reached("delivered", 5)
        assert await texts(bob, "alice") == ["one", "two", "four"]
        monkeypatch.setattr(effects, "tell", tell)
        await bob.close()
        async with sealed(world, "bob") as bob:
            await until(lambda: not world.server.inbox.get(f"{bob.account}:1"))
            assert await texts(bob, "alice") == ["one", "two", "three", "four"]
        await alice.close()

    run(story())


def test_a_removed_device_tells_no_secrets(world: World) -> None:
    """Its late messages are read, but what it says of secrets and verified identities counts no more."""

    async def story() -> None:
        alice = await joined(world, "alice")
        laptop = await sealed(world, "laptop").__aenter__()
        await alice.link(await laptop.start_linking())
        await laptop.linked(5)
        await laptop.connected(5)
        where = alice._store()

        while await laptop._store().run(account_secrets.get) is None:
            pass
        rows: list[tuple[str, str]] = []
        deliver = world.server.deliver

        def holding(address: str, sender: str, message_id: str, to: str, text: str) -> None:
            rows.append((message_id, text))

        await where.run(
            lambda connection: connection.execute("DELETE FROM settings WHERE name = 'account_secret'")
        )
        world.server.deliver = holding  # type: ignore[method-assign]
        await laptop._running().share_secrets()
        await laptop.drained(5)
        world.server.deliver = deliver  # type: ignore[method-assign]
        await laptop.close()
        await alice.remove_device(2)
        sender = address(alice.account, 2)
        for message_id, text in rows:
            deliver(f"{alice.account}:1", sender, message_id, alice.account, text)
        await until(lambda: not world.server.inbox.get(f"{alice.account}:1"))
        assert rows
        assert await where.run(account_secrets.get) is None
        await alice.close()

    run(story())


def test_a_message_asked_for_while_it_is_under_way_goes_out_again(world: World) -> None:
    """The answer to the first try comes after the request: it does not end the second try."""

    async def story() -> None:
        alice, bob = await talking(world)
        me, database = alice.identity, alice._store()
        message = await (await (await alice.conversation("bob")).send("x")).reached("delivered", 5)
        seq = message.seq

        def story_of(connection: sqlite3.Connection) -> list[tuple[AccountId, int]]:
            row = messages.get(connection, seq)
            connection.execute("INSERT INTO attempts VALUES (?, ?, '{}')", (seq, row.id))
            repairs.give(connection, me, bob.account, [(row.id, row.sender)], world.server.now())  # type: ignore[list-item]
            outgoing.accepted(connection, seq, row.id)  # type: ignore[arg-type]
            return outgoing.waiting(connection)

        assert await database.run(story_of) == [(bob.account, seq)]
        await alice.close()
        await bob.close()

    run(story())


def test_nothing_is_sealed_on_a_renewed_socket_before_the_server_told_the_connect_before(
    world: World,
) -> None:
    """Between a renewal and its first page messages wait: a copy of the store may have been used."""

    async def story() -> None:
        bob = await joined(world, "bob")
        alice = await sealed(world, "alice", timing={"renew": 0.1, "renew_jitter": 0.0}).__aenter__()
        take, told, silent = world.server.take, set[int](), [0]
        too_early: list[dict[str, object]] = []

        async def watching(channel: FakeChannel, frame: dict[str, object]) -> None:
            if frame["action"] == "send" and channel.number not in told:
                too_early.append(frame)
            await take(channel, frame)
            if frame["action"] == "sync" and world.server.answers(frame):
                told.add(channel.number)

        def answers(frame: dict[str, object]) -> bool:
            second = len(world.server.tried) == silent[0]
            if second:
                asyncio.get_running_loop().create_task(queue())
            return frame["action"] != "sync" or not second

        async def queue() -> None:
            await (await alice.conversation("bob")).send("while it is renewed")

        world.server.take = watching  # type: ignore[method-assign]
        await alice.register("alice")
        await alice.connected(5)
        await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
        silent[0] = len(world.server.tried) + 1
        world.server.answers = answers
        await until(lambda: len(world.server.tried) > silent[0])
        await alice.drained(5)
        assert "while it is renewed" in await texts(alice, "bob")
        assert too_early == []
        await alice.close()
        await bob.close()

    run(story())


def test_a_request_that_names_a_message_twice_gets_it_once(world: World) -> None:
    """Its frame holds each message once, so the server takes it, and what waits behind it goes out too."""

    async def story() -> None:
        alice, bob = await talking(world)
        message = await (await (await alice.conversation("bob")).send("x")).reached("delivered", 5)
        asking = Content(
            new_logical_id(),
            "",
            conversation_id(alice.account, bob.account),
            world.server.now(),
            kind="repair",
            names=((message.id, message.sender),) * 5,  # type: ignore[arg-type]
        )
        before = len(world.server.sent("send"))
        seq = await bob._store().run(
            lambda connection: outgoing.add(connection, bob.identity, alice.account, asking)[0].seq
        )
        bob._running().outbox.add(alice.account, seq)
        await until(lambda: len(world.server.sent("send")) >= before + 2)
        await (await (await alice.conversation("bob")).send("behind it")).reached("delivered", 3)
        sent = [m for frame in world.server.sent("send")[before:] for m in frame["messages"]]
        assert len([m for m in sent if m["to"] == bob.account]) == 2
        await alice.close()
        await bob.close()

    run(story())


def test_a_content_shows_no_secret() -> None:
    """What a log or a traceback prints of it holds no text and no key."""
    content = Content(new_logical_id(), "tell nobody", conversation_id("a", "b"), 1, account_secret="KEY")
    assert "tell nobody" not in repr(content)
    assert "KEY" not in repr(content)


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_a_one_time_key_with_an_id_of_another_range_fails_the_message(world: World, number: int) -> None:
    """The id is not signed, so a server may say anything: the message fails and holds up no others."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        bundle = world.server.keys._bundle

        def lying(address: str, device: int, auth_key: str) -> dict[str, Any]:
            made = bundle(address, device, auth_key)
            return made | {"one_time": made["one_time"] | {"id": number}}

        world.server.keys._bundle = lying  # type: ignore[method-assign]
        monkey = VALIDATE["claim_answer"]
        VALIDATE["claim_answer"] = lambda body: body
        try:
            with pytest.raises(SendFailed) as failed:
                await (await (await alice.conversation("bob")).send("one")).reached("sent", 3)
        finally:
            VALIDATE["claim_answer"] = monkey
        assert failed.value.code == BadBundle.default_code
        await alice.close()
        await bob.close()

    run(story())
