"""The connection: sync first, pages, keep-alive, renewal before the limit, and when not to come back."""

from __future__ import annotations

import asyncio
import time

import pytest
from heliograph import (
    ConnectionChanged,
    DeviceListChanged,
    HeliographError,
    StoreRolledBack,
)
from heliograph.ids import Address, mint
from heliograph.transport import FRAGMENT_BYTES, WebSocketTransport

from tests.unit.client.fake_server import BASE_URL, error
from tests.unit.client.world import World, newest, next_event, run, seal, texts, until


def test_sync_is_the_first_frame(world: World) -> None:
    """A new socket starts with sync, and the client goes from catching up to online."""

    async def story() -> None:
        client = world.client("alice")
        async with client:
            await client.register("alice")
            states = []
            stream = client.events()
            while "online" not in states:
                states.append((await next_event(stream, ConnectionChanged)).state)
            assert states[-2:] == ["catching_up", "online"]
            assert [frame["action"] for frame in world.server.frames] == ["sync"]

    run(story())


def test_pages_are_pulled_by_token_with_the_acks_of_the_page_before(world: World) -> None:
    """A drain asks page after page; what a page brought is acknowledged on the way."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await bob.close()
            sender, address = Address(f"{alice.account}:1"), f"{bob.account}:1"
            for number in range(45):
                text = seal(sender, bob.account, str(number))
                world.server.deliver(address, sender, mint(world.server.now() + number), bob.account, text)
            world.server.frames.clear()
            async with world.client("bob", ack_delay=5) as again:
                await again.connected(5)
                first, second, third = world.server.sent("sync")
                assert "token" not in first
                assert len(second["ack"]["delivered"]) == 20
                assert second["token"] != third["token"]
                assert await texts(again, "alice") == [str(number) for number in range(45)]

    run(story())


def test_the_mark_moves_only_by_an_empty_drain(world: World) -> None:
    """After a drain with rows the mark is not stored; after an empty one it is, and it goes with the next."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await bob.close()
            await (await (await alice.conversation("bob")).send("Hi")).reached("sent", 5)
            marks = []
            for _ in range(3):
                await asyncio.sleep(0.002)
                world.server.frames.clear()
                async with world.client("bob") as again:
                    await again.connected(5)
                    marks.append(world.server.sent("sync")[0]["mark"])
            before, after_rows, after_nothing = marks
            assert before == after_rows < after_nothing

    run(story())


def test_the_mark_never_lies_beyond_the_own_clock(world: World) -> None:
    """A server whose clock is hours ahead tells a mark that would skip all that comes until then."""

    async def story() -> None:
        async with world.people("alice", "bob") as (_, bob):
            await bob.close()
            world.server.time_offset = 7_200_000
            for _ in range(2):
                async with world.client("bob") as again:
                    await again.connected(5)
            assert world.server.sent("sync")[-1]["mark"] <= time.time() * 1000

    run(story())


def test_what_is_stored_and_not_acknowledged_is_acknowledged_by_the_first_sync(world: World) -> None:
    """Acks that a crash kept from leaving ride on the first frame of the next connection."""

    async def story() -> None:
        async with world.people("alice", "bob", ack_delay=5) as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("sent", 5)
            await until(lambda: bob._engine is not None and len(bob._engine.acks))
            world.server.sockets[f"{bob.account}:1"].drop()
            await bob.close()
            world.server.frames.clear()
            async with world.client("bob") as again:
                await again.connected(5)
                assert len(world.server.sent("sync")[0]["ack"]["delivered"]) == 1

    run(story())


def test_messages_without_a_receipt_are_asked_for(world: World) -> None:
    """What was accepted more than 2 minutes ago and is not delivered is listed in sync, by recipient."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            world.server.sockets[f"{bob.account}:1"].closed = True
            message = await (await alice.conversation("bob")).send("Hi")
            message = await message.reached("sent", 5)
            await alice.close()
            world.server.time_offset = 130_000
            world.server.frames.clear()
            async with world.client("alice") as again:
                await again.connected(5)
                asked = world.server.sent("sync")[0]["unreceipted"]
                assert asked == {bob.account: [[message.id, f"{alice.account}:1"]]}

    run(story())


def test_keep_alive_syncs_on_the_same_socket(world: World) -> None:
    """An idle socket sends sync again and again."""

    async def story() -> None:
        async with world.people("alice", timing={"keep_alive": 0.03}) as (alice,):
            await until(lambda: len(world.server.sent("sync")) >= 3)
            assert len(world.server.tried) == 1
            assert alice.state.state == "online"

    run(story())


def test_a_lost_socket_is_opened_again_with_a_higher_number(world: World) -> None:
    """After a break the client says offline, comes back, and its connect numbers rise."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            stream = alice.events()
            world.server.sockets[f"{alice.account}:1"].drop()
            states = []
            while "online" not in states[1:]:
                states.append((await next_event(stream, ConnectionChanged)).state)
            assert states == ["online", "offline", "connecting", "catching_up", "online"]
            assert world.server.tried == sorted(set(world.server.tried))

    run(story())


def test_renewal_overlaps(world: World) -> None:
    """Before the limit a new socket is opened first; the REPLACED on the old one is not the end."""

    async def story() -> None:
        async with world.people("alice", "bob", timing={"renew": 0.1, "renew_jitter": 0.0}) as (alice, bob):
            seen = []
            stream = alice.events()
            await until(lambda: len(world.server.tried) >= 6)
            assert world.server.rivals >= 3
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("delivered", 5)
            alice_state = alice.state
            assert alice_state.state == "online"
            assert bob.state.state == "online"
            stream.end()
            async for event in stream:
                if isinstance(event, ConnectionChanged):
                    seen.append(event.state)
            assert "offline" not in seen
            assert "closed" not in seen

    run(story())


