"""This device's prekeys at the server, and the bundles of others: everything that asks the key routes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heliograph import tasks
from heliograph.crypto import pqxdh, primitives
from heliograph.crypto.pqxdh import Bundle
from heliograph.errors import BadBundle, HeliographError
from heliograph.http import HttpApi
from heliograph.ids import (
    AccountId,
    Address,
    ServerClock,
    account_of,
    address,
    base64url,
    device_of,
    from_base64url,
)
from heliograph.signing import Identity, lines
from heliograph.store import prekeys, profile, sessions
from heliograph.store.database import Database
from heliograph.store.prekeys import PublicPrekey

logger = logging.getLogger("heliograph")

MAX_ID = 2**31 - 1
"""The largest id of a key."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How many one-time keys are kept at the server; more are made when less than half is left."""

    one_time: int = 100
    one_time_kem: int = 20


class Keys:
    """Uploads, rotates and claims keys."""

    def __init__(
        self, database: Database, api: HttpApi, me: Identity, clock: ServerClock, pool: Pool
    ) -> None:
        self._database = database
        self._api = api
        self._me = me
        self._clock = clock
        self._pool = pool
        self._working = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def look_after(self, counts: Mapping[str, int] | None = None, *, check: bool = False) -> None:
        """Have keys made, rotated and uploaded where it is time, in the background.

        Args:
            counts: What the server said it has of each one-time kind.
            check: Compare with the server first: it may have other keys than this store.
        """
        if check or counts is not None or not self._tasks:
            task = asyncio.create_task(self._look_after(counts, check=check))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _look_after(self, counts: Mapping[str, int] | None, *, check: bool) -> None:
        with contextlib.suppress(HeliographError):  # it is tried again with the next connect
            doubted = check or await self._database.run(prekeys.are_doubted)
            await (self.check() if doubted else self.publish(counts))

    async def publish(self, counts: Mapping[str, int] | None = None) -> None:
        """Make what is missing and upload it.

        After a crash or a lost answer the server is asked first how many one-time keys it has: those that may
        have got there are not sent again.

        Raises:
            HeliographError: The server was not reached, or refused.
        """
        async with self._working:
            if counts is None and await self._database.run(prekeys.one_time_are_uncertain):
                counts = await self._api.own_keys(self._me)
            now = self._clock.local()
            await self._database.run(lambda connection: self._make(connection, now, counts))
            waiting = await self._database.run(prekeys.waiting)
            if waiting:
                await self._upload(waiting)

    async def check(self) -> None:
        """Compare this store's keys with the server's, and replace them where they differ.

        Raises:
            HeliographError: The server was not reached.
        """
        has = await self._api.own_keys(self._me)
        mine = await self._database.run(
            lambda connection: [prekeys.current(connection, kind) for kind in prekeys.ROTATED]
        )
        if None in mine or has.get("digest") != digest(self._me, [key[0] for key in mine if key is not None]):
            now = self._clock.local()

            def replace(connection: sqlite3.Connection) -> None:
                for kind in prekeys.ROTATED:
                    prekeys.make(connection, kind, 1, now, above=int(has.get(kind, 0)))
                prekeys.settle_doubt(connection)  # what was made is uploaded, now or later

            await self._database.run(replace)
        else:
            await self._database.run(prekeys.settle_doubt)
        await self.publish(has)

    async def claim(self, devices: Iterable[Address], known: Mapping[Address, str]) -> None:
        """Fetch bundles of devices and store them for the sessions that are to be begun.

        Raises:
            BadBundle: The server gives keys that their device did not sign.
            HeliographError: The server was not reached, or limits this account.
        """
        wanted: dict[AccountId, list[Address]] = defaultdict(list)
        for device in devices:
            wanted[account_of(device)].append(device)
        for account, addresses in wanted.items():
            answer = await self._api.claim_keys(
                self._me, account, [device_of(device) for device in addresses]
            )
            bundles = {address(account, int(entry["device"])): entry for entry in answer["bundles"]}
            offers = {
                device: _checked(device, known[device], bundles[device]) if device in bundles else None
                for device in addresses
            }

            def store(connection: sqlite3.Connection, offers: dict[Address, Bundle | None] = offers) -> None:
                for device, bundle in offers.items():
                    sessions.offer(connection, device, bundle)

            await self._database.run(store)

    async def close(self) -> None:
        """End what is being uploaded; it is taken up again at the next start."""
        await tasks.end(self._tasks)

    def _make(self, connection: sqlite3.Connection, now: int, counts: Mapping[str, int] | None) -> None:
        for kind in prekeys.ROTATED:
            newest = prekeys.current(connection, kind)
            if newest is None or not 0 <= now - newest[1] < prekeys.ROTATE_MS:
                prekeys.make(connection, kind, 1, now)
        if counts is not None and not prekeys.one_time_are_waiting(connection):
            for kind, full in (("one_time", self._pool.one_time), ("one_time_kem", self._pool.one_time_kem)):
                if counts.get(kind, full) * 2 < full:
                    prekeys.make(connection, kind, full - max(counts[kind], 0), now)
        prekeys.prune(connection, now)

    async def _upload(self, keys: list[PublicPrekey]) -> None:
        body: dict[str, Any] = {}
        for key in keys:
            entry: dict[str, Any] = {"id": key.id, "key": base64url(key.key)}
            if key.kind != "one_time":
                entry["signature"] = self._me.key.sign(
                    pqxdh.prekey_bytes(key.kind, self._me.account, self._me.device, key.id, entry["key"])
                )
            if key.kind in prekeys.ONE_TIME:
                body.setdefault(key.kind, []).append(entry)
            else:
                body[key.kind] = entry  # of several the newest: they are ordered by id
        await self._database.run(lambda connection: prekeys.try_upload(connection, keys))
        try:
            await self._api.upload_keys(self._me, body)
        except HeliographError as problem:
            if problem.code not in ("KEY_CONFLICT", "KEY_LIMIT"):
                raise
            # Others stand there under these ids, or enough do: this store was rolled back. Some may have been
            # taken all the same, so their secrets stay; `check` finds out whether the long-lived ones were.
            logger.warning("the server has other keys of this device: %s", problem.code)
        now = self._clock.now()

        def store(connection: sqlite3.Connection) -> None:
            prekeys.uploaded(connection, keys)
            profile.put(connection, "keys_asked_at", now)

        await self._database.run(store)


