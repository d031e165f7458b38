"""The contract of ``make up``: what a person may rely on, with real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local import ports
from local.cloud import LocalCloud
from local.cloudformation_types import cassandra_session
from local.deploy import App
from local.errors import StepError
from local.places import ROOT

pytestmark = pytest.mark.integration

INSERT = "INSERT INTO heliograph.used_proofs (proof, used_at) VALUES (%s, 1) IF NOT EXISTS"
SELECT = "SELECT proof FROM heliograph.used_proofs WHERE proof = %s"


class CommandLine:
    """``python -m local`` on a state of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environ = {
            **os.environ,
            "HELIOGRAPH_STATE_DIR": str(state),
            "PORTS": "auto",
        }
        self.environ.pop("AWS_ENDPOINT_URL", None)

    def __call__(self, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", command],
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def status(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self("status").stdout.splitlines())

    def up(self) -> str:
        done = self("up")
        assert done.returncode == 0, done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A cloud that was started once from an empty state; its first output is in ``first.txt``."""
    run = CommandLine(tmp_path_factory.mktemp("state"))
    try:
        (run.state / "first.txt").write_text(run.up())
        yield run
    finally:
        run("down")


def family(status: dict[str, str]) -> list[psutil.Process]:
    """Every process of a running cloud."""
    supervisor = psutil.Process(int(status["SUPERVISOR_PID"]))
    return [supervisor, *supervisor.children(recursive=True)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that only waits to be collected by its parent holds nothing any more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for something that must become true in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait five seconds for all of them to end; a tenth of one does on an idle machine."""
    end = time.monotonic() + 5
    while alive := [process for process in processes if is_alive(process)]:
        assert time.monotonic() < end, f"still alive: {alive}"
        time.sleep(0.02)


def test_every_step_is_one_line_with_its_time(local: CommandLine) -> None:
    """Piped output names each step once as done, then how to go on."""
    lines = (local.state / "first.txt").read_text().splitlines()
    done = [line.split()[0] for line in lines if " ok " in line]
    assert done == ["local", "cassandra", "deploy", "proof"]
    assert any(line.startswith("Heliograph is up (") for line in lines)
    assert any(f"{local.state}/helio -p alice chat bob" in line for line in lines)


def test_the_printed_command_speaks_for_the_seeded_account(local: CommandLine) -> None:
    """What was printed can be copied into any terminal: alice is known there."""
    done = subprocess.run(
        [local.state / "helio", "-p", "alice", "--help"], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert sorted(path.stem for path in (local.state / "profiles").glob("*.db")) == ["alice", "bob", "carol"]


def test_status_is_lines_for_scripts(local: CommandLine) -> None:
    """A script can evaluate the output, and every address in it answers."""
    status = local.status()
    assert status["STATE"] == "up"
    assert status["BASE_URL"].startswith(f"http://127.0.0.1:{status['GATEWAY_PORT']}/_aws/execute-api/")
    assert status["SOCKET_URL"].startswith(f"ws://127.0.0.1:{status['GATEWAY_PORT']}/_aws/execute-api/")
    assert json.loads(local("status", FORMAT="json").stdout).keys() == status.keys()
    assert int(status["ACCEPTED"]) >= 1  # the proof


def test_up_of_a_running_cloud_tells_its_status(local: CommandLine) -> None:
    """The ports are taken, but by ourselves: that is no error, and nothing new is started."""
    before = local.status()
    done = local("up")
    assert done.returncode == 0
    assert "is up already" in done.stderr
    after = local.status()
    same = [name for name in before if not name.endswith("_LAST_MINUTE")]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_a_taken_port_stops_before_anything_starts(tmp_path: Path) -> None:
    """Who holds it, and what to type instead; no process, no half state."""
    run = CommandLine(tmp_path)
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = run("up", CASSANDRA_PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} (cassandra) is taken." in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert f"CASSANDRA_PORT={port + 1} make up" in done.stderr
    assert run.status()["STATE"] == "down"
    assert not (tmp_path / "cassandra").exists()


def test_nothing_listens_beyond_this_machine(local: CommandLine) -> None:
    """No process of the cloud has a port open on another address than 127.0.0.1."""
    addresses = {
        connection.laddr[0]
        for process in family(local.status())
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_killing_cassandra_alone_loses_nothing_that_was_answered(local: CommandLine) -> None:
    """The fault tests' way: kill -9, a new process on the same data, the rest goes on."""
    status = local.status()
    cloud = LocalCloud(local.state)
    with cassandra_session(cloud.cassandra_port) as session:
        session.execute(INSERT, ("before the kill",))
    cloud.restart_cassandra()
    after = local.status()
    assert after["CASSANDRA_PID"] != status["CASSANDRA_PID"]
    assert after["AWS_PID"] == status["AWS_PID"]
    assert has_row(cloud, "before the kill")


def test_a_second_start_is_quick_offline_and_finds_everything(local: CommandLine) -> None:
    """kill -9 of the emulator takes the rest along; the next start deploys nothing and has the same data."""
    status, processes = local.status(), family(local.status())
    with cassandra_session(int(status["CASSANDRA_PORT"])) as session:
        session.execute(INSERT, ("before the end",))
    os.kill(int(status["AWS_PID"]), signal.SIGKILL)
    wait_until_gone(processes)
    assert local.status()["STATE"] == "down"
    start_without_network(local)
    output = local.up()
    assert "unchanged" in output
    first = (local.state / "first.txt").read_text()
    assert seconds_until_up(output) < seconds_until_up(first)
    again = local.status()
    assert (again["BASE_URL"], again["SOCKET_URL"]) == (status["BASE_URL"], status["SOCKET_URL"])
    assert has_row(LocalCloud(local.state), "before the end")


def seconds_until_up(output: str) -> int:
    """What `up` printed; compared, not bounded: the machine may be busy."""
    return int(output.split("Heliograph is up (")[1].split(maxsplit=1)[0])


def start_without_network(local: CommandLine) -> None:
    """Start and stop once in a network of its own that has nothing but loopback, where the system lets us."""
    isolated = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    if subprocess.run([*isolated, "ip link set lo up"], capture_output=True, check=False).returncode:
        return
    command = f"ip link set lo up && exec {sys.executable} -m local up"
    done = subprocess.run(
        [*isolated, command],
        cwd=ROOT,
        env=local.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert local("down").returncode == 0


def has_row(cloud: LocalCloud, proof: str) -> bool:
    """Whether the row that ``INSERT`` wrote is there."""
    with cassandra_session(cloud.cassandra_port) as session:
        return bool(list(session.execute(SELECT, (proof,))))


def test_down_keeps_the_data_and_reset_drops_them(local: CommandLine) -> None:
    """Down leaves no process; only reset removes the tables."""
    processes = family(local.status())
    assert local("down").returncode == 0
    wait_until_gone(processes)
    assert (local.state / "cassandra" / "data").is_dir()
    assert local("reset").returncode == 0
    assert not (local.state / "cassandra").exists()
    assert not (local.state / "deployed.json").exists()


@pytest.mark.parametrize("victim", ["supervisor", "aws", "cassandra"])
def test_kill_9_of_any_process_leaves_nothing(tmp_path: Path, victim: str) -> None:
    """No process, no port, no lock: the next start just works."""
    cloud = LocalCloud(tmp_path)
    cloud.start_processes(attached=False)
    try:
        cloud.wait_for_aws()
        status = cloud.processes
        supervisor = psutil.Process(status["supervisor"])
        processes = [supervisor, *supervisor.children(recursive=True)]
        assert len(processes) >= 3
        os.kill(status[victim], signal.SIGKILL)
        wait_until_gone(processes)
        assert not cloud.is_running()
        ports.check(cloud.ports)
    finally:
        cloud.stop()


def test_a_cloud_of_a_test_ends_with_the_test(tmp_path: Path) -> None:
    """A test run that is killed leaves no Cassandra behind."""
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom local.cloud import LocalCloud\n"
        "cloud = LocalCloud(Path(sys.argv[1]))\ncloud.start_processes(attached=True)\ncloud.wait_for_aws()\n"
        "print('started', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as test:
        assert test.stdout is not None
        assert test.stdout.readline() == "started\n"
        processes = psutil.Process(test.pid).children(recursive=True)
        test.kill()
    assert len(processes) >= 3
    wait_until_gone(processes)


def test_a_failed_deployment_shows_the_end_of_its_log_and_stops_everything(tmp_path: Path) -> None:
    """The person sees why, and the ports are free again."""
    cloud = LocalCloud(tmp_path, app=App("echo the template is broken; exit 1", ()))
    with pytest.raises(StepError, match="The deployment failed") as failure:
        cloud.start()
    assert "the template is broken" in str(failure.value)
    assert not cloud.is_running()
    ports.check(cloud.ports)


def test_a_keeper_ends_its_child_where_the_system_has_no_death_signal() -> None:
    """Where Linux's signal is missing, the end of a pipe does the same."""
    with subprocess.Popen(
        [sys.executable, "-m", "local.processes", sys.executable, "-c", "import time; time.sleep(60)"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
    ) as keeper:
        wait_until(lambda: bool(psutil.Process(keeper.pid).children()), 5)
        child = psutil.Process(keeper.pid).children()[0]
        assert keeper.stdin is not None
        keeper.stdin.close()
        wait_until_gone([child])
