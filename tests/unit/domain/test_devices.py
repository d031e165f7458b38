"""Device lists."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from chat.domain.device_chain import ChainEntry
from chat.domain.devices import Device, DeviceList, Difference
from chat.domain.ids import AccountId, DeviceId


def entry(number: int, device: int, key: bytes = b"") -> ChainEntry:
    """One that device 1 signed: it adds a device with ``key``, or removes it."""
    change = "add" if key else "remove"
    return ChainEntry(number, change, DeviceId(device), key, DeviceId(1), 7, b"s")  # type: ignore[arg-type]


def devices(*live: int, next_device: int = 6, version: int = 4) -> DeviceList:
    """A list with those live devices."""
    made = tuple(Device(DeviceId(d), b"key %d" % d, 0, "name") for d in live)
    return DeviceList(AccountId("a"), "alice", version, next_device, made)


@pytest.mark.parametrize(
    ("live", "named", "besides", "difference"),
    [
        ((1, 2), (1, 2), None, None),
        ((1, 2), (2, 1), None, None),
        ((1, 2), (2,), 1, None),
        ((1,), (), 1, None),
        ((1, 2), (1,), None, Difference(4, (2,), (), ())),
        ((1, 2), (), None, Difference(4, (1, 2), (), ())),
        ((2,), (1, 2), None, Difference(4, (), (), (1,))),
        ((1,), (1, 6), None, Difference(4, (), (6,), ())),
        ((1, 4), (2, 3, 9, 7), None, Difference(4, (1, 4), (7, 9), (2, 3))),
        ((1, 2), (1, 2), 1, Difference(4, (), (1,), ())),
    ],
)
def test_difference(
    live: Collection[int], named: Collection[int], besides: int | None, difference: Difference | None
) -> None:
    """Missing, never on the list, removed; the sending device itself may not be among its own copies."""
    assert devices(*live).difference(named, besides=besides) == difference


def test_a_number_is_never_used_again() -> None:
    """Not even that of the newest device, when it was removed."""
    before = devices(1, next_device=2)

    after = (
        before.with_device(entry(1, 2, b"b"), "second", 5)
        .without(DeviceId(2))
        .with_device(entry(2, 3, b"c"), "third", 6)
    )

    assert [(d.device, d.linked_by) for d in after.devices] == [(1, None), (3, 1)]
    assert (after.version, after.next_device, after.chain.length) == (7, 4, 2)


def test_who_goes_without_a_signature_has_lapsed() -> None:
    """It stays in the chain until an entry removes it; one that was signed out at once never lapses."""
    unsigned = devices(1, 2, 3).without(DeviceId(2), DeviceId(5))

    signed = unsigned.signed_out(entry(1, 3)).signed_out(entry(2, 2))

    assert (unsigned.lapsed, unsigned.chain.length) == ((2,), 0)
    assert ([d.device for d in signed.devices], signed.lapsed) == ([1], ())
    assert (signed.version, signed.chain.length) == (7, 2)


def test_finding() -> None:
    """By number and by key, live ones only."""
    have = devices(1, 3)

    assert have.find(DeviceId(3)) == have.find_key(b"key 3")
    assert have.find(DeviceId(2)) is None
    assert have.find_key(b"key 2") is None
