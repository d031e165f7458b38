"""``sync``: the socket is asserted, rivals of its device are settled, one of a removed device is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chat.ports.connections import Connection
from chat.ports.inbox import StoredRow
from chat.wire.frames import sync_answer

from tests.fakes.calls import record
from tests.fakes.world import NOW, World, address
from tests.unit.usecases.test_sync import put, run


@pytest.fixture
def world() -> World:
    """A backend of fakes."""
    return World()


def test_the_connection_is_written_before_the_inbox_is_read(world: World) -> None:
    """So a 410 during the handshake, which deleted the row, harms nothing."""
    alice, bob = world.account("alice"), world.account("bob")
    put(world, alice, bob, 1)
    socket = world.online(bob)
    world.connections.remove(socket)
    rows_at_read: list[set[Connection]] = []
    page: Callable[..., list[StoredRow]] = world.inbox.page
    world.inbox.page = lambda *a: (rows_at_read.append(set(world.connections.rows)), page(*a))[1]  # type: ignore[method-assign]

    run(world, socket)

    assert rows_at_read[0] == {socket}


def test_the_older_socket_of_a_device_is_replaced(world: World) -> None:
    """It is told, closed and forgotten; other devices keep theirs."""
    bob = world.account("bob", 2)
    old, new = world.online(bob, 1, NOW), world.online(bob, 1, NOW + 1)
    other = world.online(bob, 2, NOW + 2)

    page = run(world, new)

    assert page.caught_up is not None
    assert world.sockets.events(old.connection_id) == [{"type": "session_closed", "reason": "REPLACED"}]
    assert world.sockets.closed == [old.connection_id]
    assert world.connections.rows == {new, other}


def test_the_older_socket_that_syncs_late_closes_itself(world: World) -> None:
    """The order is the signed connect number's, not that of arrival: no ping-pong."""
    bob = world.account("bob")
    old, new = world.online(bob, 1, NOW), world.online(bob, 1, NOW + 1)

    page = run(world, old)

    assert (page.token, page.caught_up) == (None, None)
    assert sync_answer("r", page, 0) is None
    assert world.sockets.closed == [old.connection_id]
    assert world.connections.rows == {new}


def test_a_rival_that_will_not_close_keeps_its_row(world: World) -> None:
    """The next sync finds it again and tries again."""
    bob = world.account("bob")
    old, new = world.online(bob, 1, NOW), world.online(bob, 1, NOW + 1)
    world.sockets.refuses_to_close.add(old.connection_id)

    assert run(world, new).caught_up is not None
    assert world.connections.rows == {old, new}


def test_a_row_that_is_there_is_not_written_again(world: World) -> None:
    """A write costs five times a read, and nearly every keep-alive finds its row."""
    socket = world.online(world.account("bob"))
    log = record(world)

    run(world, socket)
    assert not [call for call in log if call.startswith("connections.add")]

    world.connections.rows.clear()
    run(world, socket)
    assert world.connections.rows == {socket}


def test_a_rival_that_comes_while_a_row_is_written_again_is_seen(world: World) -> None:
    """It read the sockets while the row was missing, so this one has to look once more."""
    bob = world.account("bob")
    old = world.online(bob, 1, NOW)
    world.connections.rows.clear()
    add = world.connections.add
    rivals: list[Connection] = []

    def add_after_a_rival(connection: Connection) -> None:
        if connection == old:
            rivals.append(world.online(bob, 1, NOW + 1))
            assert run(world, rivals[0]).caught_up is not None
        add(connection)

    world.connections.add = add_after_a_rival  # type: ignore[method-assign]

    assert run(world, old).caught_up is None
    assert world.sockets.closed == [old.connection_id]
    assert world.connections.rows == set(rivals)


def test_a_removed_device_is_closed(world: World) -> None:
    """The list is read again after the connection was written, so a removal in between is seen."""
    bob = world.account("bob", 2)
    socket = world.online(bob, 2)
    world.cards.replace(world.cards.lists[bob].without(address(bob, 2).device))

    run(world, socket)

    assert world.sockets.events(socket.connection_id) == [
        {"type": "session_closed", "reason": "DEVICE_REMOVED"}
    ]
    assert world.connections.rows == set()
