"""Runbook, "A bad release": the release before, on the tables of the one after, under open conversations."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from heliograph import Client

from local import deploy
from local.cloud import LocalCloud
from local.places import ROOT
from tests.e2e.tables import Tables

pytestmark = pytest.mark.integration

Profile = Callable[[str], Client]

SECONDS = 60

NEW_COLUMN = 'Column("envelope", "blob", '


def newer_release(folder: Path) -> Path:
    """A copy of the sources with another core layer and one more column; returns its ``app.py``."""
    for source in (*deploy.SOURCES, "pyproject.toml"):
        origin, copy = ROOT / source, folder / source
        if origin.is_dir():
            shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, copy)
    (folder / "layers/core/python/chat/release.py").write_text('"""The next release."""\n')
    spec = folder / "schemas" / "tables.py"
    text = spec.read_text()
    assert text.count(NEW_COLUMN) == 1
    spec.write_text(text.replace(NEW_COLUMN, 'Column("hint", "ascii", "of the next release"), ' + NEW_COLUMN))
    return folder / "app.py"


def cdk_deploy(cloud: LocalCloud, app: Path, *what: str) -> None:
    """``cdk deploy`` of that release, as the runbook has it."""
    command = [str(Path(sys.executable).parent / "cdk"), "deploy", *what, "-c", "stage=local"]
    command += ["--require-approval", "never", "--no-notices", "--ci", "--app", f"{sys.executable} {app}"]
    command += ["--output", str(cloud.places.state / "release.out")]
    environment = deploy.environment(cloud.ports)
    # The copy's own folder comes first on the path of its app.py, so it is built of its own sources.
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=app.parent, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def layers(cloud: LocalCloud) -> list[str]:
    """The versions of the layers that ``send`` runs on."""
    client = boto3.Session("test", "test", region_name=deploy.REGION).client(
        "lambda", endpoint_url=cloud.endpoint
    )
    return [
        layer["Arn"]
        for layer in client.get_function_configuration(FunctionName="heliograph-local-send")["Layers"]
    ]


async def test_a_rollback_of_the_code_goes_on_in_the_same_conversation(
    profile: Profile, cloud: LocalCloud, tables: Tables, tmp_path: Path
) -> None:
    """Messages of the newer release are served by the older one; its column stays; clients only wait."""
    cql = (
        "SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'heliograph' AND table_name = %s"
    )
    yours = f"b{secrets.token_hex(4)}"
    async with profile("bob") as bob:
        await bob.register(yours)
        async with profile("alice") as alice:
            await alice.register(f"a{secrets.token_hex(4)}")
            await bob.accept(alice.account)
            conversation = await alice.conversation(yours)
            await (await conversation.send("before")).reached("delivered", SECONDS)
            older = layers(cloud)

            cdk_deploy(cloud, newer_release(tmp_path / "newer"), "--all")

            assert layers(cloud) != older
            newer = layers(cloud)
            assert "hint" in {row.column_name for row in tables.run(cql, "inbox_by_account")}
            await (await conversation.send("by the newer")).reached("delivered", SECONDS)
            await bob.close()
            waiting = await (await conversation.send("left waiting")).reached("sent", SECONDS)

            cdk_deploy(cloud, ROOT / "app.py", "realtime", "https", "--exclusively")

            assert layers(cloud) != newer
            assert "hint" in {row.column_name for row in tables.run(cql, "inbox_by_account")}
            async with profile("bob"):
                await waiting.reached("delivered", SECONDS)
                await (await conversation.send("by the older")).reached("delivered", SECONDS)
