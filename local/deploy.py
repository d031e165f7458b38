"""Plain ``cdk deploy`` against the local AWS, skipped when nothing changed since the last one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import StepError
from local.places import ROOT, Places
from local.ports import HOST, Ports

#: What a deployment is made of.
SOURCES = ("app.py", "cdk.json", "infra", "functions", "layers", "schemas")

REGION = "us-east-1"

_BOOTSTRAP_BUCKET = f"cdk-hnb659fds-assets-000000000000-{REGION}"
_BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
_PROGRESS = re.compile(r"^\s*(\S+) \|\s*(\d+/\d+) \|")


@dataclass(frozen=True, slots=True)
class App:
    """A CDK app: its command, the files whose change asks for a new deployment, and a verifier other than
    the stage's.
    """

    command: str = "python app.py"
    sources: tuple[str, ...] = SOURCES
    verifier: str = ""


def chosen_app(environ: Mapping[str, str], remembered: Path) -> App:
    """The app with the verifier that ``VERIFIER`` names, else the remembered one, else that of the stage.

    What was named is remembered: later commands need not name it again.
    """
    verifier = environ.get("VERIFIER", "")
    if verifier:
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(verifier)
    elif remembered.is_file():
        verifier = remembered.read_text()
    return App(verifier=verifier)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What stands deployed: hash of its sources, outputs by name over all stacks, and its size."""

    source_hash: str
    outputs: Mapping[str, str]
    size: str


def environment(ports: Ports) -> dict[str, str]:
    """The environment in which AWS tools and the CDK reach the local AWS and nothing else.

    Nobody's own credentials or settings are read, nothing is reported home, and the venv's tools come first.
    """
    endpoint = f"http://{HOST}:{ports.gateway}"
    require_loopback(endpoint)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "GATEWAY_PORT": str(ports.gateway),
    }


def require_loopback(endpoint: str) -> None:
    """Raise ``StepError`` for an endpoint that is not on this machine: local commands never touch another
    one.
    """
    host = urlsplit(endpoint).hostname
    if host not in (HOST, "::1", "localhost"):
        raise StepError(f"{endpoint} is not on this machine.", fix="local commands talk to 127.0.0.1 only")


def source_hash(app: App, ports: Ports, root: Path = ROOT) -> str:
    """A hash over everything that a deployment depends on: the sources, the port in its addresses, the
    interpreter.
    """
    digest = hashlib.sha256(f"{app.command} {app.verifier} {ports.gateway} {sys.version_info[:2]}".encode())
    for source in app.sources:
        path = root / source
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def last(places: Places) -> Deployment | None:
    """The last deployment whose state was saved, or ``None``."""
    if not places.deployed.is_file() or not places.aws.is_dir():
        return None
    return Deployment(**json.loads(places.deployed.read_text()))


def deploy(
    app: App, places: Places, ports: Ports, progress: Callable[[str], None] = lambda _: None
) -> Deployment:
    """Deploy all stacks of ``app``; returns what stands now. The caller saves the emulator's state
    afterwards.

    Run again after a crash it continues: CloudFormation compares. Raises ``StepError`` with the end of the
    log.
    """
    places.deployed.unlink(missing_ok=True)
    progress("preparing")
    _bootstrap(ports)
    outputs = places.state / "outputs.json"
    shutil.rmtree(places.assembly, ignore_errors=True)
    command = [str(Path(sys.executable).parent / "cdk"), "deploy", "--all", "--require-approval", "never"]
    # The emulator sees no change in a change set that only brings outputs.
    command += ["--method", "direct"]
    command += ["--no-notices", "--ci", "--concurrency=4", "--output", str(places.assembly)]
    command += ["--outputs-file", str(outputs), "--app", app.command, "-c", "stage=local"]
    command += ["-c", f"verifier={app.verifier}"] if app.verifier else []
    progress("synthesizing")
    if _run(command, ports, places.log("deploy"), progress):
        raise StepError(
            "The deployment failed.", fix="see the log, then `make up` again", log=places.log("deploy")
        )
    values = json.loads(outputs.read_text()) if outputs.is_file() else {}
    return Deployment(
        source_hash(app, ports), {name: value for stack in values.values() for name, value in stack.items()},
        _size(places.assembly),
    )  # fmt: skip


def remember(deployment: Deployment, places: Places) -> None:
    """Note what was deployed. Call it after the emulator saved its state, so that the note is never ahead of
    it.
    """
    partial = places.deployed.with_suffix(".partial")
    partial.write_text(json.dumps({
        "source_hash": deployment.source_hash, "outputs": dict(deployment.outputs), "size": deployment.size,
    }))  # fmt: skip
    partial.rename(places.deployed)


def _bootstrap(ports: Ports) -> None:
    """What ``cdk bootstrap`` would make and a deployment really uses: a bucket and a version. 0.4 s instead
    of 5.
    """
    import boto3  # noqa: PLC0415  0.2 s, needed by deployments only

    session = boto3.Session("test", "test", region_name=REGION)
    endpoint = environment(ports)["AWS_ENDPOINT_URL"]
    session.client("s3", endpoint_url=endpoint).create_bucket(Bucket=_BOOTSTRAP_BUCKET)
    session.client("ssm", endpoint_url=endpoint).put_parameter(
        Name=_BOOTSTRAP_VERSION, Value="31", Type="String", Overwrite=True
    )


def _run(command: Sequence[str], ports: Ports, log: Path, progress: Callable[[str], None]) -> int:
    with log.open("w") as file, subprocess.Popen(
        command, cwd=ROOT, env=environment(ports), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            if match := _PROGRESS.match(line):
                progress(f"{match[1]} {match[2]}")
    return process.returncode


def _size(assembly: Path) -> str:
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    resources = sum(len(template.get("Resources", {})) for template in templates)
    return f"{resources} resources, {len(templates)} stacks"
