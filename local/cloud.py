"""One local cloud, as ``make up`` and the tests use it: start it, deploy to it, stop it.

    with LocalCloud(tmp_path) as cloud:
        requests.get(cloud.base_url + "/.well-known/heliograph")

As a context manager it is attached: it ends with the process that started it, however that ends.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from local import cassandra, deploy
from local.cassandra_schema import differences
from local.deploy import App, Deployment
from local.errors import StepError
from local.jars import cassandra_jars
from local.places import ROOT, Places
from local.ports import HOST, Ports, check, free_ports
from local.supervisor import locked

#: Seconds within which Cassandra must accept clients; a cold disk takes ten.
START_SECONDS = 60.0


class LocalCloud:
    """A local AWS and a Cassandra with a state of their own.

    ``extra_env`` goes into the environment of the emulator and so of every function. ``decorate`` names a
    ``module:function`` that wraps the services of the functions (barriers and faults of tests; never in a
    template). ``as_shipped`` leaves the patches of the emulator out, for their probes.
    """

    def __init__(
        self,
        state_dir: Path,
        ports: Ports | Literal["auto"] = "auto",
        *,
        app: App | None = None,
        extra_env: Mapping[str, str] | None = None,
        decorate: str = "",
        as_shipped: bool = False,
    ) -> None:
        self.places = Places(Path(state_dir).resolve())
        self.app = app or App()
        self._fixed = ports if isinstance(ports, Ports) else None
        self._environ = dict(extra_env or {})
        if decorate:
            self._environ["HELIOGRAPH_DECORATE_SERVICES"] = decorate
        self._as_shipped = as_shipped
        self._child: subprocess.Popen[bytes] | None = None
        self.deployment: Deployment | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what it is ------------------------------------------------------------------------------

    @property
    def ports(self) -> Ports:
        """The ports: the given ones, else those of the running supervisor, else the remembered ones, else
        free ones.
        """
        if self._fixed is None:
            known = self.processes.get("ports")
            if known is None and self.places.ports.is_file():
                known = json.loads(self.places.ports.read_text())
            self._fixed = Ports(**known) if known else free_ports()
        return self._fixed

    @property
    def gateway_port(self) -> int:
        """Port of the local AWS."""
        return self.ports.gateway

    @property
    def cassandra_port(self) -> int:
        """Port of Cassandra."""
        return self.ports.cassandra

    @property
    def endpoint(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://{HOST}:{self.ports.gateway}"

    @property
    def outputs(self) -> Mapping[str, str]:
        """Outputs of the deployed stacks by name; empty before a deployment."""
        deployed = self.deployment or deploy.last(self.places)
        return deployed.outputs if deployed else {}

    @property
    def base_url(self) -> str:
        """The HTTPS base URL that a client is configured with."""
        return self.outputs["BaseUrl"]

    @property
    def socket_url(self) -> str:
        """The WebSocket address."""
        return self.outputs["SocketUrl"]

    @property
    def lambda_log(self) -> Path:
        """What the functions logged: one JSON object a line."""
        return self.places.lambda_log

    @property
    def processes(self) -> dict[str, Any]:
        """Process ids and ports of the running supervisor; empty when none runs."""
        if not self.is_running():
            return {}
        try:
            return dict(json.loads(self.places.processes.read_text()))
        except FileNotFoundError:
            return {}

    def is_running(self) -> bool:
        """Whether a supervisor holds this state."""
        if not self.places.lock.is_file():
            return False
        with locked(self.places.lock) as mine:
            return not mine

    # -- what it does ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything, deploy if the sources changed, compare the schema. A failure leaves nothing."""
        self.start_processes(attached=True)
        try:
            self.wait_for_aws()
            self.wait_for_cassandra()
            self.deploy_if_changed()
            self.check_schema()
        except BaseException:
            self.stop()
            raise

    def start_processes(self, *, attached: bool, progress: Callable[[str], None] = lambda _: None) -> None:
        """Start the supervisor; with ``attached`` it ends with this process, else it goes on in the
        background.

        Raises ``StepError`` when a port is taken or when one is running already; then nothing was started.
        """
        if self.is_running():
            raise StepError(f"A local cloud runs in {self.places.state} already.", fix="make down")
        check(self.ports)
        cassandra_jars(progress)
        self.places.aws.mkdir(parents=True, exist_ok=True)
        self.places.processes.unlink(missing_ok=True)
        self.places.ports.write_text(json.dumps(asdict(self.ports)))
        for name in ("supervisor", "aws", "cassandra"):
            self.places.log(name).write_text("")
        command = [sys.executable, "-m", "local.supervisor", "--state", str(self.places.state)]
        command += ["--ports", ",".join(str(port) for port in asdict(self.ports).values())]
        command += ["--attached"] if attached else []
        command += ["--as-shipped"] if self._as_shipped else []
        with self.places.log("supervisor").open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **self._environ},
                stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for_aws(self) -> None:
        """Wait until the local AWS answers. Raises ``StepError`` when it does not."""
        self._wait("The local AWS", "aws", self._aws_answers)

    def wait_for_cassandra(self) -> None:
        """Wait until Cassandra accepts clients. Raises ``StepError`` when it does not."""
        self._wait("Cassandra", "cassandra", lambda: cassandra.answers(self.ports.cassandra))

    def deploy_if_changed(self, progress: Callable[[str], None] = lambda _: None) -> bool:
        """Deploy unless the sources are those of the saved state; returns whether it did. Raises
        ``StepError``.
        """
        wanted, known = deploy.source_hash(self.app, self.ports), deploy.last(self.places)
        if known is not None and known.source_hash == wanted:
            self.deployment = known
            return False
        deployment = deploy.deploy(self.app, self.places, self.ports, progress)
        self.save_state()
        deploy.remember(deployment, self.places)
        self.deployment = deployment
        return True

    def save_state(self) -> None:
        """Make the local AWS write its state to disk: what a ``kill -9`` of the emulator falls back to."""
        os.kill(self.processes["aws"], signal.SIGUSR1)
        time.sleep(0.05)  # the signal reaches the loop before the request
        self._aws_answers(timeout=30)  # answered after the state is written

    def check_schema(self) -> None:
        """Raise ``StepError`` where the live tables are not those of ``schemas/tables.py``. Skipped for
        another app.
        """
        if self.app.command != App().command:
            return
        from local.cloudformation_types import cassandra_session  # noqa: PLC0415  brings the driver
        from schemas.tables import KEYSPACE, TABLES  # noqa: PLC0415

        with cassandra_session(self.ports.cassandra) as session:
            if found := differences(session, KEYSPACE, TABLES):
                raise StepError(
                    "The live tables are not those of schemas/tables.py.",
                    cause="; ".join(found),
                    fix="make reset && make up   (drops the local data)",
                )

    def restart_cassandra(self) -> None:
        """Kill Cassandra with SIGKILL and wait until a new one serves the same data; the rest goes on
        meanwhile.
        """
        self._restart("cassandra", signal.SIGUSR2)
        self.wait_for_cassandra()

    def restart_aws(self) -> None:
        """End the local AWS in order and wait until a new one serves the same stacks under the same names.

        All sockets drop, all workers end, and what they had under way fails; nothing that was saved or sent
        is lost.
        """
        self._restart("aws", signal.SIGUSR1)
        self.wait_for_aws()

    @contextmanager
    def frozen_cassandra(self) -> Iterator[None]:
        """Stop Cassandra's process meanwhile: its port takes connections, and nothing is answered."""
        pid = self.processes["cassandra"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _restart(self, name: Literal["aws", "cassandra"], how: signal.Signals) -> None:
        """Have the supervisor replace a process; returns when there is a new one."""
        before = self.processes[name]
        os.kill(self.processes["supervisor"], how)
        self._wait(f"The new {name}", name, lambda: self.processes.get(name) not in (before, None))

    def open_sockets(self) -> list[str]:
        """The connection ids of all WebSockets that the local AWS holds open."""
        with urllib.request.urlopen(f"{self.endpoint}/_heliograph/sockets", timeout=10) as answer:  # noqa: S310
            return list(json.load(answer))

    def stop(self) -> None:
        """Stop everything in order; the data stay. Does nothing when nothing runs."""
        pid = self._child.pid if self._child else self.processes.get("supervisor")
        if pid and (self._child is None or self._child.poll() is None):
            os.kill(pid, signal.SIGTERM)
        if self._child is not None:
            self._child.wait(timeout=20)
            if self._child.stdin:
                self._child.stdin.close()
            self._child = None
        end = time.monotonic() + 20
        while self.is_running():
            if time.monotonic() > end:
                raise StepError(
                    "The supervisor does not end.", fix=f"kill -9 {pid}", log=self.places.log("supervisor")
                )
            time.sleep(0.02)

    def reset(self) -> None:
        """Stop everything and drop the state: tables, messages, deployment. The remembered ports stay."""
        self.stop()
        for path in self.places.state.glob("*"):
            if path == self.places.ports:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.deployment = None

    def _aws_answers(self, timeout: float = 1.0) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=timeout):  # noqa: S310
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _wait(self, what: str, log: str, is_ready: Callable[[], bool]) -> None:
        end = time.monotonic() + START_SECONDS
        while not is_ready():
            if self._child is not None and self._child.poll() is not None:
                raise StepError(f"{what} did not start: everything was stopped.", log=self.places.log(log))
            if time.monotonic() > end:
                raise StepError(
                    f"{what} did not start within {START_SECONDS:.0f} s.", log=self.places.log(log)
                )
            time.sleep(0.05)
