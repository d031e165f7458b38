"""What a connection costs that says nothing: memory, and the connects themselves."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliograph import Client, Plain
from heliograph.signing import Identity

from bench.conversations import Line
from bench.echo.load import EchoSocket
from bench.speed.lanes import Openable, each
from bench.speed.processes import Processes, resident
from local.places import ROOT

FIRST = 20
"""Sockets opened and closed before: the functions are warm, and their processes there."""

CONNECTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Idle:
    """So many sockets: opened at what rate, and the bytes by which each part of the cloud grew for each.

    ``bytes_each`` is empty where memory cannot be read.
    """

    sockets: int
    connects_per_second: float
    bytes_each: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Clients:
    """A process with SDK clients that are online: bytes for each beyond the first, and the whole."""

    clients: int
    bytes_each: float
    bytes_all: int


async def signed(base_url: str, accounts: Sequence[Identity], processes: Processes) -> Idle:
    """Sockets as real devices open them: signed, synced, then idle."""
    return await _idle([Line(base_url, who) for who in accounts], processes)


async def bare(echo_url: str, count: int, processes: Processes) -> Idle:
    """Sockets of the echo stack, which has no function for connects."""
    return await _idle([EchoSocket(echo_url, "reply") for _ in range(count)], processes)


async def _idle(sockets: Sequence[Openable], processes: Processes) -> Idle:
    await each(sockets[:FIRST], lambda one: one.open())
    await each(sockets[:FIRST], lambda one: one.close())
    before, started = processes.read(), time.perf_counter()
    await each(sockets, lambda one: one.open())
    took, after = time.perf_counter() - started, processes.read()
    await each(sockets, lambda one: one.close())
    grown = (
        {part: (after.rss[part] - before.rss[part]) / len(sockets) for part in after.rss}
        if before and after
        else {}
    )
    return Idle(len(sockets), len(sockets) / took, grown)


def clients(base_url: str, count: int) -> Clients | None:
    """SDK clients in a process of their own. Raises ``RuntimeError`` where one does not get online."""
    command = [sys.executable, "-m", "bench.speed.idle", base_url, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"idle clients failed:\n{done.stderr}")
    first, last = json.loads(done.stdout)
    return Clients(count, (last - first) / (count - 1), last) if last else None


async def _open_clients(base_url: str, count: int) -> tuple[int, int]:
    """Resident bytes of this process with the first client online, and with all."""
    with tempfile.TemporaryDirectory() as folder:
        opened: list[Client] = []
        sizes = []
        try:
            for number in range(count):
                client = Client(Path(folder) / f"{number}.db", base_url, seal=Plain())
                await client.__aenter__()
                opened.append(client)
                await client.register(f"i{os.getpid()}x{number}")
                await client.connected(CONNECTED_SECONDS)
                sizes.append(resident(os.getpid()) if sys.platform == "linux" else 0)
        finally:
            for client in opened:
                await client.__aexit__(None, None, None)
    return sizes[0], sizes[-1]


def main() -> int:
    """Open the clients and print both sizes."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.idle")
    parser.add_argument("base_url")
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(_open_clients(options.base_url, options.count))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
