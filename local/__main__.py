"""``python -m local up|down|status|reset|logs|trace|deploy|demo``: what the Makefile calls."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from local import ports as port_choice
from local import seed
from local.cloud import LocalCloud
from local.deploy import REGION, chosen_app, require_loopback, source_hash
from local.deploy import last as last_deployment
from local.errors import StepError, last_lines
from local.places import ROOT, Places
from local.ports import HOST, Ports
from local.steps import Steps
from operations import entries, rates, words
from operations import trace as tracing


def up(steps: Steps) -> int:
    """Start the cloud in the background and return when a message went through; a running one only tells its
    status.
    """
    began = time.monotonic()
    places = Places.from_environment()
    app = chosen_app(os.environ, places.verifier)
    running = LocalCloud(places.state, app=app)
    if running.processes:
        return _already_up(running, steps)
    cloud = LocalCloud(places.state, port_choice.choose(os.environ, places.ports), app=app)
    port_choice.check(cloud.ports)
    try:
        _bring_up(cloud, steps)
    except BaseException:
        cloud.stop()
        raise
    steps.say(
        f"Heliograph is up ({time.monotonic() - began:.0f} s)."
        " Nothing leaves this machine; no account, no telemetry."
    )
    _say_how_to_go_on(cloud, steps)
    return 0


def _bring_up(cloud: LocalCloud, steps: Steps) -> None:
    with steps.step("local aws") as step:
        cloud.start_processes(attached=False, progress=lambda text: setattr(step, "progress", text))
        cloud.wait_for_aws()
        step.detail = f"{HOST}:{cloud.gateway_port}"
    with steps.step("cassandra") as step:
        step.progress = "starting"
        cloud.wait_for_cassandra()
        step.detail = f"{HOST}:{cloud.cassandra_port}"
    _deploy(cloud, steps)
    with steps.step("proof") as step:
        step.progress = "alice sends a message to bob"
        seed.write_command(cloud.places.helio, cloud.places.profiles)
        handles = seed.handles(cloud.app)
        step.detail = seed.prove(cloud.base_url, cloud.places.profiles, handles, cloud.lambda_log)
    cloud.places.proven.write_text(str(cloud.processes["supervisor"]))


def _deploy(cloud: LocalCloud, steps: Steps) -> None:
    with steps.step("deploy") as step:
        changed = cloud.deploy_if_changed(lambda text: setattr(step, "progress", text))
        cloud.check_schema()
        step.detail = (cloud.deployment.size if cloud.deployment else "") + ("" if changed else ", unchanged")


def _already_up(cloud: LocalCloud, steps: Steps) -> int:
    wanted = Ports(**cloud.processes["ports"])
    steps.say(f"Heliograph is up already (since {time.ctime(cloud.processes['started'])}).")
    known = last_deployment(cloud.places)
    if known is None or known.source_hash != source_hash(cloud.app, wanted):
        steps.say("  The sources changed since: `make deploy` brings them up.")
    _say_how_to_go_on(cloud, steps)
    return 0


def _say_how_to_go_on(cloud: LocalCloud, steps: Steps) -> None:
    helio = cloud.places.helio
    if helio.is_relative_to(Path.cwd()):
        helio = helio.relative_to(Path.cwd())
    alice, bob = (seed.handles(cloud.app)[name] for name in ("alice", "bob"))
    steps.say(f"  chat     {helio} -p alice chat {bob}        second terminal: {helio} -p bob chat {alice}")
    steps.say(f"  server   {cloud.base_url}")
    steps.say("  profiles are plain files (HELIO_PLAIN_STORE=1 in that script): not for secrets")
    steps.say("  demo     make demo     logs  make logs     stop  make down     fresh  make reset")


def down(steps: Steps) -> int:
    """Stop everything; the data stay."""
    cloud = LocalCloud(Places.from_environment().state)
    if not cloud.is_running():
        steps.say("Nothing is running.")
        return 0
    with steps.step("stop"):
        cloud.stop()
    return 0


def reset(steps: Steps) -> int:
    """Stop everything and drop the data."""
    with steps.step("reset") as step:
        LocalCloud(Places.from_environment().state).reset()
        step.detail = "all local data are gone; make up starts afresh"
    return 0


def deploy(steps: Steps) -> int:
    """Bring changed sources into the running cloud."""
    _deploy(_running(), steps)
    return 0


def status(_steps: Steps) -> int:
    """Print the state as KEY=value lines, or as JSON with ``FORMAT=json``; exit status 1 when it is down."""
    cloud = LocalCloud(Places.from_environment().state)
    facts: dict[str, str] = {"STATE": "down", "STATE_DIR": str(cloud.places.state)}
    if processes := cloud.processes:
        proven = cloud.places.proven
        is_proven = proven.is_file() and proven.read_text() == str(processes["supervisor"])
        facts |= {
            "STATE": "up" if is_proven else "starting",
            "BASE_URL": cloud.outputs.get("BaseUrl", ""),
            "SOCKET_URL": cloud.outputs.get("SocketUrl", ""),
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "GATEWAY_PORT": str(cloud.gateway_port),
            "CASSANDRA_PORT": str(cloud.cassandra_port),
            "SUPERVISOR_PID": str(processes["supervisor"]),
            "AWS_PID": str(processes["aws"]),
            "CASSANDRA_PID": str(processes["cassandra"]),
            "HELIOGRAPH_HOME": str(cloud.places.profiles),
            "LAMBDA_LOG": str(cloud.lambda_log),
            **rates.facts(
                entries.of_file(cloud.lambda_log, "_aws"),
                since=int(processes["started"] * 1000),
                now=time.time_ns() // 1_000_000,
            ),
        }
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name}={value}" for name, value in facts.items()))
    return 0 if facts["STATE"] != "down" else 1


def logs(_steps: Steps) -> int:
    """Print what the functions log, in words, and go on until interrupted."""
    path = Places.from_environment().lambda_log
    _print_entries(last_lines(path, 50))
    path.touch()
    with path.open() as file:
        file.seek(0, os.SEEK_END)
        while True:
            if line := file.readline():
                _print_entries([line])
            else:
                time.sleep(0.2)


def _print_entries(lines: Iterable[str]) -> None:
    for entry in entries.of_lines(lines):
        if (text := words.line(entry)) is not None:
            print(text, flush=True)


def trace(_steps: Steps) -> int:
    """Print the way of the message that ``MESSAGE`` names; exit status 1 where nothing is logged of it."""
    import boto3  # noqa: PLC0415  takes longer than the other commands

    from operations.stage_logs import StageLogs  # noqa: PLC0415

    cloud = _running()
    stage = StageLogs("local", boto3.Session("test", "test", region_name=REGION), cloud.endpoint)
    try:
        name = tracing.name_in_logs(os.environ.get("MESSAGE", ""), stage.key())
    except tracing.NotAMessage as problem:
        raise StepError(str(problem), fix="make trace MESSAGE=<id>") from None
    found = tracing.hops(entries.of_file(cloud.lambda_log, name), name)
    print("\n".join(tracing.report(found, name)))
    return 0 if found else 1


def demo(steps: Steps) -> int:
    """Start or reuse the cloud and play the scripted conversation in it."""
    if not LocalCloud(Places.from_environment().state).processes:
        up(steps)
    cloud = _running()
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), "--base-url", cloud.base_url],
        cwd=ROOT,
        env={**os.environ, "HELIOGRAPH_HOME": str(cloud.places.profiles)},
        check=False,
    ).returncode


def _running() -> LocalCloud:
    places = Places.from_environment()
    cloud = LocalCloud(places.state, app=chosen_app(os.environ, places.verifier))
    if not cloud.processes:
        raise StepError("The local cloud is not running.", fix="make up")
    return cloud


COMMANDS: dict[str, Callable[[Steps], int]] = {
    "up": up, "down": down, "status": status, "reset": reset, "deploy": deploy, "logs": logs, "trace": trace,
    "demo": demo,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a ``StepError`` is printed with its fix and gives exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(arguments).command
    steps = Steps()
    try:
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            require_loopback(endpoint)
        return COMMANDS[command](steps)
    except StepError as problem:
        steps.say(f"\n{problem}")
        return 1
    except KeyboardInterrupt:
        steps.say("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
