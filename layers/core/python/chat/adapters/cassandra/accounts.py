"""Handles and account cards in Cassandra: ``accounts_by_handle`` and ``account_card``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from chat.adapters.cassandra.chains import entry_in, entry_out
from chat.adapters.cassandra.session import Applied, Cassandra, Pending, Row
from chat.adapters.cassandra.statement import Statement
from chat.domain import base64url
from chat.domain.device_chain import EMPTY, Chain, first_chain
from chat.domain.devices import Device, DeviceList
from chat.domain.ids import AccountId, DeviceId
from chat.domain.relations import RELATION_LIMIT, Relation
from chat.errors import ChatError, Code
from chat.ports.accounts import Card, Claim
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from schemas.cql_subset import MAX_IN

_CLAIM = Statement(
    "INSERT INTO heliograph.accounts_by_handle (handle, account_id, owner, auth_key, claimed_at)"
    " VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
)
_TAKE_OVER = Statement(
    "UPDATE heliograph.accounts_by_handle"
    " SET account_id = ?, owner = ?, auth_key = ?, claimed_at = ?, replaces = ?, replaced_key = ?"
    " WHERE handle = ? IF account_id = ?"
)
_SETTLE = Statement(
    "UPDATE heliograph.accounts_by_handle SET replaces = null WHERE handle = ? IF account_id = ?"
)
_FIND = Statement(
    "SELECT account_id, owner, auth_key, replaces, replaced_key FROM heliograph.accounts_by_handle"
    " WHERE handle = ?"
)

_CARD = Statement(
    "SELECT entry, version, body, accepted, blocked, unblocked_at FROM heliograph.account_card"
    " WHERE account_id = ? AND entry IN ?"
)
_CARDS = Statement(
    "SELECT account_id, entry, version, body, accepted, blocked, unblocked_at FROM heliograph.account_card"
    " WHERE account_id IN ? AND entry IN ?"
)
_STALE_CARD, _STALE_CARDS = (Statement(each.cql, "LOCAL_ONE") for each in (_CARD, _CARDS))
_PEERS = Statement(
    "SELECT entry, blocked FROM heliograph.account_card WHERE account_id = ? AND entry >= ? AND entry < ?"
)
_SOME_PEERS = Statement(
    "SELECT entry, accepted, blocked FROM heliograph.account_card"
    " WHERE account_id = ? AND entry >= ? AND entry < ? LIMIT ?"
)
_CREATE = Statement(
    "INSERT INTO heliograph.account_card (account_id, entry, version, body) VALUES (?, ?, ?, ?) IF NOT EXISTS"
)
_REPLACE = Statement(
    "UPDATE heliograph.account_card SET version = ?, body = ?"
    " WHERE account_id = ? AND entry = ? IF version = ?"
)
_RELATE = Statement(
    "INSERT INTO heliograph.account_card (account_id, entry, accepted, blocked)"
    " VALUES (?, ?, ?, ?) IF NOT EXISTS"
)
_ACCEPT = Statement(
    "UPDATE heliograph.account_card SET accepted = true WHERE account_id = ? AND entry = ? IF EXISTS"
)
_BLOCK = Statement(
    "UPDATE heliograph.account_card SET blocked = true WHERE account_id = ? AND entry = ? IF EXISTS"
)
_UNBLOCK = Statement(
    "UPDATE heliograph.account_card SET blocked = false, unblocked_at = ?"
    " WHERE account_id = ? AND entry = ? IF blocked = true"
)

_DEVICES = "devices"
_PEER = "peer:"
_AFTER_PEERS = "peer;"  # ';' follows ':' in ASCII: every peer entry lies between the two


class CassandraHandles:
    """:class:`chat.ports.accounts.Handles` on ``accounts_by_handle``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def claim(self, handle: str, claim: Claim, now: int) -> Claim:
        """See the port. A claim whose outcome is unknown is read back: the row tells who holds it."""
        try:
            applied = self._cassandra.apply(_CLAIM, handle, claim.account, claim.owner, claim.auth_key, now)
        except OutcomeUnknown:
            held = self._read(handle)
            if held is None:
                raise
            return held
        if applied:
            return claim
        return _claim(applied.row)

    def take_over(self, handle: str, claim: Claim, now: int) -> Claim:
        """See the port. The row is read back unless the change is known to be made: it tells who won."""
        values = (claim.account, claim.owner, claim.auth_key, now, claim.replaces, claim.replaced_key)
        with suppress(OutcomeUnknown):
            if self._cassandra.apply(_TAKE_OVER, *values, handle, claim.replaces):
                return claim
        held = self._read(handle)
        if held is None:
            raise StorageUnavailable  # a claim never goes: this read was stale
        return held

    def settle(self, handle: str, claim: Claim) -> None:
        """See the port. An unknown outcome costs a repeated retirement at most."""
        with suppress(OutcomeUnknown):
            self._cassandra.apply(_SETTLE, handle, claim.account)

    def find(self, handle: str) -> AccountId | None:
        """See the port."""
        held = self._read(handle)
        return held.account if held else None

    def _read(self, handle: str) -> Claim | None:
        rows = self._cassandra.run(_FIND, handle)
        return _claim(rows[0]) if rows else None


