"""Receipts that wait: for devices that there are, and for no others."""

from __future__ import annotations

import pytest
from chat.domain.ids import MessageId, MessageName, new_uuid7
from chat.usecases.ack import acknowledge
from chat.usecases.receipts import Ack
from chat.wire.frames import event_frames

from tests.fakes.world import NOW, World, address


@pytest.mark.parametrize("device", [2, 3, 32_767, 99_999])
def test_no_row_waits_for_a_device_that_is_not_on_the_list(device: int) -> None:
    """A removed one and such that never were: an ack may name anything, and would fill the partition."""
    world = World()
    alice, bob = world.account("alice", 2), world.account("bob")
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))
    world.cards.accept(bob, alice)
    names = [MessageName(MessageId(new_uuid7(NOW)), f"{alice}:{d}") for d in (1, device)]

    acknowledge(address(bob), Ack(delivered=tuple(names)), **world.delivery, encode=event_frames, now=NOW)

    assert {owner: len(rows) for owner, rows in world.inbox.rows.items()} == {address(alice, 1): 1}


def test_the_live_devices_of_the_account_are_told_all_the_same() -> None:
    """They show the status of what a removed device of theirs sent."""
    world = World()
    alice, bob = world.account("alice", 2), world.account("bob")
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))
    world.cards.accept(bob, alice)
    socket = world.online(alice)
    name = MessageName(MessageId(new_uuid7(NOW)), f"{alice}:2")

    acknowledge(address(bob), Ack(delivered=(name,)), **world.delivery, encode=event_frames, now=NOW)

    [event] = world.sockets.events(socket.connection_id)
    assert event["messages"] == [list(name)]
    assert len(world.inbox) == 0
