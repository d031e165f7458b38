"""What a client learns of the accounts it talks with: new devices, and accounts that were replaced."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from heliograph import (
    Client,
    DeviceListChanged,
    MessageReceived,
    NotFound,
    PeerReplaced,
    SendFailed,
    Undecryptable,
)
from heliograph.ids import mint
from heliograph.signing import AuthKey

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.plain_encryption import PlainEncryption
from tests.unit.client.world import World, next_event, run, seal, until


def register_again(server: FakeServer, old: str, *, tell: str = "") -> str:
    """Retire an account for a new one of its handle; tell a device of it."""
    handle = server.accounts[old]["handle"]
    server.retire(old)
    new = server.add_account(handle, AuthKey.generate().public)
    if tell:
        version = server.accounts[old]["version"]
        server.post(tell, {"type": "device_list_changed", "account": old, "version": version})
    return new


async def replaced(client: Client) -> PeerReplaced:
    """The next time that somebody was replaced."""
    return await next_event(client.events(), PeerReplaced)


def test_a_new_device_of_a_peer_is_an_event(world: World) -> None:
    """The list is read again at once, so the next message goes to all devices in one try."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            world.server.add_device(bob.identity)
            event = {"type": "device_list_changed", "account": bob.account, "version": 2}
            world.server.post(f"{alice.account}:1", event)
            changed = await next_event(alice.events(), DeviceListChanged)
            assert (changed.account, changed.version) == (bob.account, 2)
            await (await conversation.send("Hi")).reached("sent", 5)
            [frame] = world.server.sent("send")
            assert set(frame["messages"][0]["devices"]) == {"1", "2"}

    run(story())


def test_a_stranger_whose_devices_change_is_none_of_our_business(world: World) -> None:
    """Only accounts that are known here are looked up, and those once a version."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await alice.conversation("bob")).send("Hi")
            await alice.drained(5)
            asked = list(world.server.requests)
            for account in (world.stranger().partition(":")[0], bob.account):
                event = {"type": "device_list_changed", "account": account, "version": 1}
                world.server.post(f"{alice.account}:1", event)
            await (await alice.conversation("bob")).send("Hi")
            await alice.drained(5)
            assert world.server.requests == asked

    run(story())


def test_a_peer_who_is_told_to_be_replaced(world: World) -> None:
    """The event names both accounts; the handle leads to the new one, in a conversation of its own."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            old = await alice.conversation("bob")
            await (await old.send("to the old one")).reached("sent", 5)
            new = register_again(world.server, bob.account, tell=f"{alice.account}:1")
            event = await replaced(alice)
            assert (event.account, event.handle, event.by) == (bob.account, "bob", new)

            conversation = await alice.conversation("bob")
            assert (conversation.peer, conversation.handle) == (new, "bob")
            assert [m async for m in conversation.history()] == []
            assert [m.text async for m in old.history()] == ["to the old one"]
            await (await conversation.send("who are you?")).reached("sent", 5)
            assert world.server.sent("send")[-1]["messages"][0]["to"] == new

    run(story())


def test_a_client_that_was_not_told_learns_by_its_send(world: World) -> None:
    """All that is pending fails with NOT_FOUND at once, nothing moves to the new account, and it is told."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            new = register_again(world.server, bob.account)
            messages = [await conversation.send(f"text {i}") for i in range(60)]
            for message in messages:
                with pytest.raises(SendFailed) as failed:
                    await message.reached("sent", 5)
                assert failed.value.code == "NOT_FOUND"
            assert len(world.server.sent("send")) == 1
            assert (await replaced(alice)).by == new
            assert new not in {m["to"] for frame in world.server.sent("send") for m in frame["messages"]}

            with pytest.raises(SendFailed):
                await (await conversation.send("again")).reached("sent", 5)
            assert len(world.server.sent("send")) == 1  # known by now: only looked up

    run(story())


def test_a_client_that_was_not_told_learns_by_being_written_to(world: World) -> None:
    """A message of the new account shows that the old one lost the handle."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await alice.conversation("bob")
            new = register_again(world.server, bob.account)
            sender: Any = f"{new}:1"
            world.server.deliver(
                f"{alice.account}:1", sender, mint(world.server.now()), alice.account,
                seal(sender, alice.account, "It is me"),
            )  # fmt: skip
            message = (await next_event(alice.events(), MessageReceived)).message
            assert await alice.handle_of(message.peer) == "bob"
            event = await replaced(alice)
            assert (event.account, event.by) == (bob.account, new)
            assert (await alice.conversation("bob")).peer == new

    run(story())


