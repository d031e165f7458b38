"""Where the socket is: asked once, remembered, and asked again when nobody is there."""

from __future__ import annotations

from heliograph import VersionUnsupported

from tests.unit.client.world import World, run, until


def test_a_server_of_another_version_is_refused(world: World) -> None:
    """A server that does not speak version 1 is told apart from a network that is down."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            discovery = world.server._discovery
            world.server._discovery = lambda: discovery() | {"versions": {"supported": [2]}}  # type: ignore[method-assign]
            world.server.handshake_status = 404
            async with world.client("alice") as again:
                await until(lambda: again.state.reason == VersionUnsupported.default_code)

    run(story())


def test_the_address_of_the_socket_is_remembered_until_it_fails(world: World) -> None:
    """Another start asks nothing before it connects; where nobody listens there any more, it asks."""

    async def story() -> None:
        discovery, asked = world.server._discovery, []
        world.server._discovery = lambda: asked.append(1) or discovery()  # type: ignore[method-assign,func-returns-value]
        async with world.people("alice") as (alice,):
            await alice.close()
            asked.clear()
            async with world.client("alice") as again:
                await again.connected(5)
            assert asked == []
            world.server.handshake_status = 404
            async with world.client("alice") as later:
                await until(lambda: asked)
                world.server.handshake_status = None
                await later.connected(5)

    run(story())
