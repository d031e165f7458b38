"""Registering a handle again: its owner gets a new account, and the one before is retired."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from urllib.error import URLError

import pytest

from tests.barriers import Barriers
from tests.e2e.client import ANSWER_SECONDS, Device, HandshakeRefused, Json, Socket, b64
from tests.e2e.steps import ids, link, of_type, relate
from tests.e2e.tables import Tables
from tests.integration.oidc.issuer import Issuer
from tests.waiting import until

pytestmark = pytest.mark.local_only

REPLACED = [{"type": "session_closed", "reason": "ACCOUNT_REPLACED"}]

Register = Callable[[Device], tuple[int, Json]]


@pytest.fixture
def register(issuer: Issuer) -> Register:
    """Registers a device, signed in as the person that its handle names."""

    def run(device: Device, **claims: str) -> tuple[int, Json]:
        nonce = b64(hashlib.sha256(device.key.public_key().public_bytes_raw()).digest())
        token = issuer.token(**{"sub": device.handle, "nonce": nonce} | claims)
        return device.register(verification={"method": "oidc", "token": token})

    return run


@pytest.fixture
def old(base_url: str, register: Register) -> Device:
    """The device of an account whose owner can prove to own it."""
    device = Device(base_url)
    status, answer = register(device)
    assert status == 200, answer
    return device


@pytest.fixture
def new(old: Device) -> Device:
    """A fresh device of the same person; it has no account yet."""
    return Device(old.base_url, old.handle)


async def again(register: Register, new: Device) -> None:
    """Register a device as often as it takes: its worker may die."""
    async with asyncio.timeout(2 * ANSWER_SECONDS):
        while True:
            try:
                status, answer = await asyncio.to_thread(register, new)
            except (URLError, ConnectionError):
                continue
            if status == 200:
                return
            assert status >= 500, answer


async def is_retired(device: Device) -> None:
    """The device gets no socket and no answer any more, and is told why."""
    with pytest.raises(HandshakeRefused) as refused:
        await device.open()
    assert refused.value.status == 403
    status, answer = await asyncio.to_thread(device.request, "GET", "/v1/devices")
    assert (status, answer["error"]["code"]) == (401, "ACCOUNT_REPLACED")


async def test_the_account_before_is_retired(
    register: Register, old: Device, new: Device, alice: Device, bob: Device
) -> None:
    """Its sockets close, a peer is told, and to the peer it is gone; the handle leads to the new account."""
    second = await link(old)
    await relate(old, "accepted", alice)
    await relate(old, "blocks", bob)
    async with await old.connect() as o, await second.connect() as s, await alice.connect() as a:
        assert await asyncio.to_thread(register, new) == (
            200, {"account": new.account, "device": 1, "handle": old.handle, "version": 1},
        )  # fmt: skip
        assert new.account != old.account
        for socket in (o, s):
            async with asyncio.timeout(5):
                await socket.closed.wait()
            assert of_type(socket, "session_closed") == REPLACED
        assert await a.wait_for(1, "device_list_changed") == [
            {"type": "device_list_changed", "account": old.account, "version": 3}
        ]
        [refused] = await a.send(alice.message(old, second))
        assert refused["error"]["code"] == "NOT_FOUND"
    for device in (old, second):
        await is_retired(device)
    status, found = await asyncio.to_thread(alice.request, "GET", f"/v1/handles/{old.handle}")
    assert (status, found["account"], len(found["devices"])) == (200, new.account, 1)
    status, _ = await asyncio.to_thread(alice.request, "GET", f"/v1/accounts/{old.account}")
    assert status == 404


async def test_the_new_account_inherits_nothing(
    register: Register, old: Device, new: Device, alice: Device, tables: Tables
) -> None:
    """No message that waited, no block, no right to receipts; and it can talk like any other."""
    await relate(old, "blocks", alice)
    async with await alice.connect() as a:
        await a.send(alice.message(old))
        await relate(old, "blocks", alice, "DELETE")
        waits = alice.message(old)
        await a.send(waits)
        await relate(old, "blocks", alice)
        await asyncio.to_thread(register, new)
        async with await new.connect() as n:
            assert n.events == []
            message = alice.message(new)
            await a.send(message)
            await n.wait_for(1)
            assert ids(n) == [message["id"]]
            await n.send(new.message(alice))
            await a.wait_for(1)
    status, own = await asyncio.to_thread(new.request, "GET", "/v1/account")
    assert (status, own["blocked"]) == (200, [])
    assert [row.id for row in tables.inbox(old)] == [waits["id"]]  # goes by TTL: nobody can read it


async def test_only_the_owner_replaces_an_account(register: Register, old: Device, new: Device) -> None:
    """Another person, or nobody's word at all: HANDLE_TAKEN, and the account stays."""
    for status, answer in (register(new, sub="somebody else"), new.register()):  # type: ignore[call-arg]
        assert (status, answer["error"]["code"]) == (409, "HANDLE_TAKEN")
    async with await old.connect() as o:
        assert of_type(o, "session_closed") == []


