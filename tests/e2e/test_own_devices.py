"""The SDK on several devices of an account: each shows what the others send, and how far it came."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from heliograph import Client, DeviceListChanged, HeliographError, PeerReplaced, Plain, SendFailed

from tests.e2e.client import ANSWER_SECONDS
from tests.integration.oidc.issuer import Issuer
from tests.waiting import until

T = TypeVar("T")

Open = Callable[[str], Any]


@pytest.fixture
def opened(base_url: str, tmp_path: Path) -> Open:
    """Opens the profile of a name; the store stays for the next time."""

    def make(name: str) -> Client:
        return Client(tmp_path / f"{name}.db", base_url, seal=Plain(), ack_delay=0, synchronous="normal")

    return make


def handle() -> str:
    """A handle that nobody has."""
    return f"u{secrets.token_hex(6)}"


@asynccontextmanager
async def clients(*made: Client) -> AsyncIterator[tuple[Client, ...]]:
    """All of them open."""
    async with AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(client) for client in made])


async def link(old: Client, new: Client) -> None:
    """Take a new device in, as both sides do it."""
    code = await new.start_linking()
    await old.link(code, name="second")
    await new.linked(ANSWER_SECONDS)
    await new.connected(ANSWER_SECONDS)


async def event(client: Client, kind: type[T]) -> T:
    """The next event of a kind that the client has not shown before."""
    async with asyncio.timeout(ANSWER_SECONDS):
        async for found in client.events():
            if isinstance(found, kind):
                client.seen(found)  # type: ignore[arg-type]
                return found
    raise AssertionError("the events ended")


async def shows(client: Client, peer: str, *expected: tuple[str, bool, str]) -> None:
    """Wait until a conversation holds exactly these: text, whether it is outgoing, status."""
    conversation = await client.conversation(peer)
    found: list[tuple[str, bool, str]] = []
    async with asyncio.timeout(ANSWER_SECONDS):
        while found != list(expected):
            found = [(m.text, m.outgoing, m.status) async for m in conversation.history()][::-1]
            await asyncio.sleep(0.02)


async def test_what_one_device_sends_the_others_show(opened: Open) -> None:
    """Sent, delivered and read on both, whichever wrote; a device linked later shows what came later."""
    async with clients(opened("phone"), opened("laptop"), opened("bob")) as (phone, laptop, bob):
        await phone.register(handle())
        await bob.register(handle())
        await bob.accept(phone.account)
        await (await phone.conversation(bob.handle)).send("before")
        await phone.drained(ANSWER_SECONDS)
        await link(phone, laptop)

        await (await phone.conversation(bob.handle)).send("from the phone")
        await shows(laptop, bob.handle, ("from the phone", True, "delivered"))
        await (await laptop.conversation(bob.handle)).send("from the laptop")
        await shows(
            phone,
            bob.handle,
            ("before", True, "delivered"),
            ("from the phone", True, "delivered"),
            ("from the laptop", True, "delivered"),
        )
        async for message in (await bob.conversation(phone.handle)).history():
            await message.mark_read()
        await (await bob.conversation(phone.handle)).send("an answer")
        last = [("from the phone", True, "read"), ("from the laptop", True, "read")]
        await shows(laptop, bob.handle, *last, ("an answer", False, "delivered"))
        await shows(phone, bob.handle, ("before", True, "read"), *last, ("an answer", False, "delivered"))


async def test_a_device_that_was_away_learns_that_it_was_delivered(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy waits in its inbox, the receipt does not: it asks for it when it is back."""
    async with clients(opened("phone"), opened("laptop"), opened("bob")) as (phone, laptop, bob):
        await phone.register(handle())
        await bob.register(handle())
        await bob.accept(phone.account)
        await link(phone, laptop)
        await laptop.close()
        message = await (await phone.conversation(bob.handle)).send("Hi")
        await message.reached("delivered", ANSWER_SECONDS)
        monkeypatch.setattr("heliograph.store.outgoing.RECEIPT_EXPECTED_MS", 0)
        for _ in range(2):  # the first drain brings the copy, the second asks for its receipt
            async with opened("laptop") as again:
                await again.connected(ANSWER_SECONDS)
                status = "sent"
                async for copy in (await again.conversation(bob.handle)).history():
                    status = copy.status
        assert status == "delivered"


