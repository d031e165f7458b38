"""Workers that die and a storage that stops: every frame may be repeated, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.bodies import live_keys
from tests.e2e.client import ANSWER_SECONDS, Device, HandshakeRefused, Json, Socket, name_of, now, shown
from tests.e2e.steps import ids, link, relate
from tests.e2e.tables import Tables
from tests.waiting import until

pytestmark = pytest.mark.local_only

HANDLER_SECONDS = 10
"""After so long API Gateway's client gets an answer, whatever has happened."""


@pytest.fixture
def killed(request: pytest.FixtureRequest, barriers: Barriers) -> Iterator[str]:
    """Kills the worker that gets to the point of the parameter first, and checks that one got there."""
    point: str = request.param
    yield point
    assert not (barriers.folder / f"{point}.kill").exists(), f"no worker got to {point}"


def at(*points: str) -> pytest.MarkDecorator:
    """Parametrize over kill points, both sides of each where none is named."""
    sides = [p for point in points for p in ([point] if point.count(".") == 3 else _both(point))]
    return pytest.mark.parametrize("killed", sides, indirect=True)


def _both(point: str) -> list[str]:
    return [f"{point}.before", f"{point}.after"]


async def empty(socket: Socket, tables: Tables) -> None:
    """Sync and acknowledge, as a client does, until nothing is left in the inbox."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while tables.inbox(socket.device):
            page = await socket.insist({"action": "sync"})
            names = [name_of(event) for event in shown(page["events"])]
            await socket.insist({"action": "sync", "ack": {"delivered": names}})


@at(
    "send.cards.read",
    "send.cards.accept",
    "send.inbox.put",
    "send.connections.of_accounts",
    "send.sockets.post_all",
)
async def test_a_send_that_dies_is_sent_again(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """The sender hears of a failure, repeats id and bytes, and the recipient sees one message."""
    async with await alice.connect() as a, await bob.connect() as b:
        barriers.once(killed, "kill", only=bob.account)
        message = alice.message(bob)
        answer = await a.insist({"action": "send", "messages": [message]})
        assert answer["results"] == [{"id": message["id"], "accepted": True}]
        assert a.failures == 1
        [event] = shown(await b.wait_for(1))
        assert len(tables.inbox(bob)) == 1
        await empty(b, tables)
        assert shown(b.events) == [event]


@at("send.inbox.remove", "send.sockets.post_all")
async def test_an_ack_that_dies_with_its_send_is_repeated_with_it(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """The answer arrives once, the receipt at least once, and the acknowledged row is gone."""
    async with await alice.connect() as a, await bob.connect() as b:
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        barriers.once(killed, "kill", only=bob.account)
        reply = bob.message(alice)
        frame = {"action": "send", "messages": [reply], "ack": {"delivered": [name_of(event)]}}
        answer = await b.insist(frame)
        assert answer["results"] == [{"id": reply["id"], "accepted": True}]
        assert [found["id"] for found in shown(await a.wait_for(1))] == [reply["id"]]
        assert all(r["messages"] == [name_of(event)] for r in await a.wait_for(1, "receipt"))
        assert tables.inbox(bob) == []


@pytest.mark.parametrize("online", [True, False], ids=["sender online", "sender away"])
@at("ack.cards.read", "ack.sockets.post_all", "ack.inbox.remove")
async def test_an_ack_that_dies_is_repeated_by_the_next_sync(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str, online: bool
) -> None:
    """The row comes again or is gone; the sender learns of the delivery before it goes, live or later."""
    await relate(bob, "accepted", alice)
    await acknowledged_in_the_end(alice, bob, barriers, tables, killed, online=online)


@at("ack.inbox.put")
async def test_a_stored_receipt_that_dies_is_stored_by_the_next_ack(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """A sender who was away finds it, perhaps twice, which changes nothing."""
    await relate(bob, "accepted", alice)
    await acknowledged_in_the_end(alice, bob, barriers, tables, killed, online=False)


async def acknowledged_in_the_end(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str, *, online: bool
) -> None:
    """A message is sent, its ack dies at ``killed``, and both sides come to the truth all the same."""
    a = await alice.connect()
    async with await bob.connect() as b:
        await a.send(alice.message(bob))
        [event] = await b.wait_for(1)
        if not online:
            await a.close()
            await until(lambda: tables.sockets(alice) == [])
        # A sender who is away gets an empty list of posts, which names nobody.
        barriers.once(killed, "kill", only=bob.account if online else "")
        await b.ack(delivered=[name_of(event)])
        await b.wait_for_failure()
        await empty(b, tables)
        assert shown(b.events) == [event]
    if not online:
        a = await alice.connect()
    async with a:
        found = await a.wait_for(1, "receipt")
        assert {(r["status"], r["by"], *map(tuple, r["messages"])) for r in found} == {
            ("delivered", bob.address, tuple(name_of(event)))
        }


@at("sync.connections.add", "sync.cards.devices", "sync.connections.of_account", "sync.inbox.page")
async def test_a_sync_that_dies_is_asked_again(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """The page comes, the socket is known, the next message is live."""
    async with await alice.connect() as a, await bob.open() as b:
        first = alice.message(bob)
        await a.send(first)
        await b.wait_for(1)
        if "connections.add" in killed:  # only a row that is missing is written
            tables.run("DELETE FROM heliograph.connections_by_account WHERE account_id = %s", bob.account)
        barriers.once(killed, "kill", only=bob.account)
        page = await b.insist({"action": "sync"})
        assert [event["id"] for event in page["events"]] == [first["id"]]
        assert tables.sockets(bob) == [bob.connect_number]
        second = alice.message(bob)
        await a.send(second)
        await until(lambda: ids(b) == [first["id"], second["id"]])


@at("sync.sockets.post_all.after", "sync.sockets.close", "sync.connections.remove")
async def test_rivals_are_settled_by_the_next_sync(
    bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """A death while the older socket is being closed leaves its row; the next sync closes it for good."""
    async with await bob.open() as older, await bob.open() as newer:
        barriers.once(killed, "kill")
        await newer.insist({"action": "sync"})
        async with asyncio.timeout(5):
            await older.closed.wait()
        await until(lambda: tables.sockets(bob) == [bob.connect_number])
        assert not newer.closed.is_set()


@at("authorize.connect_numbers.raise_to", "connect.connections.add", "connect.cards.devices.after")
async def test_a_handshake_that_dies_costs_a_number(
    bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """The client tries again with the next number; what the dead handshake left is cleared by the sync."""
    barriers.once(killed, "kill", only=bob.account)
    with pytest.raises(HandshakeRefused):
        await bob.open()
    async with await bob.connect():
        assert tables.sockets(bob) == [bob.connect_number]


@at("disconnect.connections.remove")
async def test_a_disconnect_that_dies_leaves_a_row_at_most(
    alice: Device, bob: Device, barriers: Barriers, tables: Tables, killed: str
) -> None:
    """The next post meets a 410 and removes it; the message waits."""
    async with await alice.connect() as a:
        b = await bob.connect()
        barriers.once(killed, "kill", only=bob.account)
        await b.close()
        await barriers.used(killed, "kill")
        message = alice.message(bob)
        await a.send(message)
        assert tables.sockets(bob) == []
        assert [row.id for row in tables.inbox(bob)] == [message["id"]]


@at("register.handles.claim", "register.connect_numbers.start", "register.cards.create")
async def test_a_registration_that_dies_is_repeated(base_url: str, barriers: Barriers, killed: str) -> None:
    """The same key claims the same handle again and gets a working account."""
    device = Device(base_url)
    barriers.once(killed, "kill")
    status, _ = await asyncio.to_thread(device.register)
    assert status >= 500
    status, answer = await asyncio.to_thread(device.register)
    assert status == 200, answer
    async with await device.connect():
        assert (await asyncio.to_thread(device.register))[1]["account"] == device.account


@at("devices.chains.keep", "devices.cards.replace", "devices.links.add")
async def test_a_link_that_dies_is_repeated(bob: Device, barriers: Barriers, killed: str) -> None:
    """The same statement again takes the same key in once; the new device finds its number and connects."""
    new, own = Device(bob.base_url, bob.handle), await asyncio.to_thread(bob.own_list)
    barriers.once(killed, "kill")
    status, _ = await asyncio.to_thread(bob.link_key, new, "second", own)
    assert status >= 500
    status, answer = await asyncio.to_thread(bob.link_key, new, "second", own)
    assert (status, len(answer["devices"])) == (200, 2), answer
    _, found = await asyncio.to_thread(new.request, "GET", f"/v1/links/{new.auth_key}", signed=False)
    new.account, new.device = found["account"], found["device"]
    async with await new.connect():
        assert new.device == 2
    chain = await asyncio.to_thread(bob.chain)
    assert live_keys(chain) == {1: bob.auth_key, 2: new.auth_key}


@at("devices.chains.keep", "devices.cards.replace", "devices.sockets.close")
async def test_a_removal_that_dies_is_repeated(bob: Device, barriers: Barriers, killed: str) -> None:
    """The device is off the list or still on it; the repeat closes what is open."""
    second = await link(bob)
    async with await second.connect() as socket:
        barriers.once(killed, "kill")
        own = await asyncio.to_thread(bob.own_list)
        status, _ = await asyncio.to_thread(bob.remove, second.device, own)
        assert status >= 500
        status, answer = await asyncio.to_thread(bob.remove, second.device, own)
        assert status == 200, answer
        async with asyncio.timeout(5):
            await socket.closed.wait()
    assert live_keys(await asyncio.to_thread(bob.chain)) == {1: bob.auth_key}


async def test_a_storage_that_hangs_refuses_in_time_and_nothing_is_lost(
    alice: Device, bob: Device, cloud: LocalCloud, barriers: Barriers
) -> None:
    """Every kind of frame and request gets UNAVAILABLE within ten seconds; repeated, it goes through once."""
    point = "send.inbox.put.before"
    async with await alice.connect() as a, await bob.connect() as b:
        await b.send(bob.message(alice))
        [event] = await a.wait_for(1)
        held, later = alice.message(bob), alice.message(bob)
        barriers.hold(point, only=bob.account)
        sending = asyncio.create_task(a.ask({"action": "send", "messages": [held]}))
        await barriers.reached(point)
        cassandra = cloud.processes["cassandra"]
        os.kill(cassandra, signal.SIGSTOP)
        try:
            start = now()
            barriers.release(point)
            await a.ack(delivered=[name_of(event)])
            of_send, of_sync, of_ack, (status, body), in_the_middle = await asyncio.gather(
                a.ask({"action": "send", "messages": [later]}),
                a.ask({"action": "sync"}),
                a.wait_for_error(),
                asyncio.to_thread(alice.request, "GET", "/v1/account"),
                sending,
            )
            assert now() - start < HANDLER_SECONDS * 1000
        finally:
            os.kill(cassandra, signal.SIGCONT)
        assert (status, body["error"]["code"]) == (503, "UNAVAILABLE")
        assert {f["error"]["code"] for f in (of_send, of_sync, of_ack)} == {"UNAVAILABLE"}
        assert in_the_middle["results"][0]["error"]["code"] == "UNAVAILABLE"

        for message in (held, later):
            answer = await a.insist({"action": "send", "messages": [message]})
            assert answer["results"][0].get("accepted"), answer
        await until(lambda: ids(b) == [held["id"], later["id"]])
        await a.insist({"action": "sync", "ack": {"delivered": [name_of(event)]}})
        await b.wait_for(1, "receipt")


async def test_a_storage_that_is_killed_keeps_what_was_accepted(
    alice: Device, bob: Device, cloud: LocalCloud, tables: Tables
) -> None:
    """Messages accepted before, during and after a restart of Cassandra all arrive, each once, in order."""
    async with await alice.connect() as a:
        sent: list[Json] = []
        restarting = asyncio.create_task(asyncio.to_thread(cloud.restart_cassandra))
        while not restarting.done() or len(sent) < 30:
            sent.append(alice.message(bob))
            answer = await a.insist({"action": "send", "messages": sent[-1:]})
            assert answer["results"][0].get("accepted"), answer
        await restarting
        async with await bob.open() as b:
            await b.insist({"action": "sync"})
            await b.drain()
            await until(lambda: ids(b) == [message["id"] for message in sent])
            await until(lambda: len(tables.inbox(bob)) == len(sent))
