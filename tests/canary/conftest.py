"""One run for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.canary.flows import FLOWS
from tests.canary.run import Outcome, run


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run of the machine, without the flows that start the cloud anew: those take `make canary`."""
    flows = {name: flow for name, flow in FLOWS.items() if not flow.alone}
    return run(flows, tmp_path_factory.mktemp("canary"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here like all else that needs a local cloud."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.local_only)
