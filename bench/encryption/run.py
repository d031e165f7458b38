"""Measure; every function here returns numbers."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heliograph.crypto import envelope, primitives
from heliograph.crypto.ratchet import MAX_SKIPPED, Session, Undecryptable

from bench.cpu.rows import Row, measured
from bench.encryption.store import StoreSize
from bench.encryption.store import measure as store_size
from bench.encryption.talk import Talk

CALLS = 300
MESSAGES = 10_000
HEADER = slice(34, 42)
"""Of an envelope of type 2: pn and n."""


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of something."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """One measurement of all."""

    rows: list[Row]
    sizes: list[Size]
    store: StoreSize


@dataclass(slots=True)
class Case:
    """A call, what is done before each of them without being measured, and its share of the calls."""

    name: str
    prepare: Callable[[], object]
    call: Callable[[], object]
    scale: float = 1.0


def measure(folder: Path, calls: int = CALLS, messages: int = MESSAGES) -> Found:
    """All of it, in a minute or two; stores are made in ``folder``. Raises ``RuntimeError`` if one fails."""
    rows = []
    for case in _cases():
        count = max(1, int(calls * case.scale))
        measured(case.name, case.call, case.prepare, min(10, count))
        rows.append(measured(case.name, case.call, case.prepare, count))
    return Found(rows, sizes(), store_size(folder, messages))


def _cases() -> Iterator[Case]:
    """Each with a conversation of its own."""
    yield Case("make a pool of prekeys, 100 and 20", lambda: None, _prekeys, 0.1)
    fresh = Talk()
    bundle, sealed = fresh.bob.bundle(), [fresh.begin(fresh.bob.bundle())]
    yield Case("begin a session with a first message", lambda: None, lambda: fresh.begin(bundle))
    yield Case("open it: the other side of the session", lambda: None, lambda: fresh.answer(sealed[0]))
    one = Talk().settled()
    yield Case("encrypt", lambda: None, lambda: one.encrypt(one.alice))
    yield _decrypts("decrypt, the next of its chain", Talk().settled(), turns=False)
    yield _decrypts("decrypt, after a turn of the ratchet", Talk().settled(), turns=True)
    lossy = Talk().settled()
    _lose(lossy, MAX_SKIPPED)
    yield _decrypts(f"decrypt, {MAX_SKIPPED:,} skipped keys kept", lossy, turns=False, scale=0.2)
    hostile = Talk().settled()
    _lose(hostile, 0)
    forged = _forged(hostile)
    yield Case("refuse an envelope made to cost most", lambda: None, lambda: _refuse(hostile, forged), 0.2)


def _decrypts(name: str, talk: Talk, *, turns: bool, scale: float = 1.0) -> Case:
    sealed: list[bytes] = []

    def prepare() -> None:
        if turns:
            talk.decrypt(talk.alice, talk.encrypt(talk.bob))
        sealed[:] = [talk.encrypt(talk.alice)]

    return Case(name, prepare, lambda: talk.decrypt(talk.bob, sealed[0]), scale)


def _prekeys() -> None:
    for _ in range(100):
        primitives.public_of(primitives.new_private())
    for _ in range(20):
        primitives.kem_public_of(primitives.new_kem_seed())


def _lose(talk: Talk, count: int) -> None:
    """Send so many that never come, and one that does."""
    session = Session.load(talk.alice.state)
    for _ in range(count):
        session.encrypt(talk.content, talk.named(talk.alice))
    talk.alice.state = session.state()
    talk.decrypt(talk.bob, talk.encrypt(talk.alice))


def _forged(talk: Talk) -> bytes:
    """Another ratchet key, and numbers that skip as many keys in both chains as any may."""
    real, key = talk.encrypt(talk.alice), primitives.public_of(primitives.new_private())
    most = (MAX_SKIPPED).to_bytes(4, "big")
    return real[:2] + key + most + most + real[HEADER.stop :]


def _refuse(talk: Talk, forged: bytes) -> None:
    with warnings.catch_warnings(), contextlib.suppress(Undecryptable):
        warnings.simplefilter("ignore")
        Session.load(talk.bob.state).decrypt(envelope.decode(forged), talk.named(talk.alice))
        raise RuntimeError("it opened")


def sizes() -> list[Size]:
    """Bytes on the wire for a content of up to 319 bytes, and of a session in the store."""
    talk = Talk()
    first = talk.begin(talk.bob.bundle())
    settled = Talk().settled()
    stored = len(settled.bob.state)
    later = settled.encrypt(settled.alice)
    _lose(settled, MAX_SKIPPED - 1)  # and that one
    return [
        Size("envelope of a message before the peer has answered", len(first)),
        Size("envelope of every later one", len(later)),
        Size("a session in the store", stored),
        Size(f"a session with {MAX_SKIPPED:,} skipped keys", len(settled.bob.state)),
    ]
