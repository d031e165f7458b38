"""Changes of the own devices are entries that this device signs; the fake server verifies each."""

from __future__ import annotations

from typing import Any

import pytest
from heliograph import Client, NotFound
from heliograph.signing import AuthKey

from tests.unit.client.fake_server import error
from tests.unit.client.world import World, run, until


def changes(world: World, client: Client) -> list[tuple[str, int, int]]:
    """What the chain says: change, device, signer."""
    entries = world.server.accounts[client.account]["chain"]
    return [(entry["change"], entry["device"], entry["signer"]) for entry in entries]


def code_of(key: AuthKey) -> str:
    """The code that a new device shows."""
    return f"hl1.{key.public}"


def test_a_link_and_a_removal_are_entries_of_the_chain(world: World) -> None:
    """Signed by the device that asks; repeating either adds nothing."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            code = code_of(AuthKey.generate())
            await alice.link(code)
            await alice.link(code)
            for _ in range(2):
                await alice.remove_device(2)
            assert changes(world, alice) == [("add", 1, 0), ("add", 2, 1), ("remove", 2, 1)]
            [left] = await alice.devices()
            assert (left.device, left.linked_by) == (1, None)

    run(story())


@pytest.mark.parametrize("change", ["link", "remove"])
def test_a_change_that_came_first_is_signed_after(world: World, change: str) -> None:
    """Between reading the list and signing: the entry is made anew, for the chain as it is then."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            world.server.add_device(alice.identity)
            between = iter([True])

            def late(request: str) -> dict[str, Any] | None:
                if request.startswith(("POST", "DELETE")) and next(between, False):
                    world.server.add_device(alice.identity)
                return None

            world.server.refuse_request = late
            if change == "link":
                await alice.link(code_of(AuthKey.generate()))
                assert changes(world, alice)[-2:] == [("add", 3, 1), ("add", 4, 1)]
            else:
                await alice.remove_device(2)
                assert changes(world, alice)[-2:] == [("add", 3, 1), ("remove", 2, 1)]

    run(story())


def test_other_refusals_are_passed_on(world: World) -> None:
    """Nothing is signed again."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            with pytest.raises(NotFound):
                await alice.remove_device(9)
            assert world.server.requests.count("DELETE /v1/devices/9") == 1

    run(story())


class TestLapsed:
    """Devices that the server took off the list by itself."""

    def lapse(self, world: World, alice: Client, *devices: int) -> None:
        """Let devices go without a signature, and tell alice."""
        for device in devices:
            world.server.lapse(alice.account, device)
        version = world.server.accounts[alice.account]["version"]
        event = {"type": "device_list_changed", "account": alice.account, "version": version}
        world.server.post(f"{alice.account}:1", event)

    def test_they_are_signed_out(self, world: World) -> None:
        """When the own list is read, each once; from then on the chain names live devices alone."""

        async def story() -> None:
            async with world.people("alice") as (alice,):
                for _ in range(3):
                    world.server.add_device(alice.identity)
                self.lapse(world, alice, 2, 3)
                await until(lambda: not world.server.accounts[alice.account]["lapsed"])
                self.lapse(world, alice, 4)
                await until(lambda: not world.server.accounts[alice.account]["lapsed"])
                gone = [("remove", device, 1) for device in (2, 3, 4)]
                assert changes(world, alice)[4:] == gone

        run(story())

    def test_a_live_device_is_never_signed_out_by_itself(self, world: World) -> None:
        """Whatever the server calls lapsed: this device, or one that is on the list."""

        async def story() -> None:
            async with world.people("alice") as (alice,):
                world.server.add_device(alice.identity)
                world.server.accounts[alice.account]["lapsed"] = [1, 2]
                version = world.server.accounts[alice.account]["version"]
                await alice._running().directory.refresh(alice.account)
                assert not [request for request in world.server.requests if request.startswith("DELETE")]
                assert world.server.accounts[alice.account]["version"] == version

        run(story())

    def test_one_that_cannot_be_signed_out_waits(self, world: World) -> None:
        """The list is taken in all the same, and the next reading tries again."""

        async def story() -> None:
            async with world.people("alice") as (alice,):
                world.server.add_device(alice.identity)
                world.server.lapse(alice.account, 2)
                world.server.refuse_request = lambda request: (
                    error("DEVICE_LIST_CHANGED") if request.startswith("DELETE") else None
                )
                directory = alice._running().directory
                assert set((await directory.refresh(alice.account)).devices) == {1}
                world.server.refuse_request = lambda _: None
                await directory.refresh(alice.account)
                assert changes(world, alice)[-1] == ("remove", 2, 1)

        run(story())