@pytest.mark.parametrize("reason", ["REPLACED", "DEVICE_REMOVED", "ACCOUNT_REPLACED"])
def test_no_reconnect_after_the_session_was_closed(world: World, reason: str) -> None:
    """session_closed on the live socket ends the connection with its reason."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            tried = len(world.server.tried)
            world.server.post(f"{alice.account}:1", {"type": "session_closed", "reason": reason})
            world.server.sockets[f"{alice.account}:1"].drop()
            await until(lambda: alice.state.state == "closed")
            assert alice.state.reason == reason
            await asyncio.sleep(0.1)
            assert len(world.server.tried) == tried
            with pytest.raises(HeliographError) as closed:
                await alice.connected(1)
            assert closed.value.code == reason

    run(story())


def test_a_refused_handshake_asks_why(world: World) -> None:
    """403 tells nothing: the client asks by HTTPS, and a removed device does not come back."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            world.server.add_device(alice.identity)
            world.server.remove_device(alice.account, 1)
            async with world.client("alice") as again:
                await until(lambda: again.state.state == "closed")
                assert again.state.reason == "DEVICE_REMOVED"
                assert "GET /v1/devices" in world.server.requests

    run(story())


def test_a_replaced_account_learns_it_when_it_connects(world: World) -> None:
    """It was away when its handle was registered again: closed for good, with the reason."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            world.server.retire(alice.account)
            async with world.client("alice") as again:
                await until(lambda: again.state.state == "closed")
                assert again.state.reason == "ACCOUNT_REPLACED"

    run(story())


def test_a_handshake_refused_for_a_while_is_tried_again(world: World) -> None:
    """When the device is fine, 403 is no reason to give up."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            world.server.handshake_status = 403
            async with world.client("alice") as again:
                await until(lambda: len(world.server.tried) >= 4)
                world.server.handshake_status = None
                await again.connected(5)

    run(story())


def test_connect_numbers_follow_the_servers_clock(world: World) -> None:
    """A clock that is an hour off is corrected from discovery before the first number is tried."""

    async def story() -> None:
        world.server.time_offset = -3_600_000
        async with world.people("alice"):
            assert len(world.server.tried) == 1
            assert abs(world.server.tried[0] - world.server.now()) < 5_000

    run(story())


def test_a_rolled_back_store_is_noticed(world: World) -> None:
    """A connect that this store never tried is told as an event, once."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            foreign = world.server.connects[f"{alice.account}:1"] = world.server.now() - 5_000
            async with world.client("alice") as again:
                event = await next_event(again.events(), StoreRolledBack)
                assert event.previous_connect == foreign
                end = await again.newest_cursor()
            async with world.client("alice") as again:
                await again.connected(5)
                assert await again.newest_cursor() == end

    run(story())


def test_a_new_own_device_is_noticed(world: World) -> None:
    """device_list_changed reads the own list and becomes an event; a repetition does not."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            world.server.add_device(alice.identity)
            for _ in range(2):
                event = {"type": "device_list_changed", "account": alice.account, "version": 2}
                world.server.post(f"{alice.account}:1", event)
            changed = await next_event(alice.events(), DeviceListChanged)
            assert changed.version == 2
            assert world.server.requests.count("GET /v1/devices") == 1

    run(story())


def test_a_refused_sync_is_repeated_on_the_same_socket(world: World) -> None:
    """UNAVAILABLE on sync does not cost a new connection."""

    async def story() -> None:
        refused = [error("UNAVAILABLE"), error("UNAVAILABLE")]
        world.server.refuse_frame = lambda frame: (
            refused.pop() if frame["action"] == "sync" and refused else None
        )
        async with world.people("alice"):
            assert len(world.server.tried) == 1
            assert len(world.server.sent("sync")) == 3

    run(story())


def test_large_frames_are_fragmented() -> None:
    """A message above 32,768 bytes leaves in several WebSocket frames, each below that, and arrives whole."""

    async def story() -> None:
        import websockets  # noqa: PLC0415

        sizes: list[int] = []
        whole: list[str] = []

        async def serve(connection: websockets.ServerConnection) -> None:
            async for parts in _fragments(connection):
                sizes.extend(len(part) for part in parts)
                whole.append("".join(parts))

        async with websockets.serve(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            channel = await WebSocketTransport().open(f"ws://127.0.0.1:{port}/")
            await channel.send("x" * 100_000)
            await channel.send("y")
            await until(lambda: len(whole) == 2)
            await channel.close()
        assert whole == ["x" * 100_000, "y"]
        assert max(sizes) == FRAGMENT_BYTES < 32_768

    async def _fragments(connection):  # type: ignore[no-untyped-def]
        import websockets  # noqa: PLC0415

        while True:
            try:
                yield [part async for part in connection.recv_streaming()]
            except websockets.ConnectionClosed:
                return

    run(story())


def test_nothing_is_sent_after_close(world: World) -> None:
    """Closing sends the acks that are owed first."""

    async def story() -> None:
        async with world.people("alice", "bob", ack_delay=5) as (alice, bob):
            message = await (await alice.conversation("bob")).send("Hi")
            await message.reached("sent", 5)
            assert (await newest(bob, "alice")).text == "Hi"
            await bob.close()
            assert len(world.server.sent("ack")) == 1
            await message.reached("delivered", 5)

    run(story())


def test_the_base_url_is_part_of_the_requests(world: World) -> None:
    """Paths are signed relative to the base URL (the fake checks every signature)."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            assert [device.this for device in await alice.devices()] == [True]
            assert alice.server == BASE_URL

    run(story())
