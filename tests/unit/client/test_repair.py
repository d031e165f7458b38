"""Messages that could not be read are asked for, and come again; devices of an account tell each other."""

from __future__ import annotations

import sqlite3

import pytest
from heliograph import Client, MessageReceived, Undecryptable
from heliograph.crypto import envelope
from heliograph.ids import address, from_base64url, mint
from heliograph.store import account_secrets, repairs, sessions

from tests.unit.client.test_encryption import joined, sealed, types
from tests.unit.client.world import World, next_event, run, texts, until


async def talking(world: World) -> tuple[Client, Client]:
    """Give two clients with a session that both used."""
    alice, bob = await joined(world, "alice"), await joined(world, "bob")
    await (await (await alice.conversation("bob")).send("one")).reached("sent", 5)
    await (await (await bob.conversation("alice")).send("two")).reached("delivered", 5)
    return alice, bob


def spoil(world: World, *, times: int = 1) -> None:
    """Have the server change the next messages that it delivers."""
    deliver, left = world.server.deliver, [times]

    def spoiling(address: str, sender: str, message_id: str, to: str, text: str) -> None:
        left[0] -= 1
        deliver(address, sender, message_id, to, text[:-2] + "AA" if left[0] >= 0 else text)

    world.server.deliver = spoiling  # type: ignore[method-assign]


def test_an_unreadable_message_is_asked_for_and_comes_again(world: World) -> None:
    """It is told as undecryptable, asked for in a new session, and arrives under another id, once."""

    async def story() -> None:
        alice, bob = await talking(world)
        stream = bob.events(after=await bob.newest_cursor())
        spoil(world)
        message = await (await alice.conversation("bob")).send("three")
        told = await next_event(stream, Undecryptable)
        again = await next_event(stream, MessageReceived)
        assert again.message.text == "three"
        assert again.message.id != told.id
        await message.reached("delivered", 5)
        assert await texts(bob, "alice") == await texts(alice, "bob") == ["one", "two", "three"]
        await (await (await alice.conversation("bob")).send("four")).reached("delivered", 5)
        await alice.close()
        await bob.close()

    run(story())


def test_an_account_is_asked_once_an_hour(world: World) -> None:
    """What becomes unreadable after that waits until the hour is over."""

    async def story() -> None:
        alice, bob = await talking(world)
        stream = bob.events(after=await bob.newest_cursor())
        spoil(world)
        await (await alice.conversation("bob")).send("three")
        await next_event(stream, MessageReceived)
        spoil(world)
        await (await alice.conversation("bob")).send("four")
        await next_event(stream, Undecryptable)
        await (await (await alice.conversation("bob")).send("five")).reached("delivered", 5)
        assert await texts(bob, "alice") == ["one", "two", "three", "five"]
        world.server.time_offset += repairs.HOUR_MS + 60_000
        last = await bob.newest_cursor()
        await bob.close()
        async with sealed(world, "bob") as bob:
            await bob.connected(5)
            stream = bob.events(after=last)
            assert (await next_event(stream, MessageReceived)).message.text == "four"
        await alice.close()

    run(story())


def test_a_stranger_is_not_asked(world: World) -> None:
    """To somebody who gets no receipts nothing is sent, not even a request; after `accept` it is."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        stream = bob.events()
        spoil(world)
        await (await alice.conversation("bob")).send("hello")
        await next_event(stream, Undecryptable)
        sent = len(world.server.sent("send"))
        await (await (await alice.conversation("bob")).send("are you there?")).reached("sent", 5)
        await next_event(stream, MessageReceived)
        assert len(world.server.sent("send")) == sent + 1
        await bob.accept(alice.account)
        assert (await next_event(stream, MessageReceived)).message.text == "hello"
        await alice.close()
        await bob.close()

    run(story())


def test_a_device_without_keys_gets_its_messages_by_asking(world: World) -> None:
    """While a device has no keys at the server it gets an envelope that says so; it asks when it can."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await bob.accept(alice.account)
        stream = bob.events()
        world.server.keys.forget(f"{bob.account}:1")
        await (await alice.conversation("bob")).send("early")
        await next_event(stream, Undecryptable)
        assert (await next_event(stream, MessageReceived)).message.text == "early"
        first = world.server.sent("send")[0]["messages"][0]["devices"]["1"]
        assert from_base64url(first) == b"\x01\x03"
        await alice.close()
        await bob.close()

    run(story())


