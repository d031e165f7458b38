"""``connect``: the row of a socket, and a device that is removed in the same moment."""

from __future__ import annotations

from chat.domain.ids import AccountId, ConnectionId, DeviceId, new_uuid7
from chat.ports.connections import Connection
from chat.usecases.connect import connect

from tests.fakes.world import NOW, World, address


def socket(account: AccountId, device: int = 1) -> Connection:
    """A socket that is being opened."""
    return Connection(account, DeviceId(device), ConnectionId("new"), NOW)


def test_the_row_is_written() -> None:
    """From now on senders post to it."""
    world = World()
    connection = socket(world.account("alice"))

    assert connect(connection, cards=world.cards, connections=world.connections)
    assert world.connections.rows == {connection}


def test_the_row_is_written_before_the_device_is_read() -> None:
    """A removal writes the list and reads connections then: one of the two sees the other."""
    world = World()
    alice = world.account("alice", 2)
    add = world.connections.add

    def add_then_remove(connection: Connection) -> None:
        add(connection)
        world.cards.replace(world.cards.lists[alice].without(DeviceId(2)))

    world.connections.add = add_then_remove  # type: ignore[method-assign]

    assert not connect(socket(alice, 2), cards=world.cards, connections=world.connections)
    assert world.connections.rows == set()


def test_a_device_that_is_gone_is_refused_and_leaves_no_row() -> None:
    """A removed one and one of nobody; the other sockets of the account stay."""
    world = World()
    alice = world.account("alice", 2)
    other = world.online(alice)
    world.cards.replace(world.cards.lists[alice].without(address(alice, 2).device))

    for gone in (socket(alice, 2), socket(AccountId(new_uuid7(1)))):
        assert not connect(gone, cards=world.cards, connections=world.connections)
    assert world.connections.rows == {other}