def digest(me: Identity, keys: Iterable[PublicPrekey]) -> str:
    """Give what the server answers where it has the same signed and last-resort keys."""
    fields: list[str | int] = ["heliograph-keys-v1", me.account, me.device]
    for key in keys:
        fields += [key.id, base64url(key.key)]
    return base64url(hashlib.sha256(lines(*fields)).digest())


def _checked(device: Address, identity: str, entry: dict[str, Any]) -> Bundle:
    """Take a bundle in whose keys were signed by the device that it is of.

    Raises:
        BadBundle: They were not.
    """
    try:
        account, number, signer = account_of(device), device_of(device), from_base64url(identity)
        signed, kem, one_time = entry["signed"], entry["kem"], entry.get("one_time")
        for kind, key in (("signed", signed), (kem["kind"], kem)):
            statement = pqxdh.prekey_bytes(kind, account, number, int(key["id"]), key["key"])
            primitives.verify(signer, from_base64url(key["signature"]), statement)
        if kem["kind"] not in ("one_time_kem", "last_resort"):
            raise ValueError("an unknown kind of KEM key")
        if not all(1 <= int(key["id"]) <= MAX_ID for key in (signed, kem, one_time or signed)):
            raise ValueError("ids are numbers from 1")
        return Bundle(
            signer,
            int(signed["id"]),
            from_base64url(signed["key"]),
            int(one_time["id"]) if one_time else 0,
            from_base64url(one_time["key"]) if one_time else None,
            kem["kind"],
            int(kem["id"]),
            from_base64url(kem["key"]),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise BadBundle("the server gave keys that their device did not sign") from problem
