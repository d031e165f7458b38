"""A server that lies about who somebody is: it is told, and nothing is sent until the user trusts."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from heliograph import (
    DeviceListChanged,
    IdentityChanged,
    IdentityUntrusted,
)
from heliograph.ids import Address
from heliograph.store import pins

from tests.unit.client.lies import (
    BROKEN,
    OTHER_CHAINS,
    UNSIGNED,
    Lie,
    adds_a_device,
    hears_a_lie,
    is_refused,
    is_restored,
    new_key,
    rewrites_history,
    so_far,
    talking,
    tell,
)
from tests.unit.client.world import World, next_event, run, until


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
