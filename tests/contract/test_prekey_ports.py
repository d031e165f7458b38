"""The rules of the port for prekeys on the fake of the unit tests."""

from __future__ import annotations

import pytest

from tests.contract.prekey_ports import TestPrekeys  # noqa: F401 - collected here
from tests.fakes.prekeys import FakePrekeys


@pytest.fixture
def prekeys() -> FakePrekeys:
    """Fresh ones."""
    return FakePrekeys()
