"""Proof that a server works: one message from alice to bob over real sockets, stored and acknowledged.

    python -m heliograph.proof --base-url URL --home DIR --plain-store [--profile alice --profile bob]

A profile registers under its own name, or as `--profile alice=+12015550100` under another handle; the codes
of phone numbers are read from the log of a local cloud, `--code-log FILE`.

New profiles are not sealed: `--plain-store` says that this is meant. Sealed ones are refused.

Registers the profiles that have no account yet and lets them accept each other, so that everybody can chat
with everybody at once. Prints the milliseconds from `send` to `delivered`; exit code 0, or 1 with the reason.
Run again it sends another message. A process that holds one of the stores open makes it fail.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from heliograph.client import Client
from heliograph.errors import HeliographError
from heliograph.events import MessageReceived
from heliograph.home import Home
from heliograph.ids import AccountId, Cursor
from heliograph.signing import is_loopback
from heliograph.store.seal import Plain

SECONDS = 30
CODE = re.compile(r"\b[0-9]{6}(?= is your Heliograph code)")


async def prove(
    base_url: str, home: Home, profiles: Mapping[str, str], code_log: Path | None = None
) -> float:
    """Send a message from the first profile to the second; `profiles` are their handles by name.

    The stores are plain.

    Returns:
        Milliseconds from `send` until the sender knew that it was stored and acknowledged.

    Raises:
        HeliographError: The server refused something or is not there.
        TimeoutError: The message did not arrive within 30 s.
    """
    home.remember_server(base_url)
    async with AsyncExitStack() as stack:
        clients = {profile: await _open(stack, base_url, home, profile) for profile in profiles}
        for profile, client in clients.items():
            if not client.registered:
                await _register(client, profiles[profile], code_log)
                await _accept_each_other(client, clients)
        await asyncio.gather(*(client.connected(SECONDS) for client in clients.values()))
        sender, receiver = itertools.islice(clients.values(), 2)
        conversation = await sender.conversation(receiver.handle)
        arrives = asyncio.create_task(_arrives(receiver, sender.account, await receiver.newest_cursor()))
        started = time.perf_counter()
        message = await conversation.send(f"proof at {time.strftime('%H:%M:%S')}")
        await message.reached("delivered", SECONDS)
        milliseconds = (time.perf_counter() - started) * 1000
        if await asyncio.wait_for(arrives, SECONDS) != message.text:
            raise HeliographError("another text arrived than was sent", code="PROOF_FAILED")
        return milliseconds


async def _open(stack: AsyncExitStack, base_url: str, home: Home, profile: str) -> Client:
    """Open a profile; one whose account a local server does not know any more is set aside.

    A local cloud that was reset has lost its accounts, and the proof has to hold again after it. Servers
    elsewhere do not lose accounts, so nothing is set aside for them.
    """
    store = home.store(profile)
    client = await Client(store, base_url, seal=Plain(), ack_delay=0).__aenter__()
    stack.push_async_callback(client.close)
    await client.discover()
    if not client.registered:
        return client
    try:
        await client.connected(SECONDS)
    except HeliographError as problem:
        if problem.code != "UNAUTHENTICATED" or not is_loopback(base_url):
            raise
        await client.close()
        aside = store.with_name(f"{store.name}.set-aside-{time.strftime('%Y%m%d-%H%M%S')}")
        store.rename(aside)
        sys.stderr.write(f"the server does not know {profile} any more; its profile is kept as {aside}\n")
        client = await Client(store, base_url, seal=Plain(), ack_delay=0).__aenter__()
        stack.push_async_callback(client.close)
    return client


async def _register(client: Client, handle: str, code_log: Path | None) -> None:
    """Register a name, or a number with the code that the log of a local cloud shows for it."""
    if not handle.startswith("+") or code_log is None:
        await client.register(handle, name="local profile")
        return
    known = len(_codes(code_log, handle))
    await client.request_code(handle)
    async with asyncio.timeout(SECONDS):
        while len(codes := _codes(code_log, handle)) == known:  # noqa: ASYNC110 - somebody else writes the log
            await asyncio.sleep(0.05)
    await client.register(handle, name="local profile", code=codes[-1])


def _codes(log: Path, number: str) -> list[str]:
    """Read the codes that were sent to a number, oldest first."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [match[0] for line in lines if number in line and (match := CODE.search(line))]


async def _accept_each_other(newcomer: Client, clients: dict[str, Client]) -> None:
    for other in clients.values():
        if other.registered and other is not newcomer:
            await newcomer.accept(other.account)
            await other.accept(newcomer.account)


async def _arrives(receiver: Client, sender: AccountId, after: Cursor) -> str:
    async for event in receiver.events(after=after):
        if isinstance(event, MessageReceived) and event.message.peer == sender:
            return event.message.text
    raise HeliographError("the receiver was closed", code="PROOF_FAILED")


def main() -> int:
    """Run the proof from a command line."""
    parser = argparse.ArgumentParser(
        prog="python -m heliograph.proof", description="Send one message and see it arrive."
    )
    parser.add_argument("--base-url", required=True, help="base URL of the server")
    parser.add_argument("--home", type=Path, help="directory of the profiles; default: that of helio")
    parser.add_argument(
        "--plain-store",
        action="store_true",
        required=True,
        help="the profiles are not sealed: for trying things out",
    )
    parser.add_argument(
        "--profile",
        action="append",
        help="NAME or NAME=HANDLE; first writes to second; default alice, bob, carol",
    )
    parser.add_argument("--code-log", type=Path, help="log of a local cloud: shows the codes of numbers")
    options = parser.parse_args()
    given = [entry.partition("=") for entry in options.profile or ["alice", "bob", "carol"]]
    profiles = {name: handle or name for name, _, handle in given}
    if len(profiles) < 2:
        parser.error("a proof needs two profiles")
    try:
        milliseconds = asyncio.run(prove(options.base_url, Home(options.home), profiles, options.code_log))
    except (HeliographError, TimeoutError, OSError) as problem:
        code = problem.code if isinstance(problem, HeliographError) else type(problem).__name__
        sys.stderr.write(f"no message arrived: {problem} [{code}]\n")
        if code in ("STORE_UNREADABLE", "WRONG_SEAL"):
            sys.stderr.write("the profiles are those of an older version, or sealed ones: make reset\n")
        if code == "HANDLE_TAKEN":
            sys.stderr.write(
                "the server has these accounts already, and their profiles are not here: make reset\n"
            )
        return 1
    sys.stdout.write(f"{milliseconds:.0f} ms {' -> '.join([*profiles][:2])} delivered\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