def test_keys_of_no_use_stop_nothing(world: World) -> None:
    """A device whose own keys lie in a small subgroup gets no ciphertext; it is asked for once."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        held = world.server.keys.held[f"{bob.account}:1"]
        held["one_time"] = {number: {"id": number, "key": "A" * 43} for number in held["one_time"]}
        await (await (await alice.conversation("bob")).send("hello")).reached("sent", 5)
        assert len(world.server.keys.claims) == 1
        assert from_base64url(world.server.sent("send")[0]["messages"][0]["devices"]["1"]) == b"\x01\x03"
        await alice.close()
        await bob.close()

    run(story())


def test_a_device_that_only_reads_says_hello(world: World) -> None:
    """After some first messages in a row the reader says so, unseen; then messages are short."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await bob.accept(alice.account)
        for number in range(sessions.UNANSWERED + 1):
            await (await (await alice.conversation("bob")).send(f"text {number}")).reached("delivered", 5)
        await until(
            lambda: any(frame["messages"][0]["to"] == alice.account for frame in world.server.sent("send"))
        )
        await until(lambda: not world.server.inbox.get(f"{alice.account}:1"))
        await (await (await alice.conversation("bob")).send("short")).reached("delivered", 5)
        assert types(world)[-1] == envelope.RATCHET
        assert len(await texts(alice, "bob")) == len(await texts(bob, "alice")) == sessions.UNANSWERED + 2
        await alice.close()
        await bob.close()

    run(story())


def test_hello_is_said_once(world: World) -> None:
    """An hour later nothing is said again, though another session of that device was never answered."""

    async def story() -> None:
        alice, bob = await talking(world)
        me = bob.identity

        def due(connection: sqlite3.Connection, now: int) -> list[repairs.Asking]:
            return repairs.due(connection, me, now)

        def leave_unanswered(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE sessions SET unanswered = ?", (sessions.UNANSWERED,))

        await bob._store().run(leave_unanswered)
        now = world.server.now()
        assert len(await bob._store().run(lambda connection: due(connection, now))) == 1
        later = now + 2 * repairs.HOUR_MS
        assert await bob._store().run(lambda connection: due(connection, later)) == []
        await alice.close()
        await bob.close()

    run(story())


def test_a_flood_of_unreadable_messages_is_bounded(world: World) -> None:
    """Of one account's unreadable messages the newest are remembered."""

    async def story() -> None:
        alice, bob = await talking(world)
        names = [mint(world.server.now() + step) for step in range(repairs.NOTED + 50)]
        sender = address(alice.account, 1)

        def note(connection: sqlite3.Connection) -> list[str]:
            for name in names:
                repairs.note_unread(connection, name, sender, 0)
            return [row[0] for row in connection.execute("SELECT id FROM unread ORDER BY id")]

        assert await bob._store().run(note) == names[50:]
        await alice.close()
        await bob.close()

    run(story())


def test_what_another_account_asks_for_is_not_given(world: World) -> None:
    """A request names a message that was written to somebody else: nothing is sent."""

    async def story() -> None:
        alice, bob = await talking(world)
        carol = await joined(world, "carol")
        secret = await (await alice.conversation("bob")).send("for bob alone")
        secret = await secret.reached("delivered", 5)
        assert secret.id is not None
        name = (secret.id, secret.sender)
        me, now = alice.identity, world.server.now()
        database = alice._store()
        given = await database.run(
            lambda connection: [
                repairs.give(connection, me, account, [name], now) for account in (carol.account, bob.account)
            ]
        )
        assert given[0] == []
        assert len(given[1]) == 1
        for client in (alice, bob, carol):
            await client.close()

    run(story())


def test_asking_again_and_again_gets_little(world: World) -> None:
    """An account gets a bounded number of messages again in an hour."""

    async def story() -> None:
        alice, bob = await talking(world)
        message = await (await (await alice.conversation("bob")).send("x")).reached("delivered", 5)
        assert message.id is not None
        name, me, now = (message.id, message.sender), alice.identity, world.server.now()
        asked = [name] * (repairs.GIVEN_AN_HOUR * 2)
        given = await alice._store().run(
            lambda connection: repairs.give(connection, me, bob.account, asked, now)
        )
        assert len(given) == repairs.GIVEN_AN_HOUR
        await alice.close()
        await bob.close()

    run(story())


@pytest.mark.parametrize("writer", ["phone", "laptop"])
def test_devices_of_an_account_read_along_and_share_the_secret(world: World, writer: str) -> None:
    """A device that was taken in gets the account's secret, and reads what the other one writes."""

    async def story() -> None:
        alice, bob = await joined(world, "alice"), await joined(world, "bob")
        await bob.accept(alice.account)
        laptop = await sealed(world, "laptop").__aenter__()
        code = await laptop.start_linking()
        await alice.link(code)
        await laptop.linked(5)
        await laptop.connected(5)
        made = await alice._store().run(account_secrets.get)
        assert made is not None
        while await laptop._store().run(account_secrets.get) != made:
            pass
        one, other = (alice, laptop) if writer == "phone" else (laptop, alice)
        await (await (await one.conversation("bob")).send("from one")).reached("delivered", 5)
        await (await (await bob.conversation("alice")).send("to both")).reached("delivered", 5)
        for client in (one, other):
            while await texts(client, "bob") != ["from one", "to both"]:
                pass
        for client in (alice, bob, laptop):
            await client.close()

    run(story())
