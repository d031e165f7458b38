"""Device chains: every rule, against whatever a server may send."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from heliograph import signing
from heliograph.device_chain import MAX_ENTRIES, BadChain, Listing, read_listing, verify
from heliograph.ids import AccountId
from heliograph.signing import AuthKey
from hypothesis import given, settings
from hypothesis import strategies as st

ACCOUNT = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
Entry = dict[str, Any]


@functools.cache
def key(number: int) -> AuthKey:
    """The key of a device; always the same."""
    return AuthKey(number.to_bytes(32, "big"))


def statement(entry: Entry, previous: str, account: str = ACCOUNT) -> bytes:
    """What is signed of an entry."""
    rest = [entry[name] for name in ("change", "device", "auth_key", "signer", "time")]
    return signing.chain_bytes(account, entry["number"], previous, *rest)


class Owner:
    """An account whose devices sign what they should; `key(n)` is that of device n."""

    def __init__(self) -> None:
        entry = {"number": 1, "change": "add", "device": 1, "auth_key": key(1).public, "signer": 0}
        self.entries: list[Entry] = [entry | {"time": 1, "signature": "-"}]
        self.live = {1}
        self.devices = {1}

    def head(self) -> str:
        """Hash of the newest entry."""
        previous = "-"
        for entry in self.entries:
            previous = signing.entry_hash(statement(entry, previous), entry["signature"])
        return previous

    def sign(self, signer: int, **members: Any) -> Entry:
        """The next entry with a true signature, whatever it says."""
        entry = {"number": len(self.entries) + 1, "signer": signer, "time": 2, "auth_key": "-"} | members
        return entry | {"signature": key(signer).sign(statement(entry, self.head()))}

    def append(self, entry: Entry) -> Owner:
        """Take an entry in."""
        self.entries.append(entry)
        return self

    def add(self, signer: int, device: int | None = None) -> Owner:
        """Take a device in."""
        device = device or max(self.devices) + 1
        self.append(self.sign(signer, change="add", device=device, auth_key=key(device).public))
        self.live.add(device)
        self.devices.add(device)
        return self

    def remove(self, signer: int, device: int) -> Owner:
        """Remove a device."""
        self.append(self.sign(signer, change="remove", device=device))
        self.live.discard(device)
        return self


@st.composite
def owners(draw: st.DrawFn) -> Owner:
    """Accounts after some changes, each allowed."""
    owner = Owner()
    for _ in range(draw(st.integers(0, 8))):
        signer = draw(st.sampled_from(sorted(owner.live)))
        if len(owner.live) > 1 and draw(st.booleans()):
            owner.remove(signer, draw(st.sampled_from(sorted(owner.live))))
        else:
            owner.add(signer, max(owner.devices) + draw(st.integers(1, 3)))
    return owner


@given(owners())
def test_an_honest_chain_verifies(owner: Owner) -> None:
    """It gives the devices that are live and all that ever were, each with its key, and its head."""
    chain = verify(ACCOUNT, owner.entries)
    assert chain.tip.live == {device: key(device).public for device in owner.live}
    assert chain.tip.devices == {device: key(device).public for device in owner.devices}
    assert (chain.tip.length, chain.tip.head) == (len(owner.entries), owner.head())
    assert (chain.tip.first_hash, chain.tip.first_key) == (chain.hashes[0], key(1).public)


@given(owners(), st.data())
def test_a_chain_extends_its_beginnings_and_nothing_else(owner: Owner, data: st.DataObject) -> None:
    """A shorter one does not extend a longer one, and two that fork do not extend each other."""
    chain = verify(ACCOUNT, owner.entries)
    length = data.draw(st.integers(1, len(owner.entries)))
    beginning = verify(ACCOUNT, owner.entries[:length])
    assert chain.extends(beginning.tip)
    assert beginning.extends(chain.tip) == (length == len(owner.entries))

    fork = Owner()
    fork.entries, fork.live, fork.devices = owner.entries[:length], set(), set(beginning.tip.devices)
    fork.live = set(beginning.tip.live)
    fork.add(min(fork.live), 100)
    forked = verify(ACCOUNT, fork.entries)
    assert forked.extends(beginning.tip)
    assert forked.extends(chain.tip) == (length == len(owner.entries))
    assert not chain.extends(forked.tip)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: value + 1,
    "change": lambda value: "remove" if value == "add" else "add",
    "device": lambda value: value + 1,
    "auth_key": lambda value: key(77).public,
    "signer": lambda value: value + 1,
    "time": lambda value: value + 1,
    "signature": lambda value: key(77).sign(b"anything"),
}


@given(owners(), st.data())
def test_a_history_cannot_be_rewritten(owner: Owner, data: st.DataObject) -> None:
    """Whatever member of whatever entry changes: it does not verify, or does not extend what was pinned."""
    pinned = verify(ACCOUNT, owner.entries).tip
    at, member = (
        data.draw(st.integers(0, len(owner.entries) - 1)),
        data.draw(st.sampled_from(sorted(CHANGES))),
    )
    entries = [dict(entry) for entry in owner.entries]
    entries[at][member] = CHANGES[member](entries[at][member])
    try:
        assert not verify(ACCOUNT, entries).extends(pinned)
    except BadChain:
        assert len(entries) > 1 or member != "time"


@given(owners(), st.data())
def test_entries_cannot_be_dropped_doubled_or_swapped(owner: Owner, data: st.DataObject) -> None:
    """Only cutting off the end leaves a chain, and that is a shorter one."""
    owner.add(min(owner.live))
    at = data.draw(st.integers(0, len(owner.entries) - 2))
    entries = list(owner.entries)
    change = data.draw(st.sampled_from(["drop", "double", "swap"]))
    if change == "drop":
        del entries[at]
    elif change == "double":
        entries.insert(at, entries[at])
    else:
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
    with pytest.raises(BadChain):
        verify(ACCOUNT, entries)


def test_a_chain_is_that_of_its_account() -> None:
    """The entries of one account are none of another."""
    with pytest.raises(BadChain, match="entry 2"):
        verify(AccountId(ACCOUNT[:-1] + "d"), Owner().add(1).entries)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (lambda o: o.sign(9, change="add", device=3, auth_key=key(3).public), "no device by then"),
        (lambda o: o.sign(1, change="add", device=2, auth_key=key(3).public), "never used again"),
        (lambda o: o.sign(1, change="add", device=1, auth_key=key(3).public), "never used again"),
        (lambda o: o.sign(1, change="add", device=3, auth_key=key(2).public), "another device has that key"),
        (lambda o: o.sign(1, change="add", device=3, auth_key="A" * 43), "not an identity key"),
        (lambda o: o.sign(1, change="add", device=3, auth_key="B" * 43), "base64url of so many"),
        (lambda o: o.sign(1, change="add", device=3, auth_key="-"), "BadChain"),
        (lambda o: o.sign(1, change="remove", device=3), "no device"),
        (lambda o: o.sign(1, change="remove", device=2, auth_key=key(2).public), "no device"),
        (lambda o: o.sign(1, change="rename", device=2), "neither add nor remove"),
        (lambda o: o.sign(1, change="add", device=40_000, auth_key=key(3).public), "out of bounds"),
        (lambda o: o.sign(1, change="add", device=3, auth_key=key(3).public, time=-1), "out of bounds"),
        (lambda o: o.sign(1, change="add", device=3, auth_key=key(3).public, number=4), "another number"),
        (
            lambda o: o.sign(1, change="add", device=3, auth_key=key(3).public, number=True),
            "a number is none",
        ),
        (lambda o: {}, "KeyError"),
        (lambda o: "add", "TypeError"),
        (lambda o: None, "TypeError"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused(entry: Callable[[Owner], Any], why: str) -> None:
    """Though the signature is true where there is one, by a device that may sign."""
    owner = Owner().add(1)
    with pytest.raises(BadChain, match=f"entry 3: .*{why}"):
        verify(ACCOUNT, owner.append(entry(owner)).entries)


def test_a_removed_device_signs_nothing_more() -> None:
    """It may sign its own removal; after that it is nobody, and its number is not given again."""
    owner = Owner().add(1).remove(2, 2)
    assert verify(ACCOUNT, owner.entries).tip.live.keys() == {1}
    late = owner.sign(2, change="add", device=3, auth_key=key(3).public)
    with pytest.raises(BadChain, match="entry 4"):
        verify(ACCOUNT, [*owner.entries, late])
    back = owner.sign(1, change="add", device=2, auth_key=key(2).public)
    with pytest.raises(BadChain, match="entry 4"):
        verify(ACCOUNT, [*owner.entries, back])


@pytest.mark.parametrize(
    "member",
    [{"signer": 1}, {"device": 2}, {"signature": "A" * 86}, {"change": "remove"}, {"auth_key": "A" * 43}],
)
def test_the_first_entry_adds_device_1_and_is_signed_by_nobody(member: Entry) -> None:
    """Anything else is no beginning."""
    with pytest.raises(BadChain, match="entry 1"):
        verify(ACCOUNT, [Owner().entries[0] | member])


@pytest.mark.parametrize("entries", [[], None, {}, "chain", 7, [[]], [None]])
def test_what_is_no_chain_is_refused(entries: Any) -> None:
    """Of whatever type it is."""
    with pytest.raises(BadChain):
        verify(ACCOUNT, entries)


def test_a_chain_without_end_is_refused_before_any_work() -> None:
    """No entry of it is looked at."""
    with pytest.raises(BadChain, match="1 to 2048 entries"):
        verify(ACCOUNT, [object()] * (MAX_ENTRIES + 1))  # type: ignore[list-item]


def test_two_spellings_of_a_signature_are_one_too_many() -> None:
    """The hash covers the text: whoever relays a chain must not be able to fork it."""
    owner = Owner().add(1)
    signature = owner.entries[1]["signature"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = signature[:-1] + last[last.index(signature[-1]) + 1]
    owner.entries[1]["signature"] = other
    with pytest.raises(BadChain, match="entry 2"):
        verify(ACCOUNT, owner.entries)


def answer(**members: Any) -> dict[str, Any]:
    """An account as the server shows it."""
    devices = [{"device": 1, "auth_key": key(1).public, "added_at": 1}]
    chain = {"length": 1, "head": "h"}
    shown = {"account": ACCOUNT, "handle": "alice", "version": 1, "devices": devices, "chain": chain}
    return shown | members


def test_a_listing_is_read() -> None:
    """Members that this version does not know change nothing; a retired account has no devices."""
    listing = Listing(ACCOUNT, "alice", 1, {1: key(1).public}, 1, "h")
    assert read_listing(answer(more=1)) == listing
    assert read_listing(answer(devices=[])).devices == {}


@pytest.mark.parametrize(
    "members",
    [
        {"devices": None},
        {"devices": [1]},
        {"devices": [{"device": 1}]},
        {"devices": [{"device": 1, "auth_key": "short"}]},
        {"devices": [{"device": True, "auth_key": key(1).public}]},
        {"devices": [{"device": 1, "auth_key": key(1).public}] * 2},
        {"devices": [{"device": n, "auth_key": key(1).public} for n in range(1, 99)]},
        {"version": "1"},
        {"handle": 1},
        {"handle": "x" * 1000},
        {"account": None},
        {"chain": None},
        {"chain": {"length": 0, "head": "h"}},
        {"chain": {"length": 1}},
    ],
)
def test_a_listing_of_another_shape_is_refused(members: dict[str, Any]) -> None:
    """As what a server shows that is no server of this kind, or lies."""
    with pytest.raises(BadChain):
        read_listing(answer(**members))


MEMBERS = st.sampled_from(["devices", "chain", "account", "length", "device", "x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@settings(max_examples=50)
@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(MEMBERS, inner)))
def test_any_json_is_a_chain_or_refused(value: Any) -> None:
    """Nothing else ever comes out of reading what a server sent."""
    for read in (read_listing, functools.partial(verify, ACCOUNT)):
        with pytest.raises(BadChain):
            read(value)
