"""A fake server, and clients of it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from heliograph import opening
from heliograph.connection import Timing
from heliograph.home import Home
from heliograph.http import HttpApi
from heliograph.store import seal
from heliograph.store.seal import Argon2
from keyring.backends import fail

from tests.unit.client.fake_server import BASE_URL, FakeServer
from tests.unit.client.memory_keyring import MemoryKeyring
from tests.unit.client.plain_encryption import PlainEncryption
from tests.unit.client.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a fresh server and a directory for stores."""
    return World(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses are cheap here: what they cost is Argon2's matter."""
    monkeypatch.setattr(seal, "NEW_PASSPHRASES", Argon2(iterations=1, lanes=1, memory=8))


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """Keep tests out of the keyring of whoever runs them: this machine has none."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def machine(no_keyring: None) -> MemoryKeyring:
    """Give this machine a keyring."""
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """Let every client of the command line talk with the fake server; profiles live beside the world's."""
    monkeypatch.setenv("HELIOGRAPH_HOME", str(world.directory))
    monkeypatch.setenv("HELIO_PLAIN_STORE", "1")
    monkeypatch.delenv("HELIOGRAPH_SERVER", raising=False)
    monkeypatch.setattr(opening, "SignalEncryption", PlainEncryption)
    monkeypatch.setattr(opening, "WebSocketTransport", lambda: world.server)
    monkeypatch.setattr(opening, "HttpApi", lambda url, clock, _: HttpApi(url, clock, world.server.http()))
    monkeypatch.setattr(opening, "Timing", functools.partial(Timing, answer=0.3, backoff_base=0.01))
    Home().remember_server(BASE_URL)
    return world.server
