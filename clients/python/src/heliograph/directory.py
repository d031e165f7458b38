"""Accounts and their device lists: from the store first, from the server where that must be."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import sys
from collections.abc import Callable

from heliograph import linking
from heliograph.errors import HeliographError, NotFound
from heliograph.http import HttpApi, devices_of
from heliograph.ids import AccountId
from heliograph.signing import Identity
from heliograph.store import event_log, peers
from heliograph.store.database import Database
from heliograph.store.peers import Peer

ANY_VERSION = sys.maxsize

ACCOUNT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Directory:
    """What is known of accounts; memory over store over server."""

    def __init__(self, database: Database, api: HttpApi, me: Identity, on_logged: Callable[[], None]) -> None:
        self._database = database
        self._api = api
        self._me = me
        self._on_logged = on_logged
        self._known: dict[AccountId, Peer] = {}
        self._refreshing: dict[AccountId, asyncio.Task[Peer]] = {}
        self._checks: set[asyncio.Task[None]] = set()

    async def find(self, name: str) -> Peer:
        """Find an account by handle or account id; by its id a retired one too, for its history.

        Raises:
            NotFound: There is none.
            NetworkError: It is not known here, and the server cannot be asked.
        """
        if ACCOUNT.fullmatch(name):
            return await self._stored(AccountId(name)) or await self.refresh(AccountId(name))
        known = await self._database.run(lambda connection: peers.by_handle(connection, name))
        if known is not None:
            return known
        try:
            return await self._keep(await self._api.by_handle(self._me, name))
        except NotFound as problem:
            raise NotFound(f"there is no account with the handle {name}") from problem

    async def get(self, account: AccountId) -> Peer:
        """Give an account as it is known, or ask for it.

        Raises:
            NotFound: There is none, or it is retired.
        """
        known = self._known.get(account) or await self._stored(account)
        if known is None or not known.devices:
            return await self.refresh(account)
        self._known[account] = known
        return known

    async def handle_of(self, account: AccountId) -> str:
        """Give the handle of an account, or the one that it had."""
        known = await self._stored(account) or await self.refresh(account)
        return known.handle

    async def refresh(self, account: AccountId) -> Peer:
        """Ask the server for an account's list; callers at the same time share one request.

        Raises:
            NotFound: There is no such account any more. One that was known is retired here, too.
        """
        task = self._refreshing.get(account)
        if task is None:
            task = asyncio.create_task(self._fetch(account))
            self._refreshing[account] = task
            task.add_done_callback(lambda _: self._refreshing.pop(account, None))
        return await asyncio.shield(task)

    def heard(self, account: AccountId, version: int) -> None:
        """Look after a list that is said to have changed; where that fails, the next send finds out."""

        async def check() -> None:
            known = await self._stored(account)
            if known is not None and known.devices and known.version < version:
                with contextlib.suppress(HeliographError):
                    await self.refresh(account)

        task = asyncio.create_task(check())
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _stored(self, account: AccountId) -> Peer | None:
        return await self._database.run(lambda connection: peers.by_account(connection, account))

    async def _fetch(self, account: AccountId) -> Peer:
        if account == self._me.account:
            answer = await linking.take_out_lapsed(self._api, self._me, await self._api.devices(self._me))
            return await self._keep(
                Peer(self._me.account, self._me.handle, int(answer["version"]), devices_of(answer))
            )
        try:
            return await self._keep(await self._api.account(self._me, account))
        except NotFound:
            await self._retire(account)
            raise

    async def _retire(self, account: AccountId) -> None:
        """Take in that a known account is gone, with the one that has its handle now."""
        known = await self._stored(account)
        if known is None or not known.devices:
            return
        try:
            holder: AccountId | None = (
                await self._keep(await self._api.by_handle(self._me, known.handle))
            ).account
        except NotFound:
            holder = None

        def store(connection: sqlite3.Connection) -> None:
            peers.retire(connection, known)
            event_log.append(connection, "replaced", None, account=account, handle=known.handle, by=holder)

        self._known.pop(account, None)
        await self._database.run(store)
        self._on_logged()

    async def _keep(self, peer: Peer) -> Peer:
        def store(connection: sqlite3.Connection) -> tuple[bool, list[AccountId]]:
            known = peers.by_account(connection, peer.account)
            peers.save(connection, peer)
            changed = known is not None and known.version < peer.version
            if changed:
                event_log.append(connection, "devices", None, account=peer.account, version=peer.version)
            return changed, peers.rivals(connection, peer)

        changed, rivals = await self._database.run(store)
        if changed:
            self._on_logged()
        self._known[peer.account] = peer
        for rival in rivals:
            if rival not in self._refreshing:  # else it is being asked for just now
                self.heard(rival, ANY_VERSION)
        return peer

    async def close(self) -> None:
        """End what is being asked."""
        tasks = [*self._refreshing.values(), *self._checks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
