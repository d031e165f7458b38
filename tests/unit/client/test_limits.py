"""RATE_LIMITED: the client waits as told, asks once for all its lanes, loses nothing and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from heliograph import RateLimited
from heliograph.errors import HeliographError
from heliograph.ids import Address, mint
from heliograph.pacing import AT_ONCE, Pace

from tests.unit.client.fake_server import error
from tests.unit.client.world import World, run, seal, statuses, texts, until

Refusal = dict[str, Any] | None


class Bucket:
    """Refuses frames of one action beyond a rate, as the server does (without one: each second), and notes
    when it did.
    """

    def __init__(self, action: str, burst: int, refill: float, least_wait: float = 0.0) -> None:
        self._action, self._burst, self._refill, self._least = action, burst, refill, least_wait
        self._full_at = 0.0
        self.refusals: list[tuple[float, float]] = []
        self.asked: list[float] = []

    def __call__(self, frame: dict[str, Any]) -> Refusal:
        if frame["action"] != self._action:
            return None
        now, tokens = time.monotonic(), len(frame.get("messages", [0]))
        self.asked.append(now)
        if self._refill == 0:  # by turns: a busy machine is too slow for any rate
            return self._refuse(now, self._least) if len(self.asked) % 2 else None
        begins = max(now, self._full_at)
        wait = begins + min(tokens, self._burst) * self._refill - now - self._burst * self._refill
        if wait > 1e-6:
            return self._refuse(now, max(wait, self._least))
        self._full_at = begins + tokens * self._refill
        return None

    def _refuse(self, now: float, wait: float) -> Refusal:
        self.refusals.append((now, wait))
        return error("RATE_LIMITED", retry_after=wait)

    def asked_too_early(self) -> int:
        """How many frames came before the time that a refusal told."""
        return sum(at < asked < at + wait - 0.001 for at, wait in self.refusals for asked in self.asked)


def once(refusal: dict[str, Any], about: Callable[[Any], bool]) -> Callable[[Any], Refusal]:
    """Refuse the first thing that ``about`` is true of."""
    left = [refusal]
    return lambda asked: left.pop() if left and about(asked) else None


def test_a_limited_conversation_arrives_whole_and_in_order(world: World) -> None:
    """Two hundred texts of which each frame is refused once: none is lost, doubled, reordered or failed."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            bucket = world.server.refuse_frame = Bucket("send", 1, 0, least_wait=0.05)
            conversation = await alice.conversation("bob")
            for number in range(200):
                last = await conversation.send(str(number))
            await last.reached("delivered", 8)
            assert bucket.refusals
            assert bucket.asked_too_early() == 0
            assert await texts(bob, "alice") == [str(number) for number in range(200)]
            assert set(await statuses(alice, "bob")) <= {"delivered", "sent"}

    run(story())


def test_lanes_that_are_limited_together_ask_one_after_the_other(world: World) -> None:
    """Thirty conversations with one message each: a refusal holds them all, and they do not come at once."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            others = [world.stranger(f"s{number}").partition(":")[0] for number in range(30)]
            conversations = [await alice.conversation(account) for account in others]
            bucket = world.server.refuse_frame = Bucket("send", 10, 0.01, least_wait=0.1)
            for conversation in conversations:
                await conversation.send("hi")
            await alice.drained(8)
            first = [at for at, _ in bucket.refusals if at < bucket.refusals[0][0] + 0.05]
            assert len(first) <= AT_ONCE
            assert len(bucket.refusals) - len(first) <= 6
            delivered = [rows for address, rows in world.server.inbox.items() if address.endswith(":1")]
            assert sum(map(len, delivered)) == 30

    run(story())


def test_refused_acks_wait_and_new_ones_wait_with_them(world: World) -> None:
    """Every message that comes meanwhile would else send a frame of acks; after the wait all are sent."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            sender, address = Address(f"{alice.account}:1"), f"{bob.account}:1"
            bucket = world.server.refuse_frame = Bucket("ack", 1, 0.2)
            for number in range(20):
                text = seal(sender, bob.account, str(number))
                world.server.deliver(address, sender, mint(world.server.now() + number), bob.account, text)
                await asyncio.sleep(0.01)
            await until(lambda: not world.server.inbox[address])
            assert bucket.refusals
            assert bucket.asked_too_early() <= 1  # a frame that was on its way when the refusal came

    run(story())


