"""Two people write to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bench.counting import Counts
from bench.flows.result import Budget, Result
from bench.flows.stage import BY_HAND, TEXT, Person, Stage, people

WARM_UP = 4
"""Messages before counting begins: accounts look each other up and accept each other once, and sessions are
begun and answered."""

NAIVE = 11.8
"""Dollars of 7 frames, 3 invocations of 40 ms at 512 MB, 5 WRU, 5 RRU and 3 queue requests: a frame and an
invocation for each of message, `sent`, `delivered` and `read`, a status row each, a queue in between."""


async def measure(stage: Stage, messages: int = 200) -> list[Result]:
    """All four ways to have a conversation; ``messages`` each."""
    async with people(stage, 1, 1, ack_delay=BY_HAND) as ([alice], [bob]):
        await _ping_pong(alice, bob, WARM_UP)
        ping_pong = Result(
            flow="one_to_one",
            name="ping-pong",
            unit="message",
            number=messages,
            counts=await _count(stage, _ping_pong, alice, bob, messages),
            budget=Budget(5.5, frames=3.2, invokes=1.1, wru=2.2, rru=3.2),
            naive=NAIVE,
            note="each message is read and answered: its ack and `read` ride on the answer",
        )
        rounds = messages // 5 // 2
        batches = Result(
            flow="one_to_one",
            name="receipts in batches of 5",
            unit="message",
            number=5 * rounds,
            counts=await _count(stage, _batches, alice, bob, rounds),
            budget=Budget(6.2, frames=3.8, invokes=1.4, wru=2.2, rru=3.5),
            naive=NAIVE,
            note="five messages one after the other, delivered together, read together",
        )
        single = messages // 2
        at_once = Result(
            flow="one_to_one",
            name="read at once",
            unit="message",
            number=single,
            counts=await _count(stage, _read_at_once, alice, bob, single),
            budget=Budget(7.7, frames=5, invokes=2, wru=2.2, rru=4),
            naive=NAIVE,
            note="nobody answers: each message gets an ack frame of its own",
        )
    async with people(stage, 2, 2, ack_delay=BY_HAND) as ([alice, *others], [bob, *more]):

        async def play(alice: Person, bob: Person, number: int) -> None:
            for _ in range(number // 5):
                await _ping_pong(alice, bob, 5)
                for person in (*others, *more):
                    person.acknowledge()

        await play(alice, bob, 5)
        for writer, reader in (
            (*others, bob),
            (*more, alice),
        ):  # a device that never wrote gets first messages
            await (await writer.client.conversation(reader.client.handle)).send(TEXT)
            await reader.next()
        await play(alice, bob, 5)
        two_devices = Result(
            flow="one_to_one",
            name="two devices a side",
            unit="message",
            number=messages // 2,
            counts=await _count(stage, play, alice, bob, messages // 2),
            budget=Budget(12.2, frames=7.2, invokes=1.8, wru=6, rru=3.8),
            naive=2 * NAIVE,
            note="ping-pong; the other two devices show it all, and acknowledge five messages at a time",
        )
    return [ping_pong, batches, at_once, two_devices]


Play = Callable[[Person, Person, int], Awaitable[None]]


async def _count(stage: Stage, play: Play, alice: Person, bob: Person, number: int) -> Counts:
    start = await stage.settled()
    await play(alice, bob, number)
    return await stage.counted(start)


async def _ping_pong(alice: Person, bob: Person, messages: int) -> None:
    """Each answers what it got; the last message is only read."""
    sender, receiver = alice, bob
    message = await (await alice.client.conversation(bob.client.handle)).send(TEXT)
    for left in range(messages - 1, -1, -1):
        got = await receiver.next()
        await got.mark_read()
        if left:
            message = await got.reply(TEXT)
            sender, receiver = receiver, sender
    receiver.acknowledge()
    await message.reached("read", 30)


async def _batches(alice: Person, bob: Person, rounds: int) -> None:
    """Five are sent, each when the one before was accepted; all are delivered; then the reader looks."""
    to_bob = await alice.client.conversation(bob.client.handle)
    for _ in range(rounds):
        sent = []
        for _ in range(5):
            sent.append(await to_bob.send(TEXT))
            await sent[-1].reached("sent", 30)
        got = [await bob.next() for _ in sent]
        bob.acknowledge()
        for message in sent:
            await message.reached("delivered", 30)
        for message in got:
            await message.mark_read()
        bob.acknowledge()
        for message in sent:
            await message.reached("read", 30)


async def _read_at_once(alice: Person, bob: Person, messages: int) -> None:
    """The chat is open on the other side; the next message leaves when `read` came."""
    to_bob = await alice.client.conversation(bob.client.handle)
    for _ in range(messages):
        message = await to_bob.send(TEXT)
        await (await bob.next()).mark_read()
        bob.acknowledge()
        await message.reached("read", 30)
