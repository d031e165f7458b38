"""Two emulators: mended, as the local cloud runs it, and as it ships."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.local import emulators
from tests.integration.local.emulators import Emulator


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator with every patch."""
    with emulators.running(tmp_path_factory.mktemp("mended")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator without patches: what the probes look at."""
    with emulators.running(tmp_path_factory.mktemp("shipped"), "--as-shipped") as emulator:
        yield emulator
