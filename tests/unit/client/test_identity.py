"""A server that lies about who somebody is: it is told, and nothing is sent until the user trusts."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from heliograph import (
    Client,
    Conversation,
    DeviceListChanged,
    IdentityChanged,
    IdentityUntrusted,
    NotFound,
    SafetyNumberDiffers,
    SendFailed,
)
from heliograph.ids import Address
from heliograph.signing import AuthKey
from heliograph.store import pins
from heliograph.store.pins import Mark

from tests.unit.client.fake_server import FakeServer
from tests.unit.client.world import World, next_event, run, until

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


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("lie", UNSIGNED + OTHER_CHAINS)
def test_a_lie_stops_sending_until_it_is_trusted(world: World, lie: Lie, verified: bool) -> None:
    """Whether verified or not: told once, no ciphertext for anybody, and `retry` works after `trust`."""

    async def story() -> None:
        async with talking(world) as (alice, bob, conversation):
            if verified:
                await alice.verify(bob.account)
            world.server.frames.clear()
            event = await hears_a_lie(world, lie, alice, bob)
            assert (event.account, event.verified) == (bob.account, verified)
            message = await is_refused(conversation)
            assert world.server.sent("send") == []
            await alice._running().directory.refresh(bob.account)  # the same lie again is nothing new
            now = await alice.conversation("bob")
            assert (now.changed, now.verified) == (True, False)

            await alice.trust(bob.account)
            await message.retry()
            await message.reached("sent", 5)
            [sent] = world.server.sent("send")[-1]["messages"]
            assert set(sent["devices"]) == {str(d) for d in world.server.accounts[bob.account]["devices"]}
            now = await alice.conversation("bob")
            assert (now.changed, now.verified) == (False, False)
            tell(world, alice, bob)  # the same identity again is nothing new
            await until(lambda: world.server.requests[-1].startswith("GET /v1/accounts/"))
            await (await conversation.send("more")).reached("sent", 5)
            assert len(await so_far(alice, IdentityChanged)) == 1

    run(story())


@pytest.mark.parametrize("lie", BROKEN)
def test_what_is_no_chain_cannot_be_trusted(world: World, lie: Lie) -> None:
    """It is an identity change, and stays one until the server shows a chain again."""

    async def story() -> None:
        async with talking(world) as (alice, bob, conversation):
            truth, shown = copy.deepcopy(world.server.accounts), (world.server.public, world.server._chain)
            await hears_a_lie(world, lie, alice, bob)
            message = await is_refused(conversation)
            with pytest.raises(IdentityUntrusted):
                await alice.trust(bob.account)
            with pytest.raises(IdentityUntrusted):
                await alice.verify(bob.account)

            world.server.accounts.update(truth)
            world.server.public, world.server._chain = shown  # type: ignore[method-assign]
            world.server.accounts[bob.account]["version"] += 1
            tell(world, alice, bob)
            await is_restored(alice, bob)
            await is_refused(conversation)  # the truth alone does not unblock: somebody lied
            await alice.trust(bob.account)
            await message.retry()
            await message.reached("sent", 5)

    run(story())


def test_a_lie_that_ends_keeps_the_mark(world: World) -> None:
    """What is trusted then goes on from what was compared."""

    async def story() -> None:
        async with talking(world) as (alice, bob, conversation):
            await alice.verify(bob.account)
            truth = copy.deepcopy(world.server.accounts[bob.account])
            await hears_a_lie(world, rewrites_history, alice, bob)
            version = world.server.accounts[bob.account]["version"]
            world.server.accounts[bob.account] = truth | {"version": version}
            tell(world, alice, bob)
            await is_restored(alice, bob)
            await is_refused(conversation)
            await alice.trust(bob.account)
            assert (await alice.conversation("bob")).verified

    run(story())


@pytest.mark.parametrize("lie", BROKEN)
def test_a_stranger_without_a_valid_chain_is_not_found(world: World, lie: Lie) -> None:
    """Nothing of it is kept: the next lookup asks again."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.add_device(bob.identity)
            lie(world.server, bob)
            for _ in range(2):
                with pytest.raises(IdentityUntrusted):
                    await alice.conversation(bob.account)
            assert await alice._store().run(lambda connection: pins.get(connection, bob.account)) is None

    run(story())


def test_the_wrong_account_under_a_handle_is_noticed(world: World) -> None:
    """An answer that names another handle than the asked one is no answer."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.accounts[bob.account]["handle"] = "bobby"
            world.server.holder = lambda handle: bob.account  # type: ignore[method-assign]
            with pytest.raises(IdentityUntrusted, match="bob"):
                await alice.conversation("bob")

    run(story())


def test_a_stranger_with_an_unsigned_device_is_blocked(world: World) -> None:
    """The conversation opens, so that its user can trust; nothing is sent before."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            adds_a_device(world.server, bob)
            conversation = await alice.conversation("bob")
            assert conversation.changed
            message = await is_refused(conversation)
            await alice.trust(bob.account)
            await message.retry()
            await message.reached("sent", 5)

    run(story())