async def test_somebody_quicker_gets_neither_the_device_nor_the_account(opened: Open) -> None:
    """The owner's device is told that the code is used, and the new one refuses whom it does not know."""
    async with clients(opened("phone"), opened("laptop"), opened("mallory")) as (phone, laptop, mallory):
        await phone.register(handle())
        await mallory.register(handle())
        code = await laptop.start_linking()
        check = await mallory.link(code)
        with pytest.raises(HeliographError) as refused:
            await phone.link(code)
        assert refused.value.code == "LINK_TAKEN"
        offer = await laptop.link_offer(ANSWER_SECONDS)
        assert (offer.handle, offer.check) == (mallory.handle, check)
        await laptop.refuse_link()

        check = await phone.link(await laptop.start_linking())
        offer = await laptop.link_offer(ANSWER_SECONDS)
        assert (offer.handle, offer.check) == (phone.handle, check)
        await laptop.accept_link(offer)
        await laptop.connected(ANSWER_SECONDS)


async def test_peers_learn_of_a_new_device(opened: Open) -> None:
    """Somebody who accepted an account tells it of a new device, and its next message reaches both."""
    async with clients(opened("phone"), opened("laptop"), opened("bob")) as (phone, laptop, bob):
        await phone.register(handle())
        await bob.register(handle())
        await phone.accept(bob.account)
        conversation = await bob.conversation(phone.handle)
        await bob.connected(ANSWER_SECONDS)
        await link(phone, laptop)
        changed = await event(bob, DeviceListChanged)
        assert (changed.account, changed.version) == (phone.account, 2)
        await conversation.send("to both")
        await shows(laptop, bob.handle, ("to both", False, "delivered"))
        await shows(phone, bob.handle, ("to both", False, "delivered"))


async def test_a_safety_number_is_the_same_everywhere(opened: Open) -> None:
    """On both sides and on all devices, before and after one was added; scanned from a screen it verifies."""
    async with clients(opened("phone"), opened("laptop"), opened("bob")) as (phone, laptop, bob):
        await phone.register(handle())
        await bob.register(handle())
        before = await bob.safety_number(phone.account)
        assert await phone.safety_number(bob.account) == before
        await bob.verify(phone.account, before.qr)
        await link(phone, laptop)
        numbers = [await client.safety_number(bob.account) for client in (phone, laptop)]
        assert [*numbers, await bob.safety_number(phone.account)] == [before] * 3

        await (await bob.conversation(phone.handle)).send("to both")
        await shows(laptop, bob.handle, ("to both", False, "delivered"))
        assert (await bob.conversation(phone.handle)).verified
        assert await bob.safety_number(phone.account) == before


@pytest.mark.local_only
@pytest.mark.parametrize("told", [True, False])
async def test_a_peer_who_registers_again_is_somebody_new(opened: Open, issuer: Issuer, told: bool) -> None:
    """Told or not: what was pending fails, the handle leads to a new conversation, the old device stops."""
    async with clients(opened("old"), opened("new"), opened("bob")) as (old, new, bob):
        await register(old, issuer, name := handle())
        await bob.register(handle())
        if told:
            await old.accept(bob.account)
        before = await bob.conversation(name)
        await bob.connected(ANSWER_SECONDS)
        await old.connected(ANSWER_SECONDS)

        await register(new, issuer, name)
        if not told:
            with pytest.raises(SendFailed) as failed:
                await (await before.send("are you there?")).reached("sent", ANSWER_SECONDS)
            assert failed.value.code == "NOT_FOUND"
        replaced = await event(bob, PeerReplaced)
        assert (replaced.account, replaced.handle, replaced.by) == (before.peer, name, new.account)
        conversation = await bob.conversation(name)
        assert conversation.peer == new.account
        await conversation.send("hello again")
        await shows(new, bob.handle, ("hello again", False, "delivered"))
        await until(lambda: old.state.reason == "ACCOUNT_REPLACED")
    async with opened("old") as again:
        await until(lambda: again.state.reason == "ACCOUNT_REPLACED")


async def register(client: Client, issuer: Issuer, name: str) -> None:
    """Register a handle, signed in as the person of that name."""
    token = issuer.token(sub=name, nonce=await client.sign_in_nonce())
    await client.register(name, token=token)
