"""Used proofs and waiting links in Cassandra: ``used_proofs`` and ``links_by_key``."""

from __future__ import annotations

from chat.adapters.cassandra.session import Cassandra, Row
from chat.adapters.cassandra.statement import Statement
from chat.domain import base64url
from chat.domain.ids import AccountId, Address, DeviceId
from chat.ports.storage import OutcomeUnknown

_USE = Statement("INSERT INTO heliograph.used_proofs (proof, used_at) VALUES (?, ?) IF NOT EXISTS")

_LINK = Statement(
    "INSERT INTO heliograph.links_by_key (auth_key, account_id, device_id) VALUES (?, ?, ?) IF NOT EXISTS"
)
_FIND = Statement("SELECT account_id, device_id FROM heliograph.links_by_key WHERE auth_key = ?")


class CassandraUsedProofs:
    """:class:`chat.ports.identity.UsedProofs` on ``used_proofs``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def use(self, device: Address, nonce: str, now: int) -> bool:
        """See the port. An unknown outcome counts as used: the client signs anew."""
        try:
            return bool(self._cassandra.apply(_USE, f"{device}:{nonce}", now))
        except OutcomeUnknown:
            return False


class CassandraLinks:
    """:class:`chat.ports.identity.Links` on ``links_by_key``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def add(self, auth_key: bytes, device: Address) -> Address:
        """See the port. An unknown outcome is settled by a repeat: a key is linked once, to one device."""
        values = base64url.encode(auth_key), device.account, device.device
        try:
            applied = self._cassandra.apply(_LINK, *values)
        except OutcomeUnknown:
            applied = self._cassandra.apply(_LINK, *values)
        return device if applied else _address(applied.row)

    def find(self, auth_key: bytes) -> Address | None:
        """See the port."""
        rows = self._cassandra.run(_FIND, base64url.encode(auth_key))
        return _address(rows[0]) if rows else None


def _address(row: Row) -> Address:
    return Address(AccountId(row["account_id"]), DeviceId(row["device_id"]))
