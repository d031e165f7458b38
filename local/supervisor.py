"""The parent of all processes of one local cloud: it starts them, watches them and takes them along when it
ends.

``python -m local.supervisor --state DIR --ports 4566,9042,7000``. SIGTERM stops everything in order. A ``kill
-9`` of it leaves nothing either: its children end with it. Where a child ends by itself, the rest is stopped
and the exit status is 1. SIGUSR2 kills Cassandra with SIGKILL and starts it again, SIGUSR1 ends
the local AWS in order and starts it again on the state it saved: the fault tests use both.
With ``--attached`` it also ends when its standard input does, so a test that dies takes it along.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from local import cassandra
from local.places import ROOT, Places
from local.ports import HOST, Ports
from local.processes import start_child

ALREADY_RUNNING = 3


class Supervisor:
    """Starts Cassandra and the local AWS and waits until one of them ends or somebody wants them to."""

    def __init__(self, places: Places, ports: Ports, *, as_shipped: bool = False) -> None:
        self._places, self._ports, self._as_shipped = places, ports, as_shipped
        self._stop, self._restart_cassandra, self._restart_aws = (threading.Event() for _ in range(3))
        self._cassandra_command = cassandra.prepare(places.cassandra, ports)

    def run(self, *, attached: bool) -> int:
        """Run until asked to stop (0) or until a child ended by itself (1)."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self._on_signal)
        if attached:
            threading.Thread(target=self._stop_at_end_of_input, daemon=True).start()
        aws, database = self._start_aws(), self._start_cassandra()
        try:
            self._write_processes(aws, database)
            while not self._stop.wait(0.1):
                if self._restart_cassandra.is_set():
                    self._restart_cassandra.clear()
                    _kill(database)
                    database = self._start_cassandra()
                    self._write_processes(aws, database)
                if self._restart_aws.is_set():
                    self._restart_aws.clear()
                    _end(aws)
                    aws = self._start_aws()
                    self._write_processes(aws, database)
                for name, child in (("local aws", aws), ("cassandra", database)):
                    if child.poll() is not None:
                        print(f"{name} ended with {child.returncode}, stopping the rest", flush=True)
                        return 1
            return 0
        finally:
            # Cassandra writes through, so a kill loses nothing and is quicker than its own shutdown.
            _kill(database)
            _end(aws)
            self._places.processes.unlink(missing_ok=True)

    def _start_aws(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "local.emulator"]
        command += ["--port", str(self._ports.gateway), "--state", str(self._places.aws)]
        if self._as_shipped:
            command.append("--as-shipped")
        environ = {
            **os.environ,
            "CASSANDRA_CONTACT_POINTS": HOST,
            "CASSANDRA_PORT": str(self._ports.cassandra),
            "CASSANDRA_AUTH": "none",
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self._ports.gateway}",
        }
        return start_child(
            command, log=self._places.log("aws"), environ=environ, cwd=ROOT, at_parents_death=signal.SIGTERM
        )

    def _start_cassandra(self) -> subprocess.Popen[bytes]:
        return start_child(
            self._cassandra_command,
            log=self._places.log("cassandra"),
            environ=os.environ,
            cwd=self._places.cassandra,
            at_parents_death=signal.SIGKILL,
        )

    def _write_processes(self, aws: subprocess.Popen[bytes], database: subprocess.Popen[bytes]) -> None:
        facts = {
            "supervisor": os.getpid(),
            "aws": aws.pid,
            "cassandra": database.pid,
            "ports": asdict(self._ports),
            "started": int(time.time()),
        }
        partial = self._places.processes.with_suffix(".partial")
        partial.write_text(json.dumps(facts))
        partial.rename(self._places.processes)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        restarts = {signal.SIGUSR1: self._restart_aws, signal.SIGUSR2: self._restart_cassandra}
        restarts.get(signal.Signals(number), self._stop).set()

    def _stop_at_end_of_input(self) -> None:
        while os.read(0, 1024):
            pass
        self._stop.set()


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a local cloud; gives whether it could be had. The system frees it with the process."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end by closing its input; it saves its state then. Insist after ten seconds."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        _kill(child)


def main(arguments: list[str] | None = None) -> int:
    """Run the supervisor; 3 when another one has the state."""
    parser = argparse.ArgumentParser(prog="local.supervisor")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ports", required=True)
    parser.add_argument("--attached", action="store_true")
    parser.add_argument("--as-shipped", action="store_true")
    options = parser.parse_args(arguments)
    ports = Ports(*(int(port) for port in options.ports.split(",")))
    with locked(Places(options.state).lock) as mine:
        if not mine:
            return ALREADY_RUNNING
        supervisor = Supervisor(Places(options.state), ports, as_shipped=options.as_shipped)
        return supervisor.run(attached=options.attached)


if __name__ == "__main__":
    sys.exit(main())
