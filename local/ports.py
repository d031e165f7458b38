"""Which ports the local cloud opens, and who holds one that is taken. All are on 127.0.0.1."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.errors import StepError

HOST = "127.0.0.1"

_VARIABLES = {"gateway": "GATEWAY_PORT", "cassandra": "CASSANDRA_PORT", "storage": "CASSANDRA_STORAGE_PORT"}


@dataclass(frozen=True, slots=True)
class Ports:
    """``gateway``: the local AWS. ``cassandra``: CQL. ``storage``: Cassandra opens it for neighbours it never
    has.
    """

    gateway: int = 4566
    cassandra: int = 9042
    storage: int = 7000


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that listens on a port. Without the right to see it, ``pid`` is 0."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def choose(environ: Mapping[str, str], remembered: Path) -> Ports:
    """The ports of this start, and remember them.

    A variable (``GATEWAY_PORT``, ``CASSANDRA_PORT``, ``CASSANDRA_STORAGE_PORT``) wins over what was
    remembered, that over the defaults. ``PORTS=auto`` replaces every taken one by a free one. Raises
    ``StepError`` for a value that is no port.
    """
    known = asdict(Ports())
    if remembered.is_file():
        known.update(json.loads(remembered.read_text()))
    for name, variable in _VARIABLES.items():
        if variable in environ:
            known[name] = _parse(variable, environ[variable])
    if environ.get("PORTS") == "auto":
        for name, variable in _VARIABLES.items():
            if variable not in environ and is_taken(known[name]):
                known[name] = free_port()
    ports = Ports(**known)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    remembered.write_text(json.dumps(asdict(ports)))
    return ports


def check(ports: Ports) -> None:
    """Raise ``StepError`` for the first port that somebody holds, with the exact command that avoids it."""
    for name, port in asdict(ports).items():
        if is_taken(port):
            raise StepError(
                f"Port {port} ({name}) is taken.",
                cause=f"held by {holder(port)}",
                fix=f"{_VARIABLES[name]}={_next_free(port)} make up   (or PORTS=auto make up)",
            )


def is_taken(port: int) -> bool:
    """Whether somebody listens there. Asks by connecting too: some systems let two bind one port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def holder(port: int) -> Holder:
    """Who listens on that port."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            address = connection.laddr
            if (
                connection.status == psutil.CONN_LISTEN
                and address
                and address.port == port
                and connection.pid
            ):
                return Holder(psutil.Process(connection.pid).name(), connection.pid)
    except psutil.Error:
        pass
    return Holder("a process of another user", 0)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def free_ports() -> Ports:
    """Three different free ports."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for probe in (one, two, three):
            probe.bind((HOST, 0))
        return Ports(*(int(probe.getsockname()[1]) for probe in (one, two, three)))


def _next_free(port: int) -> int:
    return next(candidate for candidate in range(port + 1, 65536) if not is_taken(candidate))


def _parse(variable: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise StepError(
            f"{variable}={value} is not a port.", fix=f"{variable} must be a number from 1 to 65535"
        )
    return int(value)