def test_a_signed_device_changes_nothing(world: World) -> None:
    """An event names it, the mark stays, and the next message goes to it."""

    async def story() -> None:
        async with talking(world) as (alice, bob, conversation):
            await alice.verify(bob.account)
            world.server.add_device(bob.identity)
            tell(world, alice, bob)
            event = await next_event(alice.events(), DeviceListChanged)
            assert (event.account, event.added, event.removed) == (bob.account, (3,), ())
            await (await conversation.send("Hi all")).reached("sent", 5)
            assert set(world.server.sent("send")[-1]["messages"][0]["devices"]) == {"1", "2", "3"}
            assert (await alice.conversation("bob")).verified
            assert await so_far(alice, IdentityChanged) == []

    run(story())


def test_strictly_a_new_device_of_a_verified_account_waits(world: World) -> None:
    """With `block_new_devices`; what is trusted is signed, so the mark stays. Others are not held up."""

    async def story() -> None:
        async with talking(world, block_new_devices=True) as (alice, bob, conversation):
            world.server.add_device(bob.identity)
            await (await conversation.send("not verified: sent")).reached("sent", 5)
            await alice.verify(bob.account)
            event = await hears_a_lie(
                world, lambda server, who: server.add_device(who.identity) and None, alice, bob
            )
            assert event.verified
            message = await is_refused(conversation)
            await alice.trust(bob.account)
            await message.retry()
            await message.reached("sent", 5)
            assert (await alice.conversation("bob")).verified
            server = world.server
            server.append(bob.account, server.signed_entry(bob.identity, "remove", 3))
            await (await conversation.send("one less: sent")).reached("sent", 5)

    run(story())


@pytest.mark.parametrize("verified", [False, True])
def test_a_handle_that_a_verified_account_had(world: World, verified: bool) -> None:
    """Whoever has it now is blocked until trusted; without a mark it is only somebody new."""

    async def story() -> None:
        async with talking(world) as (alice, bob, _):
            if verified:
                await alice.verify(bob.account)
            world.server.retire(bob.account)
            new = world.server.add_account("bob", new_key())
            tell(world, alice, bob)
            await until(lambda: world.server.requests.count(f"GET /v1/accounts/{new}/chain"))
            conversation = await alice.conversation("bob")
            while conversation.peer != new:
                conversation = await alice.conversation("bob")
            assert conversation.changed == verified
            if verified:
                event = await next_event(alice.events(), IdentityChanged)
                assert (event.account, event.verified) == (new, True)
                message = await is_refused(conversation)
                await alice.trust(conversation.peer)
                await message.retry()
            else:
                message = await conversation.send("hello again")
            await message.reached("sent", 5)
            assert not (await alice.conversation("bob")).verified

    run(story())


class TestOneself:
    """The own account is held to the same rules."""

    def test_a_lie_about_oneself_stops_all_sending(self, world: World) -> None:
        """A device that reads along is not given copies; `trust` of oneself goes on."""

        async def story() -> None:
            async with talking(world) as (alice, _, conversation):
                world.server.frames.clear()
                truth = dict(world.server.accounts[alice.account]["devices"])
                event = await hears_a_lie(world, adds_a_device, alice, alice)
                assert event.account == alice.account
                message = await is_refused(conversation)
                assert world.server.sent("send") == []
                with pytest.raises(IdentityUntrusted, match="own"):
                    await alice.verify(conversation.peer)
                await alice.trust(alice.account)
                await message.retry()
                await message.reached("sent", 5)
                own = set(world.server.sent("send")[-1]["messages"][0]["own"])
                assert own == {"9"} != {str(device) for device in truth}

        run(story())

    def test_nothing_is_signed_behind_a_head_that_was_not_verified(self, world: World) -> None:
        """A server that shows an older chain gets no entry that would fork it."""

        async def story() -> None:
            async with talking(world) as (alice, _, _), world.client("phone") as phone:
                world.server.add_device(alice.identity)
                tell(world, alice, alice)
                await next_event(alice.events(), DeviceListChanged)
                world.server.accounts[alice.account]["chain"].pop()
                world.server.accounts[alice.account]["version"] += 1
                with pytest.raises(IdentityUntrusted):
                    await alice.link(await phone.start_linking())
                with pytest.raises(IdentityUntrusted):
                    await alice.remove_device(2)
                changes = [r for r in world.server.requests if r.startswith(("POST /v1/dev", "DELETE"))]
                assert changes == []

        run(story())

    def test_a_number_that_was_used_is_not_signed(self, world: World) -> None:
        """It would end the chain for everybody."""

        async def story() -> None:
            async with talking(world) as (alice, _, _), world.client("phone") as phone:
                world.server.accounts[alice.account]["next_device"] = 1
                with pytest.raises(Exception, match="hold still"):
                    await alice.link(await phone.start_linking())
                assert "POST /v1/devices" not in world.server.requests

        run(story())


