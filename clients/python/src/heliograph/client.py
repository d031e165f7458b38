"""The client: one profile, one file, one account's device."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from heliograph.account import OwnAccount
from heliograph.content import Content
from heliograph.errors import NotFound, SendFailed, TooLarge
from heliograph.events import ConnectionChanged, Event
from heliograph.ids import AccountId, Cursor, conversation_id, new_logical_id
from heliograph.model import RANKS, Conversation, Expiry, Message, Status
from heliograph.store import event_log, incoming, messages, outgoing
from heliograph.store.messages import StoredMessage
from heliograph.stream import EventStream

HISTORY_PAGE = 50


class Client(OwnAccount):
    """A device of an account.

    Open it with `async with`: it connects in the background, stays connected, sends what is pending and
    stores what comes. Everything that it returned from or yielded survives a crash.

    Args:
        store: The profile's file; made at the first use, readable by its owner only.
        server: Base URL of the server; a registered profile remembers its own.
        fallback_server: Base URL for a profile that has none yet.
        seal: How keys and messages lie in the file: `Passphrase(text)`, `Keyring()` or `Plain()`. A new store
            wants one; an existing one remembers, and wants its passphrase.
        encryption: How messages are sealed; for tests that are about something else.
        connect: False opens the store without connecting: history, and an outbox that waits.
        ack_delay: Seconds that acknowledgements wait for others, or for a message to ride on.
        synchronous: `full` survives a power failure; `normal` only the end of the process, and is faster.
        timing: Times of the connection, for tests.
        transport: What opens sockets, for tests.
        key_pool: How many one-time keys are kept at the server.
        http_transport: What carries HTTPS, for tests.

    Raises:
        StoreLocked: On entering, when another process has the store open.
        StoreUnreadable: On entering, when the file is something else.
        SealRequired: On entering a new store, or one with a passphrase, without a `seal`.
        WrongPassphrase: On entering, when the store has another one; nothing else happens.
        WrongSeal: On entering, when the store is sealed in another way.
        KeyringUnavailable: On entering, when the OS has no keyring, or that one no key for the store.
        InsecureServer: On entering, when the server is another machine and its URL not https.
    """

    async def conversation(self, name: str) -> Conversation:
        """Find the conversation with an account by its handle (or account id).

        Who was found once is found offline too.

        Raises:
            NotFound: There is no such account.
            NetworkError: It is not known here, and the server was not reached.
        """
        engine = self._running()
        peer = await engine.directory.find(name)
        if peer.account == self.account:
            raise NotFound("an account has no conversation with itself")
        return Conversation(conversation_id(self.account, peer.account), peer.account, peer.handle, self)

    async def conversations(self) -> list[Conversation]:
        """List the conversations in the store, the one with the newest message first."""
        rows = await self._store().run(messages.conversations)
        return [
            Conversation(conversation_id(self.account, account), account, handle or account, self)
            for account, handle in rows
        ]

    def events(self, *, after: Cursor | None = None) -> EventStream:
        """Iterate over what happens: first what the application was not through with, then what comes.

        Args:
            after: Start behind this place instead, and leave the store's own cursor where it is.
        """
        seen = self._move_cursor if after is None else None
        begin = self._cursor if after is None else after
        current = ConnectionChanged(self._state.state, self._state.reason, self._state.since, begin)
        stream = EventStream(self._store(), self.account, begin, current, self._message, seen)
        self._streams.add(stream)
        return stream

    def seen(self, event: Event) -> None:
        """Say that the application is through with an event: for a loop that is left by `break`."""
        self._move_cursor(event.cursor)

    async def newest_cursor(self) -> Cursor:
        """Give the place of the newest event, for `events(after=...)`."""
        return await self._store().run(event_log.last)

    async def pending(self) -> int:
        """Count what waits in the outbox."""
        return len(await self._store().run(outgoing.waiting))

    async def send_text(self, peer: AccountId, text: str, expires: Expiry) -> Message:
        """Queue a text; what `Conversation.send` does."""
        engine, now, logical_id = self._running(), self._clock.now(), new_logical_id()
        content = Content(logical_id, text, conversation_id(self.account, peer), now)
        if len(content.encode()) > self._encryption.max_plaintext_bytes:
            raise TooLarge(
                f"a message holds at most {self._encryption.max_plaintext_bytes} bytes with its frame"
            )
        me = self.identity
        stored, first = await self._store().run(
            lambda connection: outgoing.add(connection, me, peer, logical_id, text, now, expires)
        )
        engine.outbox.add(peer, stored.seq, first=first)
        return self._message(stored)

    async def wait_status(self, message: Message, status: Status, seconds: float | None) -> Message:
        """Wait for a message; what `Message.reached` does."""
        watch = self._running().watch
        async with asyncio.timeout(seconds):
            while True:
                change = watch.expect(message.seq)
                try:
                    newest = await self._store().run(lambda connection: messages.get(connection, message.seq))
                    if newest.status == "failed":
                        raise SendFailed(f"the message was refused: {newest.error}", code=newest.error)
                    if RANKS[newest.status] >= RANKS[status]:
                        return self._message(newest)
                    await change
                finally:
                    change.cancel()

    async def mark_read(self, message: Message) -> None:
        """Mark a message; what `Message.mark_read` does."""
        if message.outgoing or message.status == "read":
            return
        me, engine = self.identity, self._running()
        ack = await self._store().run(lambda connection: incoming.mark_read(connection, me, message.seq))
        if ack is not None:
            engine.acks.add([ack])

    async def retry(self, message: Message) -> None:
        """Queue a failed message again; what `Message.retry` does."""
        engine = self._running()
        if await self._store().run(lambda connection: outgoing.retry(connection, message.seq)):
            engine.outbox.add(message.peer, message.seq)

    async def history(
        self, peer: AccountId, before: Message | None, limit: int | None
    ) -> AsyncIterator[Message]:
        """Walk back through a conversation; what `Conversation.history` does."""
        place = None if before is None else (before.position, before.sender)
        left = limit
        while left is None or left > 0:
            size = HISTORY_PAGE if left is None else min(HISTORY_PAGE, left)
            page = await self._store().run(
                lambda connection, place=place, size=size: messages.history(connection, peer, place, size)  # type: ignore[misc]
            )
            for stored in page:
                yield self._message(stored)
            if len(page) < size:
                return
            place = (page[-1].position, page[-1].sender)
            left = None if left is None else left - size

    def _message(self, stored: StoredMessage) -> Message:
        return Message(
            logical_id=stored.logical_id,
            id=stored.id,
            conversation=conversation_id(self.account, stored.peer),
            peer=stored.peer,
            sender=stored.sender,
            outgoing=bool(stored.outgoing),
            text=stored.text,
            sent_at=stored.sent_at,
            status=stored.status,
            error=stored.error,
            position=stored.position,
            seq=stored.seq,
            _actions=self,
        )
