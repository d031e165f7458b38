"""The device list chain of an account, verified: who may be a device of it, signed by its own devices.

Pure: nothing here asks a server or a store. All that comes in is the server's word, which may be a lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliograph import signing
from heliograph.crypto import primitives
from heliograph.ids import AccountId, base64url, from_base64url

NONE = "-"
"""Stands where an entry has no key, no signature, or nothing before it."""

MAX_ENTRIES = 2_048
"""Longest chain that is verified: a second of work."""
MAX_LISTED = 64
"""Most devices of a list that are looked at; a server allows a few."""
LAST_DEVICE = 32_767
LAST_TIME = 2**53


class BadChain(ValueError):
    """What the server shows is no chain of the account, or no list that fits one."""


@dataclass(frozen=True, slots=True)
class ChainTip:
    """What is kept of a chain that was verified from its first entry to its head.

    Attributes:
        length: Number of entries.
        head: Hash of the newest one, base64url.
        first_hash: Hash of entry 1: with its key it is what a safety number covers.
        first_key: Key in entry 1, base64url.
        live: Device -> auth key (base64url) of the devices that were added and not removed.
        devices: The same of all devices that there ever were.
    """

    length: int
    head: str
    first_hash: str
    first_key: str
    live: Mapping[int, str]
    devices: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that was verified: its tip, and the hashes of its entries in order."""

    tip: ChainTip
    hashes: tuple[str, ...]

    def extends(self, tip: ChainTip) -> bool:
        """Tell whether this is the chain of that tip, or a longer one that begins with it."""
        return tip.length <= len(self.hashes) and self.hashes[tip.length - 1] == tip.head


@dataclass(frozen=True, slots=True)
class Listing:
    """What the server shows of an account, taken over in its shape only.

    Attributes:
        account: The account.
        handle: Its handle.
        version: Version of the list.
        devices: Device -> auth key; none: the account is retired.
        length: Length of the chain.
        head: Hash of its newest entry.
    """

    account: AccountId
    handle: str
    version: int
    devices: Mapping[int, str]
    length: int
    head: str


def read_listing(answer: Mapping[str, Any]) -> Listing:
    """Read the account out of an answer.

    Raises:
        BadChain: It has another shape.
    """
    try:
        rows = answer["devices"]
        if not isinstance(rows, list) or len(rows) > MAX_LISTED:
            raise BadChain("the device list has another shape")
        devices = {_int(row["device"], 1, LAST_DEVICE): _key(row["auth_key"]) for row in rows}
        if len(devices) != len(rows):
            raise BadChain("a device is on the list twice")
        chain = answer["chain"]
        return Listing(
            AccountId(_text(answer["account"])),
            _text(answer["handle"]),
            _int(answer["version"], 1, LAST_TIME),
            devices,
            _int(chain["length"], 1, MAX_ENTRIES),
            _text(chain["head"]),
        )
    except (KeyError, TypeError) as problem:
        raise BadChain(f"the answer has another shape: {problem!r}") from problem


def verify(account: AccountId, entries: Sequence[Mapping[str, Any]]) -> Chain:
    """Verify all entries of an account's chain: one signature and two hashes each.

    Entry 1 adds device 1 and is signed by nobody: it is what a first contact pins and a safety number covers.
    Each other entry is signed, over the hash of the one before, by a device that is live by then.

    Args:
        account: Whose chain it must be.
        entries: As on the wire, from entry 1 on.

    Raises:
        BadChain: At the first entry that breaks a rule.
    """
    if not isinstance(entries, list | tuple) or not 0 < len(entries) <= MAX_ENTRIES:
        raise BadChain(f"a chain has 1 to {MAX_ENTRIES} entries")
    hashes: list[str] = []
    live: dict[int, str] = {}
    devices: dict[int, str] = {}
    for number, entry in enumerate(entries, 1):
        try:
            hashes.append(_append(account, number, hashes[-1] if hashes else NONE, entry, live, devices))
        except (BadChain, KeyError, TypeError, ValueError, AttributeError) as problem:
            raise BadChain(f"entry {number}: {problem!r}") from problem
    return Chain(ChainTip(len(hashes), hashes[-1], hashes[0], devices[1], live, devices), tuple(hashes))


def _append(
    account: AccountId,
    number: int,
    previous: str,
    entry: Mapping[str, Any],
    live: dict[int, str],
    devices: dict[int, str],
) -> str:
    """Take one entry in, and give its hash."""
    change, device = entry["change"], _int(entry["device"], 1, LAST_DEVICE)
    signer, time = _int(entry["signer"], 0, LAST_DEVICE), _int(entry["time"], 0, LAST_TIME)
    key, signature = _text(entry["auth_key"]), _text(entry["signature"])
    if _int(entry["number"], 1, MAX_ENTRIES) != number:
        raise BadChain("it has another number")
    statement = signing.chain_bytes(account, number, previous, change, device, key, signer, time)
    if number == 1:
        if (change, device, signer, signature) != ("add", 1, 0, NONE):
            raise BadChain("the first entry adds device 1, signed by nobody")
    elif signer not in live:
        raise BadChain("its signer is no device by then")
    else:
        primitives.verify(from_base64url(live[signer]), _bytes(signature, 64), statement)
    if change == "add":
        if device <= max(devices, default=0):
            raise BadChain("the number of a device is never used again")
        if _key(key) in live.values():
            raise BadChain("another device has that key")
        primitives.agreement_key(from_base64url(key))  # refuses a point that any signature would fit
        live[device] = devices[device] = key
    elif change == "remove":
        if key != NONE or live.pop(device, None) is None:
            raise BadChain("it removes what is no device")
    else:
        raise BadChain("it is neither add nor remove")
    return signing.entry_hash(statement, signature)


def _int(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise BadChain("a number is none, or out of bounds")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 128 or not value.isascii():
        raise BadChain("a text is none, or too long")
    return value


def _bytes(text: str, size: int) -> bytes:
    """Decode the one spelling of so many bytes: what is compared as text must not have two."""
    try:
        data = from_base64url(text)
    except ValueError:
        raise BadChain("not base64url") from None
    if len(data) != size or base64url(data) != text:
        raise BadChain("not the base64url of so many bytes")
    return data


def _key(value: object) -> str:
    text = _text(value)
    _bytes(text, 32)
    return text
