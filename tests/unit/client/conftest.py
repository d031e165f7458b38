"""A fake server, and clients of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a fresh server and a directory for stores."""
    return World(tmp_path)