class TestSafetyNumbers:
    """What is compared, and what the mark is worth."""

    def test_both_sides_see_the_same(self, world: World) -> None:
        """For ever: also after devices came and went."""

        async def story() -> None:
            async with talking(world) as (alice, bob, conversation):
                number = await alice.safety_number(bob.account)
                assert len(number.digits.split(" ")) == 12
                assert await bob.safety_number(alice.account) == number
                world.server.append(bob.account, world.server.signed_entry(bob.identity, "remove", 2))
                await (await conversation.send("read the list")).reached("sent", 5)
                assert await alice.safety_number(bob.account) == number

        run(story())

    def test_a_scan_verifies(self, world: World) -> None:
        """The text of the other's code makes the mark, any other text does not; it can be taken back."""

        async def story() -> None:
            async with world.people("alice", "bob", "mallory") as (alice, bob, mallory):
                for wrong in (await bob.safety_number(mallory.account)).qr, "", "hs1.":
                    with pytest.raises(SafetyNumberDiffers):
                        await alice.verify(bob.account, wrong)
                assert not (await alice.conversation("bob")).verified
                await alice.verify(bob.account, (await bob.safety_number(alice.account)).qr + "\n")
                assert (await alice.conversation("bob")).verified
                await alice.unverify(bob.account)
                assert not (await alice.conversation("bob")).verified
                with pytest.raises(NotFound):
                    await alice.safety_number(alice.account)

        run(story())

    def test_another_identity_is_compared_before_it_is_trusted(self, world: World) -> None:
        """Its number is another one; to verify it accepts it."""

        async def story() -> None:
            async with talking(world) as (alice, bob, conversation):
                before = await alice.safety_number(bob.account)
                await alice.verify(bob.account)
                await hears_a_lie(world, rewrites_history, alice, bob)
                after = await alice.safety_number(bob.account)
                assert after != before
                with pytest.raises(SafetyNumberDiffers):
                    await alice.verify(bob.account, before.qr)
                assert (await alice.conversation("bob")).changed
                await alice.verify(bob.account, after.qr)
                now = await alice.conversation("bob")
                assert (now.verified, now.changed) == (True, False)
                await (await conversation.send("to the new one")).reached("sent", 5)

        run(story())

    def test_an_unsigned_device_is_not_covered(self, world: World) -> None:
        """The number is the same with and without it, so comparing accepts nothing."""

        async def story() -> None:
            async with talking(world) as (alice, bob, conversation):
                number = await alice.safety_number(bob.account)
                await hears_a_lie(world, adds_a_device, alice, bob)
                assert await alice.safety_number(bob.account) == number
                with pytest.raises(IdentityUntrusted):
                    await alice.verify(bob.account, number.qr)
                await is_refused(conversation)

        run(story())

    @pytest.mark.parametrize("honest", [True, False])
    def test_a_mark_of_another_own_device(self, world: World, honest: bool) -> None:
        """It holds for the identity that was compared there; a first contact with another one is blocked."""

        async def story() -> None:
            async with world.people("alice", "bob", "carol") as (alice, bob, carol):
                await carol.verify(bob.account)
                [mark] = await carol._store().run(pins.marks)
                if not honest:
                    mark = Mark(bob.account, "of another identity")
                await alice._store().run(lambda connection: pins.take_marks(connection, [mark]))
                conversation = await alice.conversation("bob")
                assert (conversation.verified, conversation.changed) == (honest, not honest)
                later = Mark(bob.account, "of another identity")
                await alice._store().run(lambda connection: pins.take_marks(connection, [later]))
                assert (await alice.conversation("bob")).verified == honest

        run(story())


def test_senders_are_known_by_their_chain(world: World) -> None:
    """A removed device's key is kept for its late messages; one that never was has none."""

    async def story() -> None:
        async with talking(world) as (alice, bob, _):
            key = world.server.accounts[bob.account]["devices"][2]
            world.server.append(bob.account, world.server.signed_entry(bob.identity, "remove", 2))
            world.server.accounts[bob.account]["devices"][9] = new_key()
            tell(world, alice, bob)
            await next_event(alice.events(), IdentityChanged)

            def keys(connection: Any) -> list[str | None]:
                devices = [Address(f"{bob.account}:{device}") for device in (1, 2, 9)]
                return [pins.key_of(connection, device) for device in devices]

            assert await alice._store().run(keys) == [bob.identity.key.public, key, None]
            await alice.trust(bob.account)
            assert (await alice._store().run(keys))[2] is not None

    run(story())


def test_a_restart_forgets_nothing(world: World) -> None:
    """Blocks, marks and pins are in the store."""

    async def story() -> None:
        async with talking(world) as (alice, bob, _):
            await alice.verify(bob.account)
            await hears_a_lie(world, adds_a_device, alice, bob)
            await alice.close()
            async with world.client("alice") as again:
                await is_refused(await again.conversation("bob"))
                await again.trust(bob.account)
            async with world.client("alice") as again:
                await (await (await again.conversation("bob")).send("Hi")).reached("sent", 5)

    run(story())
