"""A scripted conversation: every step is played against a running Heliograph, checked, and timed.

    python examples/demo.py --base-url URL

It makes accounts of its own, so it can run again and again. Exit code 0 if every step held, 1 at the first
that did not.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from heliograph import Client, HeliographError, Message, MessageReceived, Plain

SECONDS = 20
"""How long any one thing may take."""

QUIET_SECONDS = 1.0
"""How long nothing must come before a step believes that nothing comes."""


class Failed(Exception):
    """A step did not hold; the text says how."""


class Demo:
    """The cast, and a step at a time."""

    def __init__(self, base_url: str, folder: Path, stack: AsyncExitStack) -> None:
        self.base_url = base_url
        self.folder = folder
        self.stack = stack
        self.suffix = secrets.token_hex(3)
        self.steps = 0

    async def step(self, what: str, play: Callable[[], Awaitable[str]]) -> None:
        """Play a step; ``play`` returns what was seen, or raises."""
        self.steps += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS):
                seen = await play()
        except (Failed, HeliographError, TimeoutError) as problem:
            print(f"  {self.steps:2} FAIL {what}: {problem or type(problem).__name__}", flush=True)
            raise Failed(what) from problem
        spent = (time.perf_counter() - started) * 1000
        print(f"  {self.steps:2} ok   {what:<58} {spent:6.0f} ms  {seen}", flush=True)

    def client(self, name: str) -> Client:
        """A profile in a file of its own, not opened yet."""
        return Client(self.folder / f"{name}.db", self.base_url, seal=Plain())

    async def join(self, name: str) -> Client:
        """A registered, connected client."""
        client = await self.stack.enter_async_context(self.client(name))
        if not client.registered:
            await client.register(f"{name}_{self.suffix}", name=f"{name}'s device")
        await client.connected(SECONDS)
        return client


async def receive(client: Client, count: int) -> list[Message]:
    """The next messages that reach a client."""
    got: list[Message] = []
    async for event in client.events():
        if isinstance(event, MessageReceived):
            got.append(event.message)
            if len(got) == count:
                client.seen(event)
                break
    return got


async def nothing_comes(client: Client) -> None:
    """Raise Failed if a message comes."""
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            [message] = await receive(client, 1)
    except TimeoutError:
        return
    raise Failed(f"{message.text!r} came")


def expect(what: object, wanted: object) -> None:
    """Raise Failed if the two differ."""
    if what != wanted:
        raise Failed(f"{what!r}, not {wanted!r}")


async def play(demo: Demo) -> None:
    """The conversation."""
    cast: dict[str, Client] = {}

    async def register() -> str:
        for name in ("alice", "bob"):
            cast[name] = await demo.join(name)
        return " and ".join(client.handle for client in cast.values())

    await demo.step("alice and bob register and connect", register)
    alice, bob = cast["alice"], cast["bob"]
    to_bob, to_alice = await alice.conversation(bob.handle), await bob.conversation(alice.handle)

    async def first() -> str:
        sent = await to_bob.send("Hi Bob, is this thing on?")
        [message] = await receive(bob, 1)
        expect((message.text, message.sender), (sent.text, f"{alice.account}:{alice.device}"))
        await sent.reached("sent")
        return f"bob reads {message.text!r}"

    await demo.step("alice writes, bob receives", first)

    async def answer() -> str:
        sent = await to_alice.send("It is.")
        [message] = await receive(alice, 1)
        await message.mark_read()
        await sent.reached("read")
        return "sent, delivered, read"

    await demo.step("bob answers, alice reads, bob learns it", answer)

    async def converges() -> str:
        history = [message async for message in to_bob.history()]
        first_one = history[-1]
        await first_one.reached("delivered")
        return "bob wrote back, so alice may know"

    await demo.step("alice's first message is delivered", converges)

    async def burst() -> str:
        texts = [f"message {number}" for number in range(1, 21)]
        for text in texts:
            await to_bob.send(text)
        got = await receive(bob, len(texts))
        expect([message.text for message in got], texts)
        return "20 messages, in order, each once"

    await demo.step("alice writes a burst", burst)

    async def away() -> str:
        await bob.close()
        sent = [await to_bob.send(f"while you were out {number}") for number in range(1, 6)]
        await sent[-1].reached("sent")
        cast["bob"] = await demo.join("bob")
        got = await receive(cast["bob"], len(sent))
        expect([message.text for message in got], [message.text for message in sent])
        await sent[-1].reached("delivered")
        return "5 messages waited, then came in order"

    await demo.step("bob is away, alice writes, bob comes back", away)
    bob = cast["bob"]

    async def link() -> str:
        laptop = await demo.stack.enter_async_context(demo.client("laptop"))
        code = await laptop.start_linking()
        await bob.link(code, name="laptop")
        await laptop.linked(SECONDS)
        await laptop.connected(SECONDS)
        cast["laptop"] = laptop
        return f"device {laptop.device} of {laptop.handle}"

    await demo.step("bob links a laptop by a code", link)

    async def both() -> str:
        await to_bob.send("to all your devices")
        got = await asyncio.gather(receive(bob, 1), receive(cast["laptop"], 1))
        expect([message.text for [message] in got], ["to all your devices"] * 2)
        return "phone and laptop have it"

    await demo.step("alice writes, both devices of bob receive", both)

    async def unlink() -> str:
        await bob.remove_device(cast["laptop"].device)
        while cast["laptop"].state.state != "closed":
            await asyncio.sleep(0.02)
        return f"closed: {cast['laptop'].state.reason}"

    await demo.step("bob removes the laptop, it is out", unlink)

    async def block() -> str:
        mallory = await demo.join("mallory")
        await bob.block(mallory.account)
        sent = await (await mallory.conversation(bob.handle)).send("buy now")
        await sent.reached("sent")
        await nothing_comes(bob)
        return "mallory sees 'sent', bob sees nothing"

    await demo.step("bob blocks mallory, mallory writes", block)


async def run(base_url: str) -> int:
    """Play it; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            demo = Demo(base_url, Path(folder), stack)
            started = time.perf_counter()
            try:
                await play(demo)
            except Failed:
                return 1
            print(f"demo: {demo.steps} steps held in {time.perf_counter() - started:.1f} s")
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Play and check a conversation.")
    parser.add_argument("--base-url", required=True, help="what `make status` prints as BASE_URL")
    return asyncio.run(run(parser.parse_args().base_url))


if __name__ == "__main__":
    sys.exit(main())
