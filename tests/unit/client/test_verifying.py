"""Comparing safety numbers: what both see, and what the mark is worth."""

from __future__ import annotations

import pytest
from heliograph import (
    IdentityUntrusted,
    NotFound,
    SafetyNumberDiffers,
)
from heliograph.store import pins
from heliograph.store.pins import Mark

from tests.unit.client.lies import (
    adds_a_device,
    hears_a_lie,
    is_refused,
    rewrites_history,
    talking,
)
from tests.unit.client.world import World, run


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