async def test_a_repeat_of_the_replaced_registration_takes_nothing_back(
    register: Register, old: Device, new: Device
) -> None:
    """It learns that its account is replaced; the new one repeats its own and gets the same account."""
    _, first = await asyncio.to_thread(register, new)
    status, answer = await asyncio.to_thread(register, old)
    assert (status, answer["error"]["code"]) == (401, "ACCOUNT_REPLACED")
    assert await asyncio.to_thread(register, new) == (200, first)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(
    "call",
    [
        "handles.take_over",
        "cards.replace",
        "connect_numbers.start",
        "cards.create",
        "connections.of_account",
        "sockets.post_all",
        "sockets.close",
        "connections.remove",
        "cards.friends",
        "handles.settle",
    ],
)
async def test_a_registration_that_dies_is_completed_by_its_repeat(
    register: Register, old: Device, new: Device, barriers: Barriers, tables: Tables, call: str, side: str
) -> None:
    """Wherever its worker ends: one live account in the end, the old one closed, the handle settled."""
    point = f"register.{call}.{side}"
    async with await old.connect() as o:
        barriers.once(point, "kill")
        await again(register, new)
        await barriers.used(point, "kill")
        async with asyncio.timeout(5):
            await o.closed.wait()
    await is_retired(old)
    await until(lambda: tables.sockets(old) == [])
    [row] = tables.run("SELECT account_id, replaces FROM accounts_by_handle WHERE handle = %s", new.handle)
    assert (row.account_id, row.replaces) == (new.account, None)
    async with await new.connect() as n:
        await n.drain()


async def test_another_device_completes_what_the_dead_registration_began(
    register: Register, old: Device, new: Device, barriers: Barriers, tables: Tables
) -> None:
    """The owner gives up and registers with a third device: nobody is forgotten."""
    barriers.once("register.handles.take_over.after", "kill")
    async with await old.connect() as o:
        status, _ = await asyncio.to_thread(register, new)
        assert status >= 500
        await barriers.used("register.handles.take_over.after", "kill")
        third = Device(old.base_url, old.handle)
        await again(register, third)
        async with asyncio.timeout(5):
            await o.closed.wait()
    await is_retired(old)
    status, answer = await asyncio.to_thread(register, new)
    assert (status, answer["error"]["code"]) == (401, "ACCOUNT_REPLACED")
    [row] = tables.run("SELECT account_id FROM accounts_by_handle WHERE handle = %s", new.handle)
    assert row.account_id == third.account


async def test_of_two_registrations_at_once_one_wins(
    register: Register, old: Device, new: Device, barriers: Barriers
) -> None:
    """Both saw the old account: the later one is told that the handle is taken, and may try again."""
    other, point = Device(old.base_url, old.handle), "register.handles.take_over.before"
    barriers.hold(point)
    late = asyncio.create_task(asyncio.to_thread(register, new))
    await barriers.reached(point)
    status, _ = await asyncio.to_thread(register, other)
    assert status == 200
    barriers.release(point)
    status, answer = await late
    assert (status, answer["error"]["code"]) == (409, "HANDLE_TAKEN")
    async with await other.connect() as o:
        assert of_type(o, "session_closed") == []
        status, _ = await asyncio.to_thread(register, new)
        assert status == 200
        async with asyncio.timeout(5):
            await o.closed.wait()


