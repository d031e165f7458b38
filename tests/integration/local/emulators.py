"""A local AWS without Cassandra, with one function behind two WebSocket routes: what the probes talk to."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from websockets.sync.client import ClientConnection, connect

from local.deploy import REGION
from local.places import ROOT
from local.ports import HOST, free_port

TIMEOUT_SECONDS = 2

#: Does what the frame says, so that one function shows every behaviour.
HANDLER = textwrap.dedent("""
    import json, os, time

    def handler(event, context):
        frame = json.loads(event.get("body") or "{}") if "requestContext" in event else event
        frame |= event.get("queryStringParameters") or {}
        if "say" in frame:
            print(frame["say"])
        time.sleep(frame.get("sleep", 0))
        if "queues" in frame:
            import boto3
            boto3.client("sqs").list_queues()
        if frame.get("fail"):
            raise ValueError(frame["fail"])
        context = event.get("requestContext", {})
        told = {name: context.get(name) for name in ("requestId", "connectionId", "messageDirection")}
        body = json.dumps({"pid": os.getpid(), "ref": frame.get("ref"), **told})
        return {"statusCode": int(frame.get("status", 200)), "body": body}
""")


@dataclass(frozen=True, slots=True)
class Emulator:
    """One running emulator. Route ``call`` has a route response, route ``quiet`` has none.

    ``$connect`` does what the query of the URL says, and so does every request to ``https``.
    """

    port: int
    pid: int
    api: str
    https_api: str
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def management(self) -> str:
        return f"{self.endpoint}/_aws/execute-api/{self.api}/v1"

    @property
    def https(self) -> str:
        return f"{self.endpoint}/_aws/execute-api/{self.https_api}"

    def socket(self, query: str = "", queue: int = 16) -> ClientConnection:
        """A socket that takes in so many frames before somebody reads them."""
        url = f"ws://{HOST}:{self.port}/_aws/execute-api/{self.api}/v1{query}"
        return connect(url, compression=None, max_size=None, max_queue=queue)

    def client(self, service: str, endpoint: str = "") -> Any:
        return _session().client(service, endpoint_url=endpoint or self.endpoint)


def ask(socket: ClientConnection, **frame: Any) -> dict[str, Any]:
    """Send a frame to route ``call`` and return the answer."""
    socket.send(json.dumps({"action": "call", **frame}))
    return dict(json.loads(socket.recv(timeout=10)))


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Emulator]:
    """Start an emulator and make the function and its API."""
    port = free_port()
    (folder / "aws").mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "local.emulator",
        "--port",
        str(port),
        "--state",
        str(folder / "aws"),
        *options,
    ]
    with (folder / "aws.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        _wait(f"http://{HOST}:{port}/_ministack/health")
        yield Emulator(port, process.pid, *_make_apis(f"http://{HOST}:{port}"), folder / "lambda.log")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=10)


def _make_apis(endpoint: str) -> tuple[str, str]:
    lambdas = _session().client("lambda", endpoint_url=endpoint)
    gateway = _session().client("apigatewayv2", endpoint_url=endpoint)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = (
        _session()
        .client("iam", endpoint_url=endpoint)
        .create_role(RoleName="probe", AssumeRolePolicyDocument=document)
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("probe.py", HANDLER)
    function = lambdas.create_function(
        FunctionName="probe",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="probe.handler",
        Code={"ZipFile": code.getvalue()},
        Timeout=TIMEOUT_SECONDS,
    )
    api = gateway.create_api(
        Name="probe", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    uri = (
        f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function['FunctionArn']}/invocations"
    )
    integration = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=uri)
    for key in ("call", "quiet", "$connect"):
        target = f"integrations/{integration['IntegrationId']}"
        route = gateway.create_route(ApiId=api, RouteKey=key, Target=target)["RouteId"]
        if key == "call":
            gateway.create_route_response(ApiId=api, RouteId=route, RouteResponseKey="$default")
    gateway.create_stage(ApiId=api, StageName="v1", AutoDeploy=True)
    https = gateway.create_api(Name="probe", ProtocolType="HTTP")["ApiId"]
    proxy = gateway.create_integration(
        ApiId=https,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function["FunctionArn"],
        PayloadFormatVersion="2.0",
    )
    gateway.create_route(ApiId=https, RouteKey="GET /probe", Target=f"integrations/{proxy['IntegrationId']}")
    gateway.create_stage(ApiId=https, StageName="$default", AutoDeploy=True)
    return str(api), str(https)


def _session() -> boto3.Session:
    return boto3.Session("test", "test", region_name=REGION)


def _wait(url: str) -> None:
    end = time.monotonic() + 15
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