def test_a_retired_account_keeps_its_history_and_its_name(world: World) -> None:
    """By its id; the event is there once, also after the file was opened again."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await (await (await alice.conversation("bob")).send("Hi")).reached("sent", 5)
            world.server.retire(bob.account)
            version = world.server.accounts[bob.account]["version"]
            changed = {"type": "device_list_changed", "account": bob.account, "version": version}
            for _ in range(2):
                world.server.post(f"{alice.account}:1", changed)
                assert (await replaced(alice)).by is None
            await alice.close()
            async with world.client("alice") as again:
                assert await again.handle_of(bob.account) == "bob"
                old = await again.conversation(bob.account)
                assert [m.text async for m in old.history()] == ["Hi"]
                with pytest.raises(NotFound):
                    await again.conversation("bob")
                kinds = [e async for e in _so_far(again) if isinstance(e, PeerReplaced)]
                assert len(kinds) == 1

    run(story())


async def _so_far(client: Client) -> Any:
    end = await client.newest_cursor()
    async for event in client.events(after=0):  # type: ignore[arg-type]
        yield event
        if event.cursor >= end:
            return


def test_while_the_server_is_away_nobody_is_replaced(world: World) -> None:
    """Only its word retires an account: a lookup that fails leaves everything as it is."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            conversation = await alice.conversation("bob")
            await (await conversation.send("before")).reached("sent", 5)
            route = world.server._route
            new = register_again(world.server, bob.account)
            world.server._route = lambda request, path: (  # type: ignore[method-assign]
                503, "error_answer",
                {"error": {"code": "UNAVAILABLE", "message": "", "retry_after": 0.001}},
            )  # fmt: skip
            message = await conversation.send("Hi")
            with pytest.raises(SendFailed):
                await message.reached("sent", 5)
            assert (await alice.conversation("bob")).peer == bob.account
            world.server._route = route  # type: ignore[method-assign]
            await message.retry()
            assert (await replaced(alice)).by == new

    run(story())


class Breaks(PlainEncryption):
    """An encryption with a bug: it fails in a way that it never promised to."""

    def decrypt(self, connection: sqlite3.Connection, ciphertext: bytes, **named: Any) -> bytes:
        if b"break" in ciphertext:
            raise self.problem
        return super().decrypt(connection, ciphertext, **named)

    problem: Exception = RuntimeError("secret")


def test_an_encryption_that_fails_unexpectedly_holds_nothing_up(world: World) -> None:
    """The message counts as undecryptable: told once, acknowledged, and what comes behind it arrives."""

    async def story() -> None:
        async with (
            world.people("alice") as (alice,),
            world.client("bob", encryption=Breaks()) as bob,
        ):
            await bob.register("bob")
            await bob.connected(5)
            tried = len(world.server.tried)
            conversation = await alice.conversation("bob")
            await conversation.send("break")
            await conversation.send("go on")
            await alice.drained(5)
            event = await next_event(bob.events(), Undecryptable)
            assert event.reason == "unexpected: RuntimeError"
            assert (await next_event(bob.events(), MessageReceived)).message.text == "go on"
            await until(lambda: not world.server.inbox[f"{bob.account}:1"])
            assert len(world.server.tried) == tried

    run(story())


def test_trouble_of_the_machine_is_not_the_messages_fault(world: World) -> None:
    """A disk that is full now is not full for ever: the row stays, and comes again."""

    async def story() -> None:
        encryption = Breaks()
        encryption.problem = OSError("no space")
        async with (
            world.people("alice") as (alice,),
            world.client("bob", encryption=encryption) as bob,
        ):
            await bob.register("bob")
            await (await alice.conversation("bob")).send("break")
            await alice.drained(5)
            tried = len(world.server.tried)
            await until(lambda: len(world.server.tried) > tried)
            assert len(world.server.inbox[f"{bob.account}:1"]) == 1
            encryption.problem = UnicodeError("well, it is the message")
            await next_event(bob.events(), Undecryptable)

    run(story())


def test_messages_of_another_own_device_are_asked_for(world: World) -> None:
    """Their receipts come live only; `unreceipted` names them with the device that sent them."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            other: Any = f"{alice.account}:2"
            old = mint(world.server.now() - 180_000)
            world.server.deliver(
                f"{alice.account}:1", other, old, bob.account, seal(other, bob.account, "from my laptop")
            )
            await until(lambda: not world.server.inbox[f"{alice.account}:1"])
            await alice.close()
            async with world.client("alice") as again:
                await again.connected(5)
                asked = [f["unreceipted"] for f in world.server.sent("sync") if "unreceipted" in f]
                assert asked[-1] == {bob.account: [[old, other]]}

    run(story())


def test_concurrent_lookups_share_what_they_find(world: World) -> None:
    """Two sends to a replaced account at once tell of it once."""

    async def story() -> None:
        async with world.people("alice", "bob", "carol") as (alice, bob, _):
            one = await alice.conversation("bob")
            register_again(world.server, bob.account, tell=f"{alice.account}:1")
            await asyncio.gather(*(one.send(f"{i}") for i in range(5)))
            await alice.drained(5)
            await replaced(alice)
            events = [e async for e in _so_far(alice) if isinstance(e, PeerReplaced)]
            assert len(events) == 1

    run(story())
