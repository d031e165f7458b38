"""The storage ports in memory; a contract test holds them to the same rules as Cassandra."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from chat.domain import base64url
from chat.domain.device_chain import ChainEntry
from chat.domain.devices import DeviceList
from chat.domain.ids import AccountId, Address, MessageId, MessageName, milliseconds_of, week_of
from chat.domain.limits import CONNECT, take
from chat.domain.relations import RELATION_LIMIT, STRANGER, Relation
from chat.errors import ChatError, Code, limited
from chat.ports.accounts import Card, Claim
from chat.ports.connections import Connection
from chat.ports.inbox import InboxRow, StoredRow


class FakeHandles:
    """Handles in a dict."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}

    def claim(self, handle: str, claim: Claim, now: int) -> Claim:
        return self.claims.setdefault(handle, claim)

    def take_over(self, handle: str, claim: Claim, now: int) -> Claim:
        if self.claims[handle].account == claim.replaces:
            self.claims[handle] = claim
        return self.claims[handle]

    def settle(self, handle: str, claim: Claim) -> None:
        if self.claims[handle].account == claim.account:
            self.claims[handle] = replace(self.claims[handle], replaces=None)

    def find(self, handle: str) -> AccountId | None:
        held = self.claims.get(handle)
        return held.account if held else None


class FakeCards:
    """Cards in dicts. ``reads`` counts partition reads."""

    def __init__(self) -> None:
        self.lists: dict[AccountId, DeviceList] = {}
        self.stands: dict[tuple[AccountId, AccountId], Relation] = {}
        self.reads = 0
        self.a_moment_ago: FakeCards | None = None

    def read(
        self, wanted: Mapping[AccountId, Collection[AccountId]], *, stale: bool = False
    ) -> Mapping[AccountId, Card]:
        self.reads += len(wanted)
        if stale and self.a_moment_ago is not None:
            return self.a_moment_ago.read(wanted)
        return {
            account: Card(self.lists.get(account), self._relations(account, peers))
            for account, peers in wanted.items()
        }

    def devices(self, account: AccountId) -> DeviceList | None:
        self.reads += 1
        return self.lists.get(account)

    def blocked(self, account: AccountId) -> list[AccountId]:
        return sorted(
            peer for (mine, peer), relation in self.stands.items() if mine == account and relation.blocked
        )

    def friends(self, account: AccountId, limit: int) -> list[AccountId]:
        related = sorted(peer for mine, peer in self.stands if mine == account)[:limit]
        stands = {peer: self.stands[account, peer] for peer in related}
        return [peer for peer, relation in stands.items() if relation.accepted and not relation.blocked]

    def create(self, devices: DeviceList) -> bool:
        return self.lists.setdefault(devices.account, devices) is devices

    def replace(self, devices: DeviceList) -> bool:
        before = self.lists.get(devices.account)
        if before is None or before.version != devices.version - 1:
            return False
        self.lists[devices.account] = devices
        return True

    def accept(self, account: AccountId, peer: AccountId) -> Relation:
        return self._change(account, peer, accepted=True)

    def block(self, account: AccountId, peer: AccountId) -> Relation:
        return self._change(account, peer, blocked=True)

    def unblock(self, account: AccountId, peer: AccountId, now: int) -> Relation:
        if self.stands.get((account, peer), STRANGER).blocked:
            return self._change(account, peer, blocked=False, unblocked_at=now)
        return self.stands.get((account, peer), STRANGER)

    def _change(self, account: AccountId, peer: AccountId, **changes: bool | int) -> Relation:
        related = sum(mine == account for mine, _ in self.stands)
        if (account, peer) not in self.stands and related >= RELATION_LIMIT:
            raise ChatError(Code.RELATION_LIMIT)
        changed = replace(self.stands.get((account, peer), STRANGER), **changes)  # type: ignore[arg-type]
        self.stands[account, peer] = changed
        return changed

    def _relations(self, account: AccountId, peers: Collection[AccountId]) -> dict[AccountId, Relation]:
        return {peer: self.stands[account, peer] for peer in peers if (account, peer) in self.stands}


