"""Envelopes that nobody should send: refused, without effect, and for a bounded count of operations.

Operations are counted, never time: Diffie-Hellman, steps of chains (two HMACs each), decapsulations.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from doubleratchet.recommended.diffie_hellman_ratchet_curve25519 import DiffieHellmanRatchet
from heliograph.crypto import envelope, primitives, ratchet
from heliograph.crypto.envelope import BadEnvelope
from heliograph.crypto.ratchet import MAX_SKIPPED, Named, Session, Undecryptable
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vectors.second import double_ratchet
from tests.unit.client.crypto.devices import Device

pytestmark = pytest.mark.filterwarnings("ignore:More than 1000 message keys skipped")
SEED = os.environ.get("HELIOGRAPH_FUZZ_SEED", "envelopes")
REPORTED = (BadEnvelope, Undecryptable)
PREFIX, HEADER = 1647, 40

MOST_FOR_A_MESSAGE = {"dh": 2, "chain": 2 * MAX_SKIPPED + 1, "kem": 0}
"""In a session: one turn of the ratchet; the rest of the chain before, and the way to the message."""
MOST_FOR_A_FIRST_ONE = {"dh": 4 + 2, "chain": MAX_SKIPPED + 1, "kem": 1}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was done since it was cleared."""
    counts: Counter[str] = Counter()

    def counting(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counts[kind] += 1
            return real(*arguments)

        return call

    step = ratchet._ChainKdf.derive.__func__
    monkeypatch.setattr(ratchet._ChainKdf, "derive", classmethod(counting("chain", step)))
    turn = DiffieHellmanRatchet._perform_diffie_hellman
    monkeypatch.setattr(DiffieHellmanRatchet, "_perform_diffie_hellman", staticmethod(counting("dh", turn)))
    monkeypatch.setattr(primitives, "agree", counting("dh", primitives.agree))
    monkeypatch.setattr(primitives, "decapsulate", counting("kem", primitives.decapsulate))
    return counts


def within(work: Counter[str], most: dict[str, int]) -> bool:
    """Nothing was done more often."""
    return all(work[kind] <= limit for kind, limit in most.items())


def in_session() -> tuple[Device, Device, list[bytes]]:
    """Alice and Bob, who have answered each other; and envelopes of Alice that Bob has not got."""
    alice, bob = Device("a:1", 1), Device("b:1", 1)
    for number, (one, other) in enumerate([(alice, bob), (bob, alice)] * 2):
        other.decrypt(one, f"m{number}", one.encrypt(other, f"m{number}", b"{}"))
    return alice, bob, [alice.encrypt(bob, f"later{i}", b"{}") for i in range(3)]


def header(key: bytes, pn: int, n: int) -> bytes:
    """A ratchet header."""
    return struct.pack(">32sII", key, pn, n)


@pytest.mark.parametrize(
    ("pn", "n"),
    [(0, 0), (1000, 1000), (1001, 1000), (1000, 1001), (2**32 - 1, 0), (0, 2**32 - 1), (2**32 - 1,) * 2],
)
@pytest.mark.parametrize("new_key", [True, False], ids=["another ratchet key", "the same"])
def test_numbers_in_a_header_buy_no_work(work: Counter[str], pn: int, n: int, new_key: bool) -> None:
    """Whatever pn and n say, at most a thousand keys of each chain are computed, and nothing is kept."""
    alice, bob, (first, *_) = in_session()
    key = primitives.public_of(primitives.new_private()) if new_key else first[2:34]
    before = bob.snapshot()
    work.clear()
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, "later0", first[:2] + header(key, pn, n) + first[2 + HEADER :])
    assert work["chain"] > 0 or n > MAX_SKIPPED
    assert within(work, MOST_FOR_A_MESSAGE)
    assert bob.kept == before


@pytest.mark.parametrize("n", [0, 1000, 1001, 2**32 - 1])
def test_a_first_message_buys_one_agreement(work: Counter[str], n: int) -> None:
    """A first message that does not open costs one agreement and at most a thousand keys; prekeys stay."""
    alice, bob = Device("a:1"), Device("b:1", 1)
    first = alice.encrypt(bob, "m", b"{}")
    before = bob.snapshot()
    work.clear()
    rest = header(first[PREFIX : PREFIX + 32], 0, n) + first[PREFIX + HEADER : -1] + bytes([first[-1] ^ 1])
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, "m", first[:PREFIX] + rest)
    assert within(work, MOST_FOR_A_FIRST_ONE)
    assert work["kem"] == 1
    assert bob.kept == before


def test_what_somebody_else_signs_for_costs_nothing(work: Counter[str]) -> None:
    """A first message with an identity key that is not the sender's is refused before any computation."""
    alice, bob, mallory = Device("a:1"), Device("b:1", 1), Device("m:1")
    alice_as_mallory = Named("m", alice.address, alice.key, bob.address, bob.key)
    _, sealed = Session.begin(mallory.identity, bob.bundle(), b"{}", alice_as_mallory)
    work.clear()
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, "m", sealed)
    assert not work


def test_skipped_keys_are_kept_up_to_a_thousand() -> None:
    """Of the messages that were skipped in two chains, the last thousand open; older ones are reported."""
    alice, bob, later = in_session()
    skipped = [(f"later{i}", sealed) for i, sealed in enumerate(later)]
    for turn in range(2):
        skipped += [(f"t{turn}.{i}", alice.encrypt(bob, f"t{turn}.{i}", b"{}")) for i in range(601)]
        bob.decrypt(alice, *skipped.pop())
        alice.decrypt(bob, f"r{turn}", bob.encrypt(alice, f"r{turn}", b"{}"))
    oldest = len(skipped) - MAX_SKIPPED
    for number in (0, oldest - 1):
        with pytest.raises(Undecryptable):
            bob.decrypt(alice, *skipped[number])
    for number in (oldest, oldest + 1, 603, 604, len(skipped) - 1):
        assert bob.decrypt(alice, *skipped[number]) == b"{}"


