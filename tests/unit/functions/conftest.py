"""A backend of fakes that the handlers serve from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.handlers import serving
from tests.fakes.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A backend of fakes; all handlers use it."""
    made = World()
    with serving(made):
        yield made
