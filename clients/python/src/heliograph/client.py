"""The client: one profile, one file, one account's device."""

from __future__ import annotations

from heliograph.conversing import Conversing
from heliograph.errors import NotFound
from heliograph.events import ConnectionChanged, Event
from heliograph.ids import AccountId, Cursor, conversation_id
from heliograph.model import Conversation
from heliograph.store import event_log, messages, outgoing, pins
from heliograph.stream import EventStream
from heliograph.verifying import Verifying


class Client(Conversing, Verifying):
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
        block_new_devices: True stops sending to a verified account that has a new device, until `trust`.
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
        standing = await self._store().run(lambda connection: pins.standing(connection, peer.account))
        return self._conversation(peer.account, peer.handle, standing)

    async def conversations(self) -> list[Conversation]:
        """List the conversations in the store, the one with the newest message first."""
        rows = await self._store().run(
            lambda connection: [
                (account, handle, pins.standing(connection, account))
                for account, handle in messages.conversations(connection)
            ]
        )
        return [
            self._conversation(account, handle or account, standing) for account, handle, standing in rows
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

    def _conversation(self, account: AccountId, handle: str, standing: pins.Standing) -> Conversation:
        return Conversation(
            conversation_id(self.account, account), account, handle, standing.verified, standing.changed, self
        )
