"""Entries of device chains in Cassandra: ``chain_by_account``, and their JSON."""

from __future__ import annotations

import json
from typing import Any

from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from chat.domain import base64url
from chat.domain.device_chain import ChainEntry
from chat.domain.ids import AccountId, DeviceId

_KEEP = Statement(
    "INSERT INTO heliograph.chain_by_account (account_id, number, entry) VALUES (?, ?, ?) IF NOT EXISTS"
)
_KEPT = Statement("SELECT entry FROM heliograph.chain_by_account WHERE account_id = ?")


class CassandraChains:
    """:class:`chat.ports.accounts.Chains` on ``chain_by_account``."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    def keep(self, account: AccountId, entry: ChainEntry) -> None:
        """See the port. An entry that is there already is this one: only what the list holds gets here."""
        text = json.dumps(entry_out(entry), separators=(",", ":"))
        self._cassandra.apply(_KEEP, account, entry.number, text)

    def kept(self, account: AccountId) -> list[ChainEntry]:
        """See the port."""
        return [entry_in(json.loads(row["entry"])) for row in self._cassandra.run(_KEPT, account)]


def entry_out(entry: ChainEntry) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "number": entry.number,
        "change": entry.change,
        "device": entry.device,
        "auth_key": base64url.encode(entry.auth_key),
        "signer": entry.signer,
        "time": entry.time,
        "signature": base64url.encode(entry.signature),
    }


def entry_in(raw: dict[str, Any]) -> ChainEntry:
    """The entry of its JSON."""
    return ChainEntry(
        number=raw["number"],
        change=raw["change"],
        device=DeviceId(raw["device"]),
        auth_key=base64url.decode(raw["auth_key"]),
        signer=DeviceId(raw["signer"]),
        time=raw["time"],
        signature=base64url.decode(raw["signature"]),
    )