def test_a_chain_that_ended_too_far_away_is_given_up() -> None:
    """Where more than a thousand of the chain before were lost, its keys are given up; the talk goes on."""
    alice, bob, later = in_session()
    bob.decrypt(alice, "later0", later[0])
    lost = [alice.encrypt(bob, f"lost{i}", b"{}") for i in range(MAX_SKIPPED)]
    alice.decrypt(bob, "r", bob.encrypt(alice, "r", b"{}"))
    assert bob.decrypt(alice, "on", alice.encrypt(bob, "on", b"{}")) == b"{}"
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, "lost999", lost[-1])


def test_a_store_that_came_back_unnoticed_uses_no_key_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message key that is used for two messages gives each its own AES key, HMAC key and IV."""
    alice, bob, _ = in_session()
    copy, found = alice.snapshot(), []
    real = primitives.derive

    def seen(secret: bytes, info: bytes, length: int) -> bytes:
        found.append((secret, real(secret, info, length)))
        return found[-1][1]

    monkeypatch.setattr(primitives, "derive", seen)
    one = alice.encrypt(bob, "before", b"one text")
    alice.kept = copy
    other = alice.encrypt(bob, "after", b"another text")
    (key, first), (same, second) = found
    assert key == same
    assert one[2 : 2 + HEADER] == other[2 : 2 + HEADER]
    parts = [(keys[:32], keys[32:64], keys[64:]) for keys in (first, second)]
    assert all(mine != theirs for mine, theirs in zip(*parts, strict=True))


def test_padding_that_nobody_makes_is_reported() -> None:
    """A peer who does not pad as everybody is reported, not delivered."""
    alice, bob, _ = in_session()
    session = Session.load(alice.kept.sessions[bob.address][0])
    named = Named("m", alice.address, alice.key, bob.address, bob.key)
    message = ratchet._run(session._ratchet.encrypt_message(b"{}" + bytes(30), named.associated(b"")))
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, "m", envelope.encode(b"", message))


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=300) | st.binary(min_size=1, max_size=64).map(lambda some: some * 128))
def test_random_bytes_are_reported(data: bytes) -> None:
    """Any bytes are an envelope or are refused; ours begin with 1 and a type."""
    for start in (b"", b"\x01\x01", b"\x01\x02"):
        try:
            found = envelope.decode(start + data)
        except BadEnvelope:
            continue
        whole = start + data
        assert len(whole) <= envelope.MAX_BYTES
        assert whole[0] == 1
        assert found.message is None or envelope.encode(found.prefix, found.message) == whole


def test_mangled_envelopes_do_nothing(work: Counter[str]) -> None:
    """Real envelopes cut, extended, spliced and overwritten at random: reported, bounded, without effect."""
    random = Random(SEED)
    alice, bob, later = in_session()
    stranger = Device("s:1")
    firsts = [stranger.encrypt(bob, f"later{i}", b"{}") for i in range(2)]
    before = bob.snapshot()
    for number in range(600):
        sender, sealed = random.choice([(alice, later[0]), (stranger, firsts[0])])
        changed = mangled(random, sealed, random.choice(later + firsts))
        if changed == sealed:
            continue
        work.clear()
        note = f"HELIOGRAPH_FUZZ_SEED={SEED}, number {number}"
        assert refused(bob, sender, changed), note
        assert within(work, {"dh": 6, "chain": 2 * MAX_SKIPPED + 1, "kem": 1}), note
        assert bob.kept == before, note
    assert bob.decrypt(alice, "later0", later[0]) == b"{}"


def refused(recipient: Device, sender: Device, sealed: bytes) -> bool:
    """Whether a message is reported."""
    try:
        recipient.decrypt(sender, "later0", sealed)
    except REPORTED:
        return True
    return False


def mangled(random: Random, sealed: bytes, other: bytes) -> bytes:
    """One to three changes."""
    found = bytearray(sealed)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(found) + 1)
        match random.randrange(6):
            case 0:
                found = found[:at]
            case 1:
                found[at:at] = random.randbytes(random.choice((1, 16, 160)))
            case 2:
                found[at : at + 32] = random.randbytes(32)
            case 3:
                found[at : at + 4] = random.choice((bytes(4), b"\xff" * 4, b"\x00\x00\x03\xe8"))
            case 4:
                found = found[:at] + bytearray(other[at:])
            case 5:
                del found[at : at + random.choice((1, 16, 32))]
    return bytes(found)


def test_the_second_implementation_counts_alike() -> None:
    """A thousand skipped open and one more does not, in both implementations."""
    alice, bob = Device("a:1"), Device("b:1")
    secret, signed = secrets.token_bytes(32), primitives.new_private()
    sending = double_ratchet.State.alice(secret, primitives.public_of(signed), primitives.new_private)
    sealed = [sending.encrypt(b"", b"") for _ in range(MAX_SKIPPED + 2)]
    for number, opens in ((MAX_SKIPPED, True), (MAX_SKIPPED + 1, False)):
        state = double_ratchet.State.bob(secret, signed, primitives.new_private)
        if opens:
            assert state.decrypt(sealed[number], b"") == b""
        else:
            with pytest.raises(double_ratchet.Refused):
                state.decrypt(sealed[number], b"")
    ours = [(f"m{i}", alice.encrypt(bob, f"m{i}", b"{}")) for i in range(MAX_SKIPPED + 2)]
    with pytest.raises(Undecryptable):
        bob.decrypt(alice, *ours[-1])
    assert bob.decrypt(alice, *ours[-2]) == b"{}"
