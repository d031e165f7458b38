"""``make probe`` against a local cloud: everything is as assumed, or a difference that is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.cloudformation_types import cassandra_session
from operations.probe import __main__ as command
from operations.probe.app import KEYSPACE
from operations.probe.place import local_place
from operations.probe.probes import REGISTER

pytestmark = pytest.mark.integration


def test_the_local_cloud_differs_where_it_is_known_to_and_nowhere_else(tmp_path: Path) -> None:
    """Every quick probe is answered; one that differs says that the emulator or our code has changed.

    Nothing of the probes stays behind.
    """
    kept = os.environ.get("HELIOGRAPH_E2E_STATE")
    told: list[str] = []
    with LocalCloud(Path(kept) if kept else tmp_path) as cloud:
        probes = list(REGISTER.probes.values())
        answers = command.run(local_place(cloud), probes, with_slow=False, tell=told.append)
        with cassandra_session(cloud.cassandra_port) as session:
            query = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s"
            assert not list(session.execute(query, [KEYSPACE]))

    assert not [line for line in told if "differs" in line], "\n".join(told)
    unanswered = {answer.probe.name for answer in answers if answer.verdict == "not answered"}
    assert unanswered == {"tables-of-the-stage"}, "\n".join(told)
    assert {a.probe.name for a in answers if a.verdict == "known difference"} == {
        probe.name for probe in probes if probe.local is not None and not probe.minutes
    }
    assert {a.probe.name for a in answers} == set(REGISTER.probes)
