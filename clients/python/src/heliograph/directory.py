"""Accounts and their device lists: from the store first, from the server where that must be."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable

from heliograph.errors import NotFound
from heliograph.http import HttpApi, devices_of
from heliograph.ids import AccountId
from heliograph.signing import Identity
from heliograph.store import event_log, peers
from heliograph.store.database import Database
from heliograph.store.peers import Peer

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

    async def find(self, name: str) -> Peer:
        """Find an account by handle or account id.

        Raises:
            NotFound: There is none.
            NetworkError: It is not known here, and the server cannot be asked.
        """
        if ACCOUNT.fullmatch(name):
            return await self.get(AccountId(name))
        known = await self._database.run(lambda connection: peers.by_handle(connection, name))
        if known is not None:
            return known
        try:
            return await self._keep(await self._api.by_handle(self._me, name))
        except NotFound as problem:
            raise NotFound(f"there is no account with the handle {name}") from problem

    async def get(self, account: AccountId) -> Peer:
        """Give an account as it is known, or ask for it the first time."""
        known = self._known.get(account)
        if known is None:
            known = await self._database.run(lambda connection: peers.by_account(connection, account))
            if known is None:
                return await self.refresh(account)
            self._known[account] = known
        return known

    async def refresh(self, account: AccountId) -> Peer:
        """Ask the server for an account's list; callers at the same time share one request."""
        task = self._refreshing.get(account)
        if task is None:
            task = asyncio.create_task(self._fetch(account))
            self._refreshing[account] = task
            task.add_done_callback(lambda _: self._refreshing.pop(account, None))
        return await asyncio.shield(task)

    async def _fetch(self, account: AccountId) -> Peer:
        if account == self._me.account:
            answer = await self._api.devices(self._me)
            return await self._keep(
                Peer(self._me.account, self._me.handle, int(answer["version"]), devices_of(answer))
            )
        return await self._keep(await self._api.account(self._me, account))

    async def _keep(self, peer: Peer) -> Peer:
        def store(connection: sqlite3.Connection) -> bool:
            known = peers.by_account(connection, peer.account)
            peers.save(connection, peer)
            changed = peer.account == self._me.account and known is not None and known.version < peer.version
            if changed:
                event_log.append(connection, "devices", None, version=peer.version)
            return changed

        if await self._database.run(store):
            self._on_logged()
        self._known[peer.account] = peer
        return peer

    async def close(self) -> None:
        """End what is being asked."""
        for task in list(self._refreshing.values()):
            task.cancel()
