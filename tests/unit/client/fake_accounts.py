"""The accounts of the fake server: handles, device lists, and their chains with true signatures."""

from __future__ import annotations

import time
from typing import Any

from heliograph import signing
from heliograph.ids import AccountId, mint
from heliograph.signing import AuthKey, Identity

from tests.unit.client.contract import verify


class FakeAccounts:
    """Accounts as the real server keeps them: ``accounts[id]`` is a dict with

    ``handle``, ``version``, ``devices`` (number to key), ``chain`` (entries as on the wire), ``lapsed`` and
    ``next_device``.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self.connects: dict[str, int] = {}
        self.time_offset = 0

    def now(self) -> int:
        """Give the server's time in ms."""
        return time.time_ns() // 1_000_000 + self.time_offset

    def add_account(self, handle: str, key: str) -> str:
        """Make an account with one device; its first entry is unsigned, as the server makes it."""
        account, now = mint(self.now()), self.now()
        first = {"number": 1, "change": "add", "device": 1, "auth_key": key, "signer": 0, "time": now}
        self.accounts[account] = {
            "handle": handle,
            "version": 1,
            "devices": {1: key},
            "chain": [first | {"signature": "-"}],
            "lapsed": [],
            "next_device": 2,
        }
        return account

    def holder(self, handle: str) -> str | None:
        """Find the live account with a handle."""
        live = [a for a, value in self.accounts.items() if value["handle"] == handle and value["devices"]]
        return live[0] if live else None

    def head(self, account: str) -> str:
        """Compute the hash of the newest entry, from the first one on."""
        previous = "-"
        for entry in self.accounts[account]["chain"]:
            previous = signing.entry_hash(_statement(account, previous, entry), entry["signature"])
        return previous

    def signed_entry(self, by: Identity, change: str, device: int, auth_key: str = "-") -> dict[str, Any]:
        """Make the next entry of the chain of ``by``, signed by it."""
        entry = {
            "number": len(self.accounts[by.account]["chain"]) + 1,
            "change": change,
            "device": device,
            "auth_key": auth_key,
            "signer": by.device,
            "time": self.now(),
        }
        statement = _statement(by.account, self.head(by.account), entry)
        return entry | {"signature": by.key.sign(statement)}

    def append(self, account: str, entry: dict[str, Any]) -> bool:
        """Take an entry in, and change the list by it; a signature that is wrong fails the test.

        False if another entry came first.
        """
        value = self.accounts[account]
        device, signer = entry["device"], value["devices"][entry["signer"]]
        if entry["number"] != len(value["chain"]) + 1:
            return False
        verify(signer, entry["signature"], _statement(account, self.head(account), entry))
        if entry["change"] == "add":
            assert device == value["next_device"]
            value["devices"][device] = entry["auth_key"]
            value["next_device"] += 1
        else:
            value["devices"].pop(device, None)
            value["lapsed"] = [lapsed for lapsed in value["lapsed"] if lapsed != device]
        value["chain"].append({name: entry[name] for name in _ENTRY})
        value["version"] += 1
        return True

    def add_device(self, by: Identity, key: str | None = None) -> int:
        """Take in a device that no client runs for, signed by ``by``; give its number."""
        device: int = self.accounts[by.account]["next_device"]
        key = key or AuthKey.generate().public
        self.append(by.account, self.signed_entry(by, "add", device, key))
        return device

    def lapse(self, account: str, device: int) -> None:
        """Take a device off the list as the server does by itself: nobody signs, so it stays in the chain."""
        value = self.accounts[account]
        if value["devices"].pop(device, None) is not None:
            value["lapsed"].append(device)
            value["version"] += 1

    def public(self, account: str) -> dict[str, Any]:
        """Say what everybody may know of an account."""
        value = self.accounts[account]
        return {
            "account": AccountId(account),
            "handle": value["handle"],
            "version": value["version"],
            "devices": [{"device": n, "auth_key": key, "added_at": 1} for n, key in value["devices"].items()],
            "chain": self._chain(account),
        }

    def own(self, account: str) -> dict[str, Any]:
        """Say what the account's own devices may know."""
        value = self.accounts[account]
        devices: list[dict[str, Any]] = [
            {"device": n, "auth_key": key, "added_at": 1, "name": "a device"}
            for n, key in value["devices"].items()
        ]
        for entry in devices:
            if number := self.connects.get(f"{account}:{entry['device']}"):
                entry["seen_at"] = number
        return {
            "account": account,
            "version": value["version"],
            "devices": devices,
            "chain": self._chain(account),
            "next_device": value["next_device"],
            "lapsed": value["lapsed"],
        }

    def _chain(self, account: str) -> dict[str, Any]:
        return {"length": len(self.accounts[account]["chain"]), "head": self.head(account)}


_ENTRY = ("number", "change", "device", "auth_key", "signer", "time", "signature")


def _statement(account: str, previous: str, entry: dict[str, Any]) -> bytes:
    return signing.chain_bytes(
        account,
        entry["number"],
        previous,
        *(entry[name] for name in ("change", "device", "auth_key", "signer", "time")),
    )
