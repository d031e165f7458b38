"""Accounts and their device lists: from the store first, from the server where that must be."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from heliograph import linking, tasks
from heliograph.device_chain import BadChain, Chain, Listing, read_listing, verify
from heliograph.errors import HeliographError, IdentityUntrusted, NotFound, Unavailable
from heliograph.http import HttpApi
from heliograph.ids import AccountId
from heliograph.signing import Identity
from heliograph.store import event_log, identities, peers, pins
from heliograph.store.database import Database
from heliograph.store.peers import Peer

ANY_VERSION = sys.maxsize
TRIES = 3
"""Readings of the own list that changes all the time."""

ACCOUNT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Directory:
    """What is known of accounts; memory over store over server.

    What the server shows of an account is kept only as far as its device chain goes on from the pinned one.
    """

    def __init__(
        self,
        database: Database,
        api: HttpApi,
        me: Identity,
        on_logged: Callable[[], None],
        *,
        block_new_devices: bool = False,
    ) -> None:
        self._database = database
        self._api = api
        self._me = me
        self._on_logged = on_logged
        self._block_new_devices = block_new_devices
        self._known: dict[AccountId, Peer] = {}
        self._refreshing: dict[AccountId, asyncio.Task[Peer]] = {}
        self._checks: set[asyncio.Task[None]] = set()

    async def find(self, name: str) -> Peer:
        """Find an account by handle or account id; by its id a retired one too, for its history.

        Raises:
            NotFound: There is none.
            NetworkError: It is not known here, and the server cannot be asked.
            IdentityUntrusted: It is not known here, and its device chain does not hold.
        """
        if ACCOUNT.fullmatch(name):
            return await self._stored(AccountId(name)) or await self.refresh(AccountId(name))
        known = await self._database.run(lambda connection: peers.by_handle(connection, name))
        if known is not None:
            return known
        try:
            return await self._look_up(name)
        except NotFound as problem:
            raise NotFound(f"there is no account with the handle {name}") from problem

    async def get(self, account: AccountId) -> Peer:
        """Give an account whose devices may be written to, as it is known, or ask for it.

        Raises:
            NotFound: There is none, or it is retired.
            IdentityUntrusted: The server shows another identity than the pinned one.
        """
        known = self._known.get(account)
        if known is not None:
            return known
        known, blocked = await self._database.run(lambda connection: _standing(connection, account))
        if known is None or not known.devices:
            if not blocked:
                await self.refresh(account)
            known, blocked = await self._database.run(lambda connection: _standing(connection, account))
        if blocked or known is None:
            raise _changed(account)
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

    def forget(self, account: AccountId) -> None:
        """Read an account from the store the next time: what is pinned of it was changed by its user."""
        self._known.pop(account, None)

    async def pin(self, account: AccountId) -> pins.Pin:
        """Give the pinned identity of an account, or ask for it.

        Raises:
            NotFound: There is none.
            IdentityUntrusted: It is not known here, and its device chain does not hold.
        """
        pin = await self._database.run(lambda connection: pins.get(connection, account))
        if pin is None:
            await self.refresh(account)
            pin = await self._database.run(lambda connection: pins.get(connection, account))
        if pin is None:
            raise NotFound("there is no such account")
        return pin

    async def _look_up(self, handle: str) -> Peer:
        """Ask for the account with a handle; its chain too, unless it is the pinned one."""
        answer = await self._api.by_handle(self._me, handle)
        try:
            listing = read_listing(answer)
            if listing.handle != handle:
                raise BadChain("it is another handle")
        except BadChain as problem:
            raise IdentityUntrusted(
                f"what the server shows of {handle} does not hold: {problem}"
            ) from problem
        return await self._take_in(listing, None) or await self._read_chain(listing.account)

    async def own_list(self) -> dict[str, Any]:
        """Read the own device list when its chain was verified: an own device may sign an entry behind that.

        A device that signed behind whatever head it is shown would help the server to fork the chain, and so
        to bring a removed device back for those who see the account for the first time.

        Raises:
            IdentityUntrusted: The server shows another identity of the own account than the pinned one.
        """
        me = self._me
        for _ in range(TRIES):
            answer = await self._api.devices(me)
            with contextlib.suppress(BadChain):
                listing = read_listing({**answer, "handle": me.handle})
                stored = await self._take_in(listing, None) or await self._read_chain(me.account)
                pin = await self._database.run(lambda connection: pins.get(connection, me.account))
                if pin is None or pin.shown is not None:
                    raise _changed(me.account)
                known = (stored.version, pin.tip.length, pin.tip.head)
                if known == (listing.version, listing.length, listing.head):
                    return _signable(answer, pin)
                continue  # it changed in between
            await self._read_chain(me.account)
        raise Unavailable("the own device list does not hold still")

    async def _fetch(self, account: AccountId) -> Peer:
        if account == self._me.account:
            with contextlib.suppress(IdentityUntrusted):
                await linking.take_out_lapsed(self._api, self._me, self.own_list)
            return await self._stored(account) or Peer(account, self._me.handle, 0, {})
        return await self._read_chain(account)

    async def _read_chain(self, account: AccountId) -> Peer:
        try:
            answer = await self._api.chain(self._me, account)
        except NotFound:
            await self._retire(account)
            raise
        try:
            listing = read_listing(answer)
            if listing.account != account:
                raise BadChain("it is another account")
            chain = await asyncio.to_thread(verify, account, answer.get("entries", []))
            if (chain.tip.length, chain.tip.head) != (listing.length, listing.head):
                raise BadChain("it has another head")
        except BadChain as problem:
            self._known.pop(account, None)
            if not await self._database.run(lambda c: identities.take_in_broken(c, account)):
                raise IdentityUntrusted(
                    f"the device chain that the server shows does not hold: {problem}",
                    details={"account": account},
                ) from problem
            self._on_logged()
            return await self._stored(account) or Peer(account, "", 0, {})
        known = await self._stored(account)
        peer = await self._take_in(listing, chain)
        if not listing.devices:
            if known is not None and known.devices:
                await self._retire(account)
            raise NotFound("the account is retired", details={"account": account})
        if peer is None:
            raise AssertionError("a chain was given")
        return peer

    async def _retire(self, account: AccountId) -> None:
        """Take in that a known account is gone, with the one that has its handle now."""
        known = await self._stored(account)
        if known is None or not known.devices:
            return
        holder: AccountId | None = None
        with contextlib.suppress(NotFound, IdentityUntrusted):
            holder = (await self._look_up(known.handle)).account

        def store(connection: sqlite3.Connection) -> None:
            peers.retire(connection, known)
            event_log.append(connection, "replaced", None, account=account, handle=known.handle, by=holder)

        self._known.pop(account, None)
        await self._database.run(store)
        self._on_logged()

    async def _take_in(self, listing: Listing, chain: Chain | None) -> Peer | None:
        """Store what the server shows as far as it holds; None: its chain must be read first."""

        def store(connection: sqlite3.Connection) -> tuple[identities.Taken | None, bool, list[AccountId]]:
            taken = identities.take_in(
                connection, self._me, listing, chain, block_new_devices=self._block_new_devices
            )
            if taken is None:
                return None, False, []
            blocked = pins.is_blocked(connection, listing.account)
            return taken, blocked, peers.rivals(connection, taken.peer)

        taken, blocked, rivals = await self._database.run(store)
        if taken is None:
            return None
        if taken.logged:
            self._on_logged()
        self._known.pop(listing.account, None)
        if taken.peer.devices and not blocked:
            self._known[listing.account] = taken.peer
        for rival in rivals if listing.devices else ():
            if rival not in self._refreshing:  # else it is being asked for just now
                self.heard(rival, ANY_VERSION)
        return taken.peer

    async def close(self) -> None:
        """End what is being asked."""
        await tasks.end([*self._refreshing.values(), *self._checks])


def _standing(connection: sqlite3.Connection, account: AccountId) -> tuple[Peer | None, bool]:
    """Give an account that is pinned, and whether nothing may be sent to it."""
    pin = pins.get(connection, account)
    known = peers.by_account(connection, account) if pin is not None else None
    return known, pin is not None and pin.shown is not None


def _signable(own: dict[str, Any], pin: pins.Pin) -> dict[str, Any]:
    """Give the own list without what would make an own device sign an entry that breaks the chain.

    Raises:
        BadChain: The next number is that of a device that there was.
    """
    try:
        if int(own["next_device"]) > max(pin.tip.devices):
            return own | {"lapsed": [device for device in own["lapsed"] if device in pin.tip.live]}
    except (KeyError, TypeError, ValueError) as problem:
        raise BadChain("the own list has another shape") from problem
    raise BadChain("the next device would have a number that was used")


def _changed(account: AccountId) -> IdentityUntrusted:
    return IdentityUntrusted(f"the identity of {account} changed", details={"account": account})
