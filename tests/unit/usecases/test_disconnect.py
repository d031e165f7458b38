"""``disconnect``: the row of a closed socket."""

from __future__ import annotations

from chat.usecases.disconnect import disconnect

from tests.fakes.world import NOW, World


def test_only_the_closed_socket_is_forgotten() -> None:
    """A call that comes late harms neither the newer socket of the device nor those of other devices."""
    world = World()
    alice, bob = world.account("alice", 2), world.account("bob")
    old, new = world.online(alice, name="old"), world.online(alice, number=NOW + 1, name="new")
    others = {world.online(alice, 2), world.online(bob)}

    disconnect(old, connections=world.connections)
    disconnect(old, connections=world.connections)

    assert world.connections.rows == {new, *others}
