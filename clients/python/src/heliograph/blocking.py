"""The client without `await`, for scripts: an event loop in a thread.

from heliograph import Keyring
from heliograph.blocking import Client

with Client("alice.db", server=BASE_URL, seal=Keyring()) as me:
    me.send("bob", "Hi Bob")
    for message in me.receive(timeout=10):
        print(message.text)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from heliograph.client import Client as AsyncClient
from heliograph.events import MessageReceived
from heliograph.ids import AccountId
from heliograph.model import CodeSent, Message, Status
from heliograph.safety_number import SafetyNumber

T = TypeVar("T")


class Client:
    """A thin wrapper; what the arguments mean and what is raised says `heliograph.Client`."""

    def __init__(self, store: str | Path, server: str | None = None, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="heliograph", daemon=True)
        self._arguments = (store, server, options)

    def __enter__(self) -> Self:
        self._thread.start()
        store, server, options = self._arguments
        try:
            self._client = self._run(_made(store, server, options))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._client.close())
        finally:
            self._end()

    @property
    def registered(self) -> bool:
        """The profile has an account."""
        return self._client.registered

    def request_code(self, number: str) -> CodeSent:
        """Have a code sent to a phone number, with which this device may register it."""
        return self._run(self._client.request_code(number))

    def register(self, handle: str, *, token: str | None = None, code: str | None = None) -> None:
        """Make an account; does nothing when the profile is that one already."""
        self._run(self._client.register(handle, token=token, code=code))

    def send(self, to: str, text: str, *, wait: Status = "sent", timeout: float = 30) -> Message:
        """Send a text and wait until it got that far; `pending` does not wait.

        Raises:
            TimeoutError: Not within `timeout` seconds; it stays in the outbox and leaves later.
            SendFailed: It was refused for good.
        """
        return self._run(self._send(to, text, wait, timeout))

    def history(self, peer: str, *, limit: int = 50) -> list[Message]:
        """Give the newest messages with an account, oldest first."""
        return self._run(self._history(peer, limit))

    def receive(self, *, timeout: float | None = None) -> Iterator[Message]:
        """Give messages that were not given before, then wait for more; ends after `timeout` quiet seconds.

        A message counts as given when the next one is asked for.
        """
        stream = self._run(self._events())
        while True:
            try:
                event = self._run(asyncio.wait_for(stream.__anext__(), timeout))
            except (TimeoutError, StopAsyncIteration):
                return
            if isinstance(event, MessageReceived):
                yield event.message

    def mark_read(self, message: Message) -> None:
        """Say that a message was shown."""
        self._run(message.mark_read())

    def reply(self, message: Message, text: str) -> Message:
        """Queue an answer that quotes a message."""
        return self._run(message.reply(text))

    def edit(self, message: Message, text: str) -> Message:
        """Queue another text for an own message."""
        return self._run(message.edit(text))

    def react(self, message: Message, emoji: str) -> Message:
        """Queue a reaction; an empty one takes it back."""
        return self._run(message.react(emoji))

    def delete_for_everyone(self, message: Message) -> Message:
        """Delete an own message here, and queue that for the others."""
        return self._run(message.delete_for_everyone())

    def safety_number(self, peer: str) -> SafetyNumber:
        """Give the number that the owners of both accounts compare."""
        return self._run(self._with(peer, self._client.safety_number))

    def verify(self, peer: str, scanned: str | None = None) -> None:
        """Mark an account as verified: the numbers were compared, or `scanned` is the other's QR code."""
        self._run(self._with(peer, lambda account: self._client.verify(account, scanned)))

    def unverify(self, peer: str) -> None:
        """End the mark that `verify` made."""
        self._run(self._with(peer, self._client.unverify))

    def trust(self, peer: str | None = None) -> None:
        """Accept the identity of an account, or the own one, as the server showed it last."""
        if peer is None:
            self._run(self._client.trust(self._client.account))
        else:
            self._run(self._with(peer, self._client.trust))

    async def _with(self, peer: str, work: Callable[[AccountId], Awaitable[T]]) -> T:
        return await work((await self._client.conversation(peer)).peer)

    async def _send(self, to: str, text: str, wait: Status, timeout: float) -> Message:  # noqa: ASYNC109
        message = await (await self._client.conversation(to)).send(text)
        return message if wait == "pending" else await message.reached(wait, timeout)

    async def _history(self, peer: str, limit: int) -> list[Message]:
        conversation = await self._client.conversation(peer)
        return [message async for message in conversation.history(limit=limit)][::-1]

    async def _events(self) -> Any:
        return self._client.events()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _made(store: str | Path, server: str | None, options: dict[str, Any]) -> AsyncClient:
    return await AsyncClient(store, server, **options).__aenter__()