class CassandraCards:
    """:class:`chat.ports.accounts.Cards` on ``account_card``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def read(
        self, wanted: Mapping[AccountId, Collection[AccountId]], *, stale: bool = False
    ) -> Mapping[AccountId, Card]:
        """See the port. Accounts of which the same entries are wanted, as a sender's of its peers', share
        a statement: the driver's work is by statement.
        """
        alike: dict[tuple[AccountId, ...], list[AccountId]] = {}
        for account, peers in wanted.items():
            alike.setdefault(tuple(peers), []).append(account)
        reading: list[tuple[list[AccountId], list[Pending]]] = []
        for peers, accounts in alike.items():
            entries = [_DEVICES, *(_PEER + peer for peer in peers)]
            together = max(1, MAX_IN // len(entries))
            for i in range(0, len(accounts), together):
                part = accounts[i : i + together]
                reading.append((part, self._start(part, entries, stale=stale)))
        found: dict[AccountId, list[Row]] = {account: [] for account in wanted}
        for accounts, pendings in reading:
            for row in (row for pending in pendings for row in pending.result()):
                found[row.get("account_id", accounts[0])].append(row)
        return {account: _card(account, rows) for account, rows in found.items()}

    def devices(self, account: AccountId) -> DeviceList | None:
        """See the port."""
        return _card(account, self._cassandra.run(_CARD, account, [_DEVICES])).devices

    def blocked(self, account: AccountId) -> list[AccountId]:
        """See the port."""
        rows = self._cassandra.run(_PEERS, account, _PEER, _AFTER_PEERS)
        return [_peer(row["entry"]) for row in rows if row["blocked"]]

    def friends(self, account: AccountId, limit: int) -> list[AccountId]:
        """See the port."""
        rows = self._cassandra.run(_SOME_PEERS, account, _PEER, _AFTER_PEERS, limit)
        return [_peer(row["entry"]) for row in rows if row["accepted"] and not row["blocked"]]

    def create(self, devices: DeviceList) -> bool:
        """See the port."""
        try:
            return bool(
                self._cassandra.apply(_CREATE, devices.account, _DEVICES, devices.version, _body(devices))
            )
        except OutcomeUnknown:
            return self._settle(devices)

    def replace(self, devices: DeviceList) -> bool:
        """See the port."""
        try:
            return bool(
                self._cassandra.apply(
                    _REPLACE,
                    devices.version,
                    _body(devices),
                    devices.account,
                    _DEVICES,
                    devices.version - 1,
                )
            )
        except OutcomeUnknown:
            return self._settle(devices)

    def accept(self, account: AccountId, peer: AccountId) -> Relation:
        """See the port."""
        self._relate(account, peer, accepted=True, blocked=False, otherwise=_ACCEPT)
        return self._relation(account, peer)

    def block(self, account: AccountId, peer: AccountId) -> Relation:
        """See the port."""
        self._relate(account, peer, accepted=False, blocked=True, otherwise=_BLOCK)
        return self._relation(account, peer)

    def unblock(self, account: AccountId, peer: AccountId, now: int) -> Relation:
        """See the port."""
        self._cassandra.apply(_UNBLOCK, now, account, _PEER + peer)
        return self._relation(account, peer)

    def _start(self, accounts: list[AccountId], entries: list[str], *, stale: bool) -> list[Pending]:
        """Read these entries of these accounts; Keyspaces allows a hundred pairs in a statement."""
        if len(accounts) > 1:
            return [self._cassandra.start(_STALE_CARDS if stale else _CARDS, accounts, entries)]
        one = _STALE_CARD if stale else _CARD
        slices = [entries[i : i + MAX_IN] for i in range(0, len(entries), MAX_IN)]
        return [self._cassandra.start(one, accounts[0], part) for part in slices]

    def _settle(self, devices: DeviceList) -> bool:
        """After an unknown outcome: whether the list that stands there is the one that was written."""
        return self.devices(devices.account) == devices

    def _relate(
        self, account: AccountId, peer: AccountId, *, accepted: bool, blocked: bool, otherwise: Statement
    ) -> Applied:
        entry = _PEER + peer
        if changed := self._cassandra.apply(otherwise, account, entry):
            return changed
        if len(self._cassandra.run(_PEERS, account, _PEER, _AFTER_PEERS)) >= RELATION_LIMIT:
            raise ChatError(Code.RELATION_LIMIT)
        if created := self._cassandra.apply(_RELATE, account, entry, accepted, blocked):
            return created
        return self._cassandra.apply(otherwise, account, entry)

    def _relation(self, account: AccountId, peer: AccountId) -> Relation:
        return self.read({account: [peer]})[account].relation(peer)


def _claim(row: Row) -> Claim:
    replaces = row["replaces"]
    return Claim(
        AccountId(row["account_id"]),
        row["owner"],
        bytes(row["auth_key"]),
        AccountId(replaces) if replaces else None,
        bytes(row["replaced_key"] or b""),
    )


def _peer(entry: str) -> AccountId:
    return AccountId(entry.removeprefix(_PEER))


def _card(account: AccountId, rows: list[Row]) -> Card:
    devices: DeviceList | None = None
    relations: dict[AccountId, Relation] = {}
    for row in rows:
        if row["entry"] == _DEVICES:
            devices = _device_list(account, row)
        else:
            accepted, blocked = bool(row["accepted"]), bool(row["blocked"])
            relations[_peer(row["entry"])] = Relation(accepted, blocked, row["unblocked_at"] or 0)
    return Card(devices, relations)


def _body(devices: DeviceList) -> str:
    body: dict[str, Any] = {
        "handle": devices.handle,
        "next_device": devices.next_device,
        "devices": [_device_out(device) for device in devices.devices],
        "lapsed": devices.lapsed,
    }
    if last := devices.chain.last:
        body["chain"] = {"last": entry_out(last), "head": base64url.encode(devices.chain.head)}
    return json.dumps(body, separators=(",", ":"))


def _device_list(account: AccountId, row: Row) -> DeviceList:
    body = json.loads(row["body"])
    devices = tuple(_device_in(device) for device in body["devices"])
    return DeviceList(
        account=account,
        handle=body["handle"],
        version=row["version"],
        next_device=body["next_device"],
        devices=devices,
        chain=_chain(account, body.get("chain"), devices),
        lapsed=tuple(DeviceId(device) for device in body.get("lapsed", ())),
    )


def _chain(account: AccountId, raw: dict[str, Any] | None, devices: tuple[Device, ...]) -> Chain:
    """As it was stored; for a list from before there were chains: that of its oldest device."""
    if raw is not None:
        return Chain(entry_in(raw["last"]), base64url.decode(raw["head"]))
    if not devices:
        return EMPTY
    oldest = devices[0]
    return first_chain(account, oldest.device, oldest.auth_key, oldest.added_at)


def _device_out(device: Device) -> dict[str, Any]:
    out: dict[str, Any] = {
        "device": device.device,
        "auth_key": base64url.encode(device.auth_key),
        "added_at": device.added_at,
        "name": device.name,
    }
    if device.linked_by:
        out["by"] = device.linked_by
    return out


def _device_in(raw: dict[str, Any]) -> Device:
    by = raw.get("by")
    return Device(
        device=DeviceId(raw["device"]),
        auth_key=base64url.decode(raw["auth_key"]),
        added_at=raw["added_at"],
        name=raw["name"],
        linked_by=DeviceId(by) if by else None,
    )
