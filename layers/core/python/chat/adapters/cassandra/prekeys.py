"""Prekeys in Cassandra: ``prekeys_by_device``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chat.adapters.cassandra.session import Cassandra, Row
from chat.adapters.cassandra.statement import Statement
from chat.domain.ids import Address
from chat.domain.prekeys import Ids, Kind, Prekey
from chat.ports.storage import OutcomeUnknown

_IDS = Statement(
    "SELECT kind, key_id FROM heliograph.prekeys_by_device WHERE account_id = ? AND device_id = ?"
)
_READ = Statement(
    "SELECT kind, key_id, key, signature FROM heliograph.prekeys_by_device"
    " WHERE account_id = ? AND device_id = ? AND kind = ? AND key_id = ?"
)
_ADD = Statement(
    "INSERT INTO heliograph.prekeys_by_device (account_id, device_id, kind, key_id, key, signature)"
    " VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS"
)
_REMOVE = Statement(
    "DELETE FROM heliograph.prekeys_by_device"
    " WHERE account_id = ? AND device_id = ? AND kind = ? AND key_id = ? IF EXISTS"
)


class CassandraPrekeys:
    """:class:`chat.ports.prekeys.Prekeys` on ``prekeys_by_device``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def ids(self, devices: Collection[Address]) -> Mapping[Address, Ids]:
        """See the port. A statement a device; the rows come in the order of their ids."""
        reading = {device: self._cassandra.start(_IDS, device.account, device.device) for device in devices}
        found: dict[Address, Ids] = {}
        for device, pending in reading.items():
            by_kind: dict[Kind, tuple[int, ...]] = {}
            for row in pending.result():
                kind = Kind(row["kind"])
                by_kind[kind] = (*by_kind.get(kind, ()), row["key_id"])
            found[device] = Ids(by_kind)
        return found

    def read(self, device: Address, names: Collection[tuple[Kind, int]]) -> Mapping[tuple[Kind, int], Prekey]:
        """See the port."""
        reading = [
            self._cassandra.start(_READ, device.account, device.device, kind.value, number)
            for kind, number in names
        ]
        return {
            (Kind(row["kind"]), row["key_id"]): _prekey(row)
            for pending in reading
            for row in pending.result()
        }

    def add(self, device: Address, kind: Kind, key: Prekey) -> bool:
        """See the port. An unknown outcome is settled by what is there. If nothing is, nobody can tell: a
        one-time key may have been stored and given away since, so it is not stored again.
        """
        values = (device.account, device.device, kind.value, key.id, key.key, key.signature)
        try:
            verdict = self._cassandra.apply(_ADD, *values)
        except OutcomeUnknown:
            there = self.read(device, [(kind, key.id)])
            if not there:
                raise
            return there[kind, key.id] == key
        return bool(verdict) or _prekey(verdict.row) == key

    def remove(self, device: Address, kind: Kind, number: int) -> bool:
        """See the port."""
        return bool(self._cassandra.apply(_REMOVE, device.account, device.device, kind.value, number))


def _prekey(row: Row) -> Prekey:
    return Prekey(row["key_id"], bytes(row["key"]), bytes(row["signature"]))
