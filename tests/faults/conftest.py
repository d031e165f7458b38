"""One local cloud for everything here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.__main__ import stage
from tests.faults.world import Stage


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The local cloud of all runs."""
    with stage(tmp_path_factory.mktemp("faults")) as made:
        yield made
