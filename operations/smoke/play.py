"""What is played: two people, three devices, everything that a stage has to do for them."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from heliograph import Client, ConnectionChanged, Conversation, HeliographError, Message, Plain

from operations.smoke.tokens import TokenCommand, handle

SECONDS = 30.0
"""How long any one thing may take: a cold stage starts a function for each new route."""

ASK_AGAIN = 0.05
"""Seconds between two looks into a store."""

Tell = Callable[[str], None]


class SmokeFailed(Exception):
    """A step did not hold; the text says which, and how."""


@dataclass(slots=True)
class Stage:
    """The stage, who vouches for accounts (``None``: nobody, for a local cloud), and where lines go."""

    base_url: str
    tokens: TokenCommand | None = None
    tell: Tell = print
    steps: int = field(default=0, init=False)

    @asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[None]:
        """A step: its line says how long it took. Raises ``SmokeFailed`` in place of what went wrong."""
        self.steps += 1
        began = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS if self.tokens is None else 2 * SECONDS):
                yield
        except (HeliographError, TimeoutError, AssertionError) as problem:
            code = problem.code if isinstance(problem, HeliographError) else type(problem).__name__
            self.tell(f"  {self.steps:2} FAIL {what}: {problem or code}")
            raise SmokeFailed(f"{what}: {code}") from problem
        self.tell(f"  {self.steps:2} ok   {what:<62} {1000 * (time.perf_counter() - began):7.0f} ms")


async def run(stage: Stage) -> None:
    """Play everything and leave nothing running: devices linked meanwhile are removed, stores deleted.

    The two accounts stay with one device each, which nobody has the keys of any more. Raises ``SmokeFailed``
    at the first step that does not hold; what was linked until then is removed all the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            cast = [
                await stack.enter_async_context(Client(Path(folder) / name, stage.base_url, seal=Plain()))
                for name in ("phone", "laptop", "bob")
            ]
            await _play(stage, *cast)


async def _play(stage: Stage, phone: Client, laptop: Client, bob: Client) -> None:
    for role, client in (("a", phone), ("b", bob)):
        async with stage.step(f"{role} registers, leaves 122 keys, and connects"):
            await _register(stage, client, role)
    async with stage.step("what a writes is sealed to b, delivered, and read back"):
        to_bob, to_phone = await _introduced(phone, bob)
        first = await to_bob.send("hello b")
        await first.reached("delivered", SECONDS)
        got = await _shown(to_phone, "hello b")
    async with stage.step("b answers and a sees that it was read"):
        await got.mark_read()
        answer = await got.reply("hello a")
        await first.reached("read", SECONDS)
        await (await _shown(to_bob, "hello a")).mark_read()
        await answer.reached("read", SECONDS)
    async with stage.step("both see the same safety number"):
        seen = await phone.safety_number(bob.account), await bob.safety_number(phone.account)
        _expect(seen[0].digits == seen[1].digits, "the numbers differ")
    async with stage.step("b reacts, a edits, a deletes for everyone"):
        await got.react("👍")
        await _until(to_bob, lambda message: bool(message.reactions))
        await first.edit("hello again")
        await _shown(to_phone, "hello again")
        await first.delete_for_everyone()
        await _until(to_phone, lambda message: message.deleted)
    try:
        await _with_two_devices(stage, phone, laptop, bob)
    finally:
        with suppress(HeliographError):  # where the play broke off in the middle
            for device in await phone.devices():
                if not device.this:
                    await phone.remove_device(device.device)


async def _with_two_devices(stage: Stage, phone: Client, laptop: Client, bob: Client) -> None:
    to_bob, to_phone = await phone.conversation(bob.handle), await bob.conversation(phone.handle)
    async with stage.step("a links a second device"):
        check = await phone.link(await laptop.start_linking(), name="smoke")
        offer = await laptop.link_offer(SECONDS)
        _expect(offer.check == check, "the check numbers differ")
        await laptop.accept_link(offer)
        await laptop.connected(SECONDS)
    async with stage.step("b reaches both, and each shows what the other sends"):
        await to_phone.send("to both")
        on_laptop = await laptop.conversation(bob.handle)
        await _shown(on_laptop, "to both")
        await _shown(to_bob, "to both")
        sent = await on_laptop.send("from the second")
        await _shown(to_phone, "from the second")
        await _shown(to_bob, "from the second")
        await sent.reached("delivered", SECONDS)
    async with stage.step("the second device is removed and its socket closes"):
        await phone.remove_device(laptop.device)
        async for event in laptop.events():
            if isinstance(event, ConnectionChanged) and event.state == "closed":
                break
        _expect(laptop.state.reason == "DEVICE_REMOVED", f"closed by {laptop.state.reason}")
    async with stage.step("b reaches the first device alone"):
        await (await to_phone.send("to one")).reached("delivered", SECONDS)
        await _shown(to_bob, "to one")
        _expect([device.this for device in await phone.devices()] == [True], "the list still holds others")


async def _register(stage: Stage, client: Client, role: str) -> None:
    token = None
    if stage.tokens is not None:
        token = await asyncio.to_thread(stage.tokens.token, await client.sign_in_nonce())
    await client.register(handle(role, token), name="smoke", token=token)
    await client.connected(SECONDS)


async def _introduced(one: Client, other: Client) -> tuple[Conversation, Conversation]:
    """Both sides of their conversation; the receiver accepts, so that receipts come."""
    await other.accept(one.account)
    return await one.conversation(other.handle), await other.conversation(one.handle)


async def _shown(conversation: Conversation, text: str) -> Message:
    """The message of that text, once the store shows it."""
    return await _until(conversation, lambda message: message.text == text)


async def _until(conversation: Conversation, is_it: Callable[[Message], bool]) -> Message:
    while True:
        async for message in conversation.history():
            if is_it(message):
                return message
        await asyncio.sleep(ASK_AGAIN)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