class FakeChains:
    """Entries of chains in a dict."""

    def __init__(self) -> None:
        self.entries: dict[tuple[AccountId, int], ChainEntry] = {}

    def keep(self, account: AccountId, entry: ChainEntry) -> None:
        self.entries.setdefault((account, entry.number), entry)

    def kept(self, account: AccountId) -> list[ChainEntry]:
        return [entry for (mine, _), entry in sorted(self.entries.items()) if mine == account]


class FakeConnections:
    """Connections in a set."""

    def __init__(self) -> None:
        self.rows: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        self.rows.add(connection)

    def remove(self, connection: Connection) -> None:
        self.rows = {
            row
            for row in self.rows
            if (row.address, row.connection_id) != (connection.address, connection.connection_id)
        }

    def of_account(self, account: AccountId) -> list[Connection]:
        return sorted(
            (row for row in self.rows if row.account == account), key=lambda r: (r.device, r.connection_id)
        )

    def of_accounts(self, accounts: Collection[AccountId]) -> dict[AccountId, list[Connection]]:
        return {account: self.of_account(account) for account in accounts}


class FakeConnectNumbers:
    """Connect numbers in a dict. ``asked`` counts the rows that were read for when devices were seen."""

    def __init__(self) -> None:
        self.asked = 0
        self.last: dict[Address, int] = {}
        self.full_at: dict[Address, int] = {}

    def start(self, device: Address) -> None:
        self.last.setdefault(device, 0)

    def raise_to(self, device: Address, number: int, now: int) -> int | None:
        before = self.last.get(device)
        if before is None or before >= number:
            return None
        full_at, wait = take(self.full_at.get(device, 0), CONNECT, now)
        if wait:
            raise limited(wait)
        self.last[device], self.full_at[device] = number, full_at
        return before

    def seen(self, devices: Collection[Address]) -> Mapping[Address, int]:
        self.asked += len(devices)
        return {device: self.last.get(device, 0) for device in devices}

    def wait(self, device: Address, now: int) -> int:
        return take(self.full_at.get(device, 0), CONNECT, now)[1]


class FakeInbox:
    """The inbox in a dict, keyed as the table is. ``log`` notes every call in order."""

    def __init__(self) -> None:
        self.rows: dict[Address, dict[MessageName, bytes]] = {}
        self.ttl: dict[tuple[Address, MessageName], int] = {}
        self.log: list[str] = []

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.rows.values())

    def put(self, rows: Sequence[InboxRow]) -> None:
        self.log.append("put")
        for row in rows:
            self.rows.setdefault(row.device, {})[row.name] = row.envelope
            self.ttl[row.device, row.name] = row.ttl_seconds

    def remove(self, device: Address, names: Collection[MessageName]) -> None:
        self.log.append("remove")
        for name in names:
            self.rows.get(device, {}).pop(name, None)

    def page(self, device: Address, week: int, since: MessageId, limit: int) -> list[StoredRow]:
        rows = sorted(self.rows.get(device, {}).items())
        found = [StoredRow(n, blob) for n, blob in rows if _week(n) == week and n.id >= since]
        return found[:limit]

    def present(self, device: Address, week: int, ids: Collection[MessageId]) -> set[MessageName]:
        return {n for n in self.rows.get(device, {}) if _week(n) == week and n.id in ids}


class FakeUsedProofs:
    """Used nonces in a set."""

    def __init__(self) -> None:
        self.used: set[tuple[Address, str]] = set()

    def use(self, device: Address, nonce: str, now: int) -> bool:
        if (device, nonce) in self.used:
            return False
        self.used.add((device, nonce))
        return True


class FakeLinks:
    """Links in a dict."""

    def __init__(self) -> None:
        self.links: dict[str, Address] = {}

    def add(self, auth_key: bytes, device: Address) -> Address:
        return self.links.setdefault(base64url.encode(auth_key), device)

    def find(self, auth_key: bytes) -> Address | None:
        return self.links.get(base64url.encode(auth_key))


def _week(name: MessageName) -> int:
    return week_of(milliseconds_of(name.id))
