"""How many messages a second go through real clients: out of one's outbox, into another one's store.

``python -m bench.speed.through`` measures it; with ``--write`` it goes into ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliograph import Client, Passphrase, Plain

from bench.flows.stage import TEXT
from bench.markdown import table
from bench.speed.page import PAGE, Page, ms, rate
from local.cloud import LocalCloud

MESSAGES = 2_000
SECONDS = 600.0
NAME = "real clients"


@dataclass(frozen=True, slots=True)
class Through:
    """What a client does with so many messages, one after the other as fast as it can.

    Rates count from the first to the last, the server's part included; ``ms`` are of the client's processor
    for each message, threads included. ``received_ms`` is decrypting and storing, with the acks.
    """

    seal: str
    messages: int
    sent_per_second: float
    sent_ms: float
    received_per_second: float
    received_ms: float


async def measure(base_url: str, folder: Path, messages: int = MESSAGES) -> list[Through]:
    """With sealed stores and with plain ones; every write of a store waits for its disk."""
    seals = (("passphrase", Passphrase("a passphrase of bench")), ("none", Plain()))
    return [await _one(base_url, folder, name, seal, messages) for name, seal in seals]


async def _one(base_url: str, folder: Path, name: str, seal: Passphrase | Plain, messages: int) -> Through:
    def client(who: str) -> Client:
        return Client(folder / f"{name}-{who}.db", base_url, seal=seal)

    async with client("alice") as alice:
        await alice.register(f"t{secrets.token_hex(6)}")
        async with client("bob") as bob:
            await bob.register(f"t{secrets.token_hex(6)}")
            to_bob = await alice.conversation(bob.handle)
            await (await to_bob.send(TEXT)).reached("sent", SECONDS)
            await bob.connected(SECONDS)
            answer = await (await bob.conversation(alice.handle)).send(TEXT)  # the session is warm from here
            await answer.reached("delivered", SECONDS)
        began, worked = time.perf_counter(), time.process_time()
        for _ in range(messages):
            await to_bob.send(TEXT)
        await alice.drained(SECONDS)
        sending, sending_worked = time.perf_counter() - began, time.process_time() - worked
    async with client("bob") as bob:
        began, worked = time.perf_counter(), time.process_time()
        await bob.connected(SECONDS)
        took, taking_worked = time.perf_counter() - began, time.process_time() - worked
        stored = [message async for message in (await bob.conversation(alice.handle)).history()]
        if len(stored) != messages + 2:
            raise RuntimeError(f"{len(stored)} of {messages + 2} messages are in the store")
    each = 1000 / messages
    return Through(
        name, messages, messages / sending, sending_worked * each, messages / took, taking_worked * each
    )


def text(found: Sequence[Through]) -> str:
    """As a table."""
    header = ["seal of the stores", "sent a second", "CPU ms each", "received a second", "CPU ms each"]
    rows = [
        [
            one.seal,
            rate(one.sent_per_second),
            ms(one.sent_ms),
            rate(one.received_per_second),
            ms(one.received_ms),
        ]
        for one in found
    ]
    return table(header, rows) + f"\n\n{found[0].messages:,} messages each."


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and put it into the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.through", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--write", action="store_true", help="write it into docs/performance.md")
    options = parser.parse_args(arguments)
    environ = {"HELIOGRAPH_LIMITS": "wide"}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCloud(Path(folder) / "cloud", extra_env=environ) as cloud,
    ):
        found = asyncio.run(measure(cloud.base_url, Path(folder), options.messages))
    print(text(found))
    if options.write:
        page = Page(PAGE)
        page.put(NAME, text(found))
        page.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
