"""The links of a local cloud, and the restarts and freezes of what stands behind them."""

from __future__ import annotations

import asyncio

import pytest

from local.cloud import LocalCloud
from tests.e2e.client import Device
from tests.e2e.steps import ids
from tests.e2e.tables import Tables
from tests.faults.proxies import Links, PostFault
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.local_only]


async def test_functions_take_the_links(alice: Device, bob: Device, links: Links) -> None:
    """Statements and signed posts go by way of the proxies, and verify there as without them."""
    before = links.connections.posts
    async with await alice.connect() as a, await bob.connect() as b:
        message = alice.message(bob)
        await a.send(message)
        await until(lambda: ids(b) == [message["id"]])
    assert links.connections.posts > before
    assert links.database.links > 0


@pytest.mark.parametrize("loss", ["reset", "swallow"])
async def test_a_lost_database_link_is_mended_within_the_request(
    alice: Device, bob: Device, links: Links, loss: str
) -> None:
    """With notice or without, the frame that meets the dead link is answered well."""
    async with await alice.connect() as socket:
        await socket.send(alice.message(bob))
        assert getattr(links.database, loss)() > 0
        answer = await socket.insist({"action": "send", "messages": [alice.message(bob)]})
        assert answer["results"][0].get("accepted"), answer


async def test_a_post_that_fails_leaves_the_message_in_the_inbox(
    alice: Device, bob: Device, links: Links, tables: Tables
) -> None:
    """Two refused attempts: nothing comes live, the row stays, the next sync brings it."""
    async with await alice.connect() as a, await bob.connect() as b:
        links.connections.set(PostFault.THROTTLED, posts=2)
        message = alice.message(bob)
        await a.send(message)
        assert links.connections.hit[PostFault.THROTTLED] >= 2
        assert ids(b) == []
        assert len(tables.inbox(bob)) == 1
        page = await b.insist({"action": "sync"})
        assert [event["id"] for event in page["events"]] == [message["id"]]


async def test_a_restarted_local_aws_serves_the_same_stacks(
    alice: Device, bob: Device, cloud: LocalCloud
) -> None:
    """Sockets drop and workers end; the same addresses serve the same accounts, and nothing is lost."""
    before = cloud.processes
    async with await alice.connect() as a, await bob.connect() as b:
        message = alice.message(bob)
        await a.send(message)
        await asyncio.to_thread(cloud.restart_aws)
        await asyncio.wait_for(asyncio.gather(a.closed.wait(), b.closed.wait()), 5)
    after = cloud.processes
    assert after["aws"] != before["aws"]
    assert (after["supervisor"], after["cassandra"]) == (before["supervisor"], before["cassandra"])
    async with await bob.connect() as b:
        assert ids(b) == [message["id"]]


async def test_a_frozen_cassandra_answers_late(alice: Device, bob: Device, cloud: LocalCloud) -> None:
    """Meanwhile frames are refused as unavailable; thawed, it takes them."""
    async with await alice.connect() as socket:
        await socket.send(alice.message(bob))
        message = alice.message(bob)
        with cloud.frozen_cassandra():
            answer = await socket.ask({"action": "send", "messages": [message]})
            assert "UNAVAILABLE" in str(answer)
        answer = await socket.insist({"action": "send", "messages": [message]})
        assert answer["results"][0].get("accepted"), answer
