"""Where probes ask: a deployed stage or the local cloud, each with the probe stack beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from cassandra.cluster import Cluster
from chat.adapters.cassandra.keyspaces_auth import KeyspacesAuth, security_options
from chat.adapters.cassandra.policies import new_cluster
from chat.adapters.sigv4 import Credentials
from chat.settings import keyspaces_host

from infra.stages import STAGE_NAMES
from local.cloud import LocalCloud
from local.deploy import REGION, environment
from local.errors import StepError
from local.places import ROOT
from operations.probe.app import KEYSPACE

KEYSPACES_PORT = 9142


@dataclass(frozen=True, slots=True)
class Place:
    """One stage with its addresses. ``local`` is its cloud on this machine, ``None`` on AWS.

    ``outputs`` are those of the probe stack, ``base_url`` and ``socket_url`` those of the stage itself.
    """

    stage: str
    session: boto3.Session
    outputs: Mapping[str, str]
    base_url: str
    socket_url: str
    local: LocalCloud | None = None

    @property
    def region(self) -> str:
        """The Region of the stage."""
        return str(self.session.region_name)

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """A client of an AWS service, with the rights of whoever runs the probes."""
        return self.session.client(
            service, endpoint_url=endpoint or (self.local.endpoint if self.local else None)
        )

    def address(self, api: str, stage: str = "v1", *, scheme: str = "wss") -> str:
        """The address of a stage of an API of the probe stack: ``RoutedApi``, ``DefaultApi`` or ``HttpsApi``.

        ``scheme``: ``wss`` for sockets, ``https`` for requests and posts; locally without the ``s``.
        """
        name = self.outputs[api]
        if self.local:
            root = (
                f"{scheme.rstrip('s') if scheme == 'https' else 'ws'}://127.0.0.1:{self.local.gateway_port}"
            )
            address = f"{root}/_aws/execute-api/{name}"
        else:
            address = f"{scheme}://{name}.execute-api.{self.region}.amazonaws.com"
        return f"{address}/{stage}" if stage else address

    def posts(self, stage: str = "v1") -> Any:
        """A client that posts to and closes sockets of that stage of the routed API."""
        return self.client("apigatewaymanagementapi", self.address("RoutedApi", stage, scheme="https"))

    def cluster(self) -> Cluster:
        """An unconnected driver cluster as functions use it: TLS and signed, or the plain local one."""
        if self.local:
            return new_cluster(("127.0.0.1",), self.local.cassandra_port)
        signed = {"auth_provider": KeyspacesAuth(self.region, self._credentials)}
        return new_cluster(
            (keyspaces_host(self.region),), KEYSPACES_PORT, **(security_options(self.region) | signed)
        )

    def _credentials(self) -> Credentials:
        found = self.session.get_credentials()
        if found is None:
            raise StepError("No AWS credentials.", fix="aws configure, or AWS_PROFILE=... make probe ...")
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")


@contextmanager
def local_place(cloud: LocalCloud) -> Iterator[Place]:
    """The local cloud with the probe stack in it, which is gone afterwards, tables included."""
    session = boto3.Session("test", "test", region_name=REGION)
    environ = environment(cloud.ports)
    with _stack("local", environ) as outputs:
        place = Place("local", session, outputs, cloud.base_url, cloud.outputs["SocketUrl"], local=cloud)
        try:
            yield place
        finally:
            with place.cluster() as cluster:  # a local stack keeps its tables when it goes
                cluster.connect().execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}", timeout=30)


@contextmanager
def cloud_place(stage: str) -> Iterator[Place]:
    """A stage on AWS with the probe stack beside it, which is removed afterwards.

    Raises ``StepError`` where the stage is not deployed or the stack cannot be. After a crash in the middle
    the stack is still there, costs nothing, and the next run takes it over.
    """
    place = stage_on_aws(stage)
    with _stack(stage, os.environ) as outputs:
        yield replace(place, outputs=outputs)


def stage_on_aws(stage: str) -> Place:
    """A deployed stage, without the probe stack. Raises ``StepError`` where it is not deployed."""
    if stage not in STAGE_NAMES or stage == "local":
        raise StepError(
            f"{stage!r} is no stage on AWS.", fix="make probe STAGE=dev; without STAGE: the local cloud"
        )
    session = boto3.Session()
    if session.region_name is None:
        raise StepError("No Region.", fix=f"AWS_REGION=us-east-1 make probe STAGE={stage}")
    found = stack_outputs(session.client("cloudformation"), f"heliograph-{stage}-endpoints")
    return Place(stage, session, {}, found["BaseUrl"], found["SocketUrl"])


def stack_outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The outputs of a stack by name. Raises ``StepError`` where there is none."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - beside its use

    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise StepError(
            f"The stack {stack} cannot be read.", cause=str(error), fix="make deploy STAGE=..."
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


@contextmanager
def _stack(stage: str, environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs.json"
        options = ["--require-approval", "never", "--no-notices", "--ci", "--outputs-file", str(outputs)]
        remove = _cdk(stage, folder, "destroy", "--force")
        stays = f"The stack heliograph-{stage}-probe cannot be removed."
        try:
            _run(_cdk(stage, folder, "deploy", *options), environ, "The probe stack cannot be deployed.")
            yield dict(json.loads(outputs.read_text())[f"heliograph-{stage}-probe"])
        except BaseException:
            with suppress(StepError):  # what went wrong first is what is told
                _run(remove, environ, stays)
            raise
        _run(remove, environ, stays)


def _cdk(stage: str, folder: str, command: str, *options: str) -> list[str]:
    app = f"{sys.executable} -m operations.probe.app"
    where = ["--output", f"{folder}/cdk.out", "--app", app, "-c", f"stage={stage}"]
    return [shutil.which("cdk") or "cdk", command, "--all", *options, *where]


def _run(command: list[str], environ: Mapping[str, str], problem: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=dict(environ), text=True, capture_output=True, check=False, timeout=1200
    )
    if done.returncode:
        said = "\n         ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise StepError(
            problem,
            cause=said,
            fix="the events of that stack in CloudFormation say more; then the same command again",
        )
