"""The rules of the ports for codes on the fakes of the unit tests."""

from __future__ import annotations

import pytest

from tests.contract.code_ports import TestCodes, TestSpending  # noqa: F401 - collected here
from tests.fakes.codes import FakeCodes, FakeSpending


@pytest.fixture
def codes() -> FakeCodes:
    """Fresh ones."""
    return FakeCodes()


@pytest.fixture
def spending() -> FakeSpending:
    """A fresh one."""
    return FakeSpending()
