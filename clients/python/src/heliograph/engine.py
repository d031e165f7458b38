"""A registered device at work: connection, outbox and inbox around one store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from heliograph import tasks
from heliograph.acks import AckQueue
from heliograph.backoff import Backoff
from heliograph.connection import Connection, ConnectionEvents, Timing
from heliograph.directory import Directory
from heliograph.encryption import Encryption
from heliograph.errors import HeliographError
from heliograph.events import ConnectionState
from heliograph.expiry import Expiry
from heliograph.http import HttpApi
from heliograph.ids import AccountId, ServerClock
from heliograph.inbox import Inbox
from heliograph.keys import Keys, Pool
from heliograph.outbox import Outbox
from heliograph.signing import Identity
from heliograph.store import account_secrets, event_log, incoming, outgoing, peers, repairs
from heliograph.store.database import Database
from heliograph.store.incoming import Ingested
from heliograph.transport import Transport
from heliograph.watch import Watch

logger = logging.getLogger("heliograph")


class Engine:
    """Wires the parts of a device together and runs them."""

    def __init__(
        self,
        *,
        database: Database,
        api: HttpApi,
        clock: ServerClock,
        transport: Transport,
        me: Identity,
        encryption: Encryption,
        ack_delay: float,
        block_new_devices: bool,
        timing: Timing,
        key_pool: Pool,
        on_state: Callable[[ConnectionState, str | None], None],
        on_logged: Callable[[], None],
    ) -> None:
        self.me = me
        self.watch = Watch()
        self.directory = Directory(database, api, me, on_logged, block_new_devices=block_new_devices)
        self._database = database
        self._on_logged = on_logged
        self.acks = AckQueue(database, ack_delay, self._flush_acks)
        self.keys = Keys(database, api, me, clock, key_pool)
        self._needs_keys = encryption.needs_keys
        self.inbox = Inbox(
            database, me, encryption, self.directory, clock, self.acks, self._stored, self._reconnect
        )
        self.expiry = Expiry(database, clock, on_logged)
        self.connection = Connection(
            api=api,
            clock=clock,
            transport=transport,
            database=database,
            me=me,
            inbox=self.inbox,
            acks=self.acks,
            timing=timing,
            asks_for_keys=encryption.needs_keys,
            events=ConnectionEvents(on_state, self._own_list, self._rolled_back, self._caught_up),
        )
        self.outbox = Outbox(
            database=database,
            me=me,
            clock=clock,
            encryption=encryption,
            directory=self.directory,
            keys=self.keys,
            connection=self.connection,
            acks=self.acks,
            backoff=lambda: Backoff(timing.backoff_base, timing.backoff_cap),
            on_changed=self.changed,
        )
        self._clock = clock
        self._asking: asyncio.Task[None] | None = None
        self._refresher: asyncio.Task[None] | None = None
        self._own_version = 0

    async def start(self, *, connect: bool) -> None:
        """Take up what an earlier run left, and connect unless told not to."""

        def load(connection: Any) -> tuple[Any, Any]:
            event_log.prune(connection)
            return outgoing.waiting(connection), incoming.pending_acks(connection)

        waiting, owed = await self._database.run(load)
        self.acks.add(owed)
        for peer, seq in waiting:
            self.outbox.add(peer, seq)
        await self.expiry.start()
        if connect:
            self.connection.start()

    async def close(self) -> None:
        """Send what acks are owed and stop."""
        self.acks.stop()
        await self.connection.stop()
        await self.outbox.close()
        await self.keys.close()
        await tasks.end([self._refresher, self._asking])
        await self.directory.close()
        await self.inbox.close()
        await self.expiry.close()
        self.watch.close()

    def changed(self, seqs: Iterable[int]) -> None:
        """Tell that messages changed and their events are in the log."""
        seqs = list(seqs)
        if seqs:
            self.watch.changed(seqs)
            self.expiry.look()
            self._on_logged()

    async def publish_keys(self) -> None:
        """Give the server keys of this device; where that fails the next connect tries again."""
        if self._needs_keys:
            with contextlib.suppress(HeliographError):
                await self.keys.publish()

    def _counted(self, counts: Mapping[str, int] | None) -> None:
        if self._needs_keys:
            self.keys.look_after(counts)

    def _caught_up(self, counts: Mapping[str, int] | None) -> None:
        self._counted(counts)
        self.ask_again()

    def ask_again(self) -> None:
        """Ask for messages that could not be read, and greet devices that wait for it, where it is time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_again())

    async def _ask_again(self) -> None:
        me, now = self.me, self._clock.now()

        def queue(connection: sqlite3.Connection) -> list[tuple[AccountId, int]]:
            return [
                (asking.account, outgoing.add(connection, me, asking.account, asking.content(me, now))[0].seq)
                for asking in repairs.due(connection, me, now)
            ]

        for peer, seq in await self._database.run(queue):
            self.outbox.add(peer, seq)

    async def share_secrets(self) -> None:
        """Tell the other devices of the account what all of them know; one that knows it ignores it."""
        me, now = self.me, self._clock.now()

        def queue(connection: sqlite3.Connection) -> int | None:
            content = account_secrets.content(connection, me.account, now)
            return None if content is None else outgoing.add(connection, me, me.account, content)[0].seq

        seq = await self._database.run(queue)
        if seq is not None:
            self.outbox.add(me.account, seq)

    def _rolled_back(self) -> None:
        if self._needs_keys:
            self.keys.look_after(check=True)
        self._on_logged()

    def _flush_acks(self) -> None:
        self.connection.flush_acks()

    def _reconnect(self) -> None:
        self.connection.reconnect()

    def _stored(self, done: Ingested) -> None:
        self.watch.changed(done.changed)
        self.expiry.look()
        self._on_logged()
        if done.keys is not None:
            self._counted(done.keys)
        for peer, seq in done.again:
            self.outbox.add(peer, seq)
        if done.asks:
            self.ask_again()
        for account, version in done.lists.items():
            if account == self.me.account:
                self._own_list(version)
            else:
                self.directory.heard(account, version)

    def _own_list(self, version: int) -> None:
        self._own_version = max(self._own_version, version)
        if self._refresher is None or self._refresher.done():
            self._refresher = asyncio.create_task(self._refresh_own_list())

    async def _refresh_own_list(self) -> None:
        """Read the own list until it is as new as the newest version that was told of meanwhile."""
        asked_for = 0
        with contextlib.suppress(HeliographError):  # the next send is refused with the difference, then
            while asked_for < self._own_version:
                asked_for = self._own_version
                known = await self._database.run(
                    lambda connection: peers.by_account(connection, self.me.account)
                )
                if known is None or known.version < asked_for:
                    await self.directory.refresh(self.me.account)