def test_a_limited_page_is_asked_for_again_and_no_other(world: World) -> None:
    """The drain goes on where it was, on the same socket."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await bob.close()
            sender, address = Address(f"{alice.account}:1"), f"{bob.account}:1"
            for number in range(45):
                text = seal(sender, bob.account, str(number))
                world.server.deliver(address, sender, mint(world.server.now() + number), bob.account, text)
            world.server.frames.clear()
            connects = len(world.server.tried)
            refusal = error("RATE_LIMITED", retry_after=0.05)
            world.server.refuse_frame = once(refusal, lambda frame: "token" in frame)
            async with world.client("bob") as again:
                await again.connected(5)
                tokens = [frame.get("token") for frame in world.server.sent("sync")]
                assert tokens[:2] == [None, tokens[2]]
                assert len(world.server.tried) == connects + 1
                assert len(await texts(again, "alice")) == 45

    run(story())


def test_https_waits_as_told(world: World) -> None:
    """A short wait is waited for by the request itself, and the answer is the true one."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            refusal = error("RATE_LIMITED", retry_after=0.1)
            world.server.refuse_request = once(refusal, lambda request: "devices" in request)
            begun = time.monotonic()
            assert len(await alice.devices()) == 1
            assert time.monotonic() - begun >= 0.1

    run(story())


def test_a_long_wait_is_the_callers(world: World) -> None:
    """A request does not sit there for minutes: it raises RateLimited, which says how long, and asks once."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            world.server.refuse_request = lambda request: error("RATE_LIMITED", retry_after=120)
            asked = len(world.server.requests)
            with pytest.raises(RateLimited) as limited:
                await alice.devices()
            assert (limited.value.retry_after, limited.value.retryable) == (120, True)
            assert len(world.server.requests) == asked + 1

    run(story())


def test_a_device_that_connects_too_often_learns_it_and_waits(world: World) -> None:
    """403 says nothing: the device list does. No handshake before the time."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            await alice.close()
            world.server.handshake_status, world.server.connect_after = 403, 0.3
            tried = len(world.server.tried)
            async with world.client("alice") as again:
                await until(lambda: again.state.reason == "RATE_LIMITED")
                begun = time.monotonic()
                assert len(world.server.tried) == tried + 1
                world.server.handshake_status = world.server.connect_after = None
                await again.connected(5)
                assert time.monotonic() - begun >= 0.25

    run(story())


def test_a_socket_closed_for_hammering_comes_back_after_a_while(world: World) -> None:
    """session_closed with RATE_LIMITED is not for good; what waits in the outbox leaves afterwards."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            tried = len(world.server.tried)
            closed = {"type": "session_closed", "reason": "RATE_LIMITED", "retry_after": 0.2}
            world.server.post(f"{alice.account}:1", closed)
            await until(lambda: alice.state.state == "offline")
            begun = time.monotonic()
            assert alice.state.reason == "RATE_LIMITED"
            message = await (await alice.conversation("bob")).send("still here")
            await message.reached("delivered", 5)
            assert time.monotonic() - begun >= 0.19
            assert len(world.server.tried) == tried + 1
            assert await texts(bob, "alice") == ["still here"]

    run(story())


def test_turns_are_parallel_until_one_is_limited() -> None:
    """Then each waits for the one before; an error of another kind changes nothing."""

    async def story() -> None:
        pace, running, most = Pace(), 0, 0

        async def take(problem: HeliographError | None = None) -> None:
            nonlocal running, most
            async with pace.turn():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.01)
                running -= 1
                if problem is not None:
                    raise problem

        other = HeliographError("x", code="UNAVAILABLE")
        await asyncio.gather(*(take(other) for _ in range(20)), return_exceptions=True)
        await asyncio.gather(*(take() for _ in range(20)))
        assert most == AT_ONCE
        with pytest.raises(RateLimited):
            await take(RateLimited("x", retry_after=0.05))
        begun, most = time.monotonic(), 0
        await asyncio.gather(*(take() for _ in range(5)))
        assert most == 1
        assert time.monotonic() - begun >= 0.1

    run(story())
