"""A block is not seen: not in an answer, and not in what the server does for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import LocalCloud
from tests.e2e.client import Device, Json, name_of, new_id
from tests.e2e.statements import StatementLog
from tests.e2e.steps import relate
from tests.e2e.tables import Tables
from tests.waiting import until

pytestmark = pytest.mark.local_only

UNMADE = (
    "INSERT INTO accounts_by_handle (handle, account_id, owner, auth_key)"
    " VALUES (%s, %s, '', %s) IF NOT EXISTS"
)


@pytest.fixture
def statements(cloud: LocalCloud) -> StatementLog:
    """What the functions ask of the store."""
    return StatementLog(cloud.places.state / "meter.jsonl")


@pytest.fixture
def carol(new_device: Callable[[], Device]) -> Device:
    """An account that blocks nobody."""
    return new_device()


def look_up(by: Device, path: str, statements: StatementLog) -> tuple[int, Json, list[str]]:
    """Status and body of a lookup, and the statements it took."""
    statements.restart()
    status, body = by.request("GET", path)
    return status, body, statements.of("account")


def test_a_lookup_tells_no_block(alice: Device, bob: Device, statements: StatementLog) -> None:
    """Blocking, blocked, both, neither: the same answer by the same statements, by handle and by id."""
    for path in (f"/v1/handles/{bob.handle}", f"/v1/accounts/{bob.account}"):
        seen = [look_up(alice, path, statements)]
        for blocker, blocked in ((bob, alice), (alice, bob)):
            blocker.request("PUT", f"/v1/account/blocks/{blocked.account}")
            seen.append(look_up(alice, path, statements))
        for blocker, blocked in ((bob, alice), (alice, bob)):
            blocker.request("DELETE", f"/v1/account/blocks/{blocked.account}")
            seen.append(look_up(alice, path, statements))
        assert seen[0][0] == 200
        assert seen == [seen[0]] * 5


def test_who_is_not_there_is_not_told_apart(
    alice: Device, bob: Device, statements: StatementLog, tables: Tables
) -> None:
    """A handle nobody ever held, one whose account is no more: the same refusal; and no lookup that fails
    takes fewer statements than one that finds somebody.
    """
    tables.run(UNMADE, f"{alice.handle}x", new_id(), bytes(32))
    unknown = look_up(alice, f"/v1/handles/{alice.handle}y", statements)
    gone = look_up(alice, f"/v1/handles/{alice.handle}x", statements)
    found = look_up(alice, f"/v1/handles/{bob.handle}", statements)

    assert unknown == gone
    assert (unknown[0], unknown[1]["error"]["code"], found[0]) == (404, "NOT_FOUND", 200)
    assert unknown[2] == found[2]
    assert len(found[2]) == 3  # the asking account's card, the handle, the card


async def test_a_send_tells_no_block(
    alice: Device, bob: Device, carol: Device, statements: StatementLog, tables: Tables
) -> None:
    """To bob, who blocks alice, as to carol, who is away: the same answer, and as many statements of each
    kind, whether receipts ride along or not. Nothing of it can be read by anybody.
    """
    async with await alice.connect() as a, await bob.connect() as b:
        for peer in (bob, carol):
            await relate(alice, "accepted", peer)
        await relate(bob, "blocks", alice)

        async def seen(peer: Device, **extra: Any) -> tuple[list[set[str]], list[str]]:
            statements.restart()
            answer = await a.ask({"action": "send", "messages": [alice.message(peer)], **extra})
            return [set(answer), set(answer["results"][0])], sorted(statements.of("send"))

        def receipts(peer: Device) -> Json:
            return {"ack": {"delivered": [[new_id(), peer.address]]}}

        bare = [await seen(peer) for peer in (bob, carol)]
        with_ack = [await seen(peer, **receipts(peer)) for peer in (bob, carol)]
        assert bare[0] == bare[1]
        assert with_ack[0] == with_ack[1]
        assert len(with_ack[0][1]) > len(bare[0][1])
        assert tables.inbox(bob) == []
        await until(lambda: nobodys_rows(tables, bob) == [])
        await b.drain()
        assert b.events == []


def nobodys_rows(tables: Tables, device: Device) -> list[Any]:
    """What stands in the inbox of an account under no device."""
    cql = "SELECT envelope FROM inbox_by_account WHERE account_id = %s AND week = %s AND device_id = 0"
    return [row for week in tables.weeks() for row in tables.run(cql, device.account, week)]


async def test_asking_after_lost_receipts_tells_no_block(
    alice: Device, bob: Device, carol: Device, statements: StatementLog
) -> None:
    """`unreceipted` is read alike for who blocks alice and for whom her message waits, and answered alike."""
    async with await alice.connect() as a:
        names = {}
        for peer in (bob, carol):
            await relate(peer, "accepted", alice)
            message = alice.message(peer)
            await a.send(message)
            names[peer.account] = [[message["id"], alice.address]]
        async with await bob.connect() as b:
            await b.ack(quiet=[name_of(event) for event in b.events])
            await b.drain()
        await relate(bob, "blocks", alice)

        async def seen(peer: Device) -> list[str]:
            statements.restart()
            a.events.clear()
            await a.drain(unreceipted={peer.account: names[peer.account]})
            assert a.events == []
            return statements.of("sync")

        assert await seen(bob) == await seen(carol)


async def test_devices_are_told_apart_by_nobody_who_is_blocked(alice: Device, bob: Device) -> None:
    """A blocked sender is told of a changed device list as before: the refusal is that of everybody."""
    await relate(bob, "blocks", alice)
    await asyncio.to_thread(bob.link)
    async with await alice.connect() as a:
        [result] = await a.send(alice.message(bob))
        assert result["error"]["code"] == "DEVICE_LIST_STALE"
        assert result["error"]["details"]["devices"][bob.account]["missing"] == [2]