@pytest.mark.parametrize("point", ["connect.connections.add.before", "connect.connections.add.after"])
async def test_a_device_that_connects_while_it_is_retired_is_refused(
    register: Register, old: Device, new: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """The connection is written before the list is read again: no socket, and no row stays."""
    barriers.hold(point, only=old.account)
    opening = asyncio.create_task(old.open())
    await barriers.reached(point)
    await asyncio.to_thread(register, new)
    barriers.release(point)
    with pytest.raises(HandshakeRefused) as refused:
        await opening
    assert refused.value.status == 403
    assert tables.sockets(old) == []
    await is_retired(old)


async def test_a_socket_that_opens_after_its_account_is_retired_can_do_nothing(
    register: Register, old: Device, new: Device, alice: Device, barriers: Barriers, tables: Tables
) -> None:
    """Where ``connect`` had read the list before: every frame is refused, ``sync`` closes it."""
    async with await alice.connect() as a:
        waits = alice.message(old)
        await a.send(waits)
    point = "connect.cards.devices.after"
    barriers.hold(point, only=old.account)
    opening = asyncio.create_task(old.open())
    await barriers.reached(point)
    await asyncio.to_thread(register, new)
    barriers.release(point)
    async with await opening as socket:
        await socket.ack(delivered=[[waits["id"], alice.address]])
        assert (await socket.wait_for_error())["error"]["code"] == "ACCOUNT_REPLACED"
        answer = await socket.ask({"action": "send", "messages": [old.message(alice)]})
        assert answer["error"]["code"] == "ACCOUNT_REPLACED"
        assert [row.id for row in tables.inbox(old)] == [waits["id"]]
        await is_closed_by_sync(socket)
    await until(lambda: tables.sockets(old) == [])


@pytest.mark.parametrize("point", ["sync.connections.of_account.after", "sync.connections.of_account.before"])
async def test_a_device_that_syncs_while_it_is_retired_is_closed(
    register: Register, old: Device, new: Device, barriers: Barriers, tables: Tables, point: str
) -> None:
    """It reads the list after it wrote its connection: no page, told why, and no row stays."""
    async with await old.open() as socket:
        barriers.hold(point, only=old.account)
        await socket.send_frame({"action": "sync"})
        await barriers.reached(point)
        await asyncio.to_thread(register, new)
        barriers.release(point)
        async with asyncio.timeout(5):
            await socket.closed.wait()
        assert of_type(socket, "session_closed")[:1] == REPLACED
        assert not any("caught_up" in frame for frame in socket.frames)
    await until(lambda: tables.sockets(old) == [])


async def test_a_device_is_not_linked_into_an_account_that_is_being_retired(
    register: Register, old: Device, new: Device, barriers: Barriers
) -> None:
    """The statement was for the list before: it is refused, and the account stays empty."""
    point = "devices.cards.replace.before"
    barriers.hold(point, only=old.account)
    third = Device(old.base_url, old.handle)
    linking = asyncio.create_task(asyncio.to_thread(old.link_key, third))
    await barriers.reached(point)
    await asyncio.to_thread(register, new)
    barriers.release(point)
    status, answer = await linking
    assert (status, answer["error"]["code"]) == (409, "DEVICE_LIST_CHANGED")
    await is_retired(old)


async def is_closed_by_sync(socket: Socket) -> None:
    """A ``sync`` of a retired device gets no page; the socket is told and closed."""
    await socket.send_frame({"action": "sync"})
    async with asyncio.timeout(5):
        await socket.closed.wait()
    assert of_type(socket, "session_closed")[:1] == REPLACED
    assert not any("caught_up" in frame for frame in socket.frames)
