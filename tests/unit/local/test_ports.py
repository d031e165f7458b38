"""Ports: who holds one, which ones a start takes, what the person is told to type."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ports
from local.errors import StepError
from local.ports import Ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this test listens."""
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_the_holder_of_a_port_is_named_with_its_pid(taken: int) -> None:
    """A taken port is traced to the process that listens on it."""
    assert ports.holder(taken).pid == os.getpid()


def test_a_taken_port_tells_who_holds_it_and_the_exact_fix(taken: int) -> None:
    """The fix is a command that works: a variable with a port that is free, in front of make up."""
    with pytest.raises(StepError) as failure:
        ports.check(Ports(gateway=ports.free_port(), cassandra=taken, storage=ports.free_port()))
    assert f"Port {taken} (cassandra) is taken" in failure.value.what
    assert f"(pid {os.getpid()})" in failure.value.cause
    assert failure.value.fix.startswith("CASSANDRA_PORT=")
    suggested = int(failure.value.fix.split("=")[1].split()[0])
    assert not ports.is_taken(suggested)
    assert failure.value.fix.split(" ", 1)[1].startswith("make up")


def test_free_ports_pass_the_check() -> None:
    """Three free ports raise nothing, so a start goes on."""
    ports.check(ports.free_ports())


def test_a_listener_on_all_addresses_takes_the_port_too() -> None:
    """A server on 0.0.0.0 is found although the local cloud would bind 127.0.0.1 only."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104
        listener.listen()
        assert ports.is_taken(listener.getsockname()[1])


def test_defaults_are_used_where_nothing_is_said(tmp_path: Path) -> None:
    """A first start without variables takes 4566, 9042 and 7000."""
    assert ports.choose({}, tmp_path / "ports.json") == Ports(4566, 9042, 7000)


def test_automatic_ports_replace_taken_ones_and_are_remembered(tmp_path: Path, taken: int) -> None:
    """PORTS=auto moves away from a taken port, and the next start without it uses the same ones again."""
    remembered = tmp_path / "ports.json"
    remembered.write_text(json.dumps({"gateway": taken, "cassandra": ports.free_port(), "storage": 7000}))
    chosen = ports.choose({"PORTS": "auto"}, remembered)
    assert chosen.gateway != taken
    assert not ports.is_taken(chosen.gateway)
    assert ports.choose({}, remembered) == chosen


def test_a_variable_wins_over_what_was_remembered(tmp_path: Path) -> None:
    """What a person types now counts more than an earlier start."""
    remembered = tmp_path / "ports.json"
    ports.choose({"CASSANDRA_PORT": "9043"}, remembered)
    assert ports.choose({"CASSANDRA_PORT": "9044"}, remembered).cassandra == 9044


@pytest.mark.parametrize("value", ["", "0", "65536", "abc", "-1"])
def test_a_value_that_is_no_port_is_refused_by_name(tmp_path: Path, value: str) -> None:
    """A typing error is told by the variable's name instead of a trace."""
    with pytest.raises(StepError, match="GATEWAY_PORT"):
        ports.choose({"GATEWAY_PORT": value}, tmp_path / "ports.json")
