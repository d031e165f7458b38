"""`doctor`: one line a check, with the next command where something is wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from heliograph.cli import refusals
from heliograph.cli.context import Context, current
from heliograph.errors import HeliographError, StoreLocked

if TYPE_CHECKING:
    from heliograph.client import Client

CLOCK_MS = 30_000
"""Difference of clocks worth telling; the SDK corrects for it."""


async def doctor(*, timeout: float = 10) -> int:  # noqa: ASYNC109 - a command line option
    """Check store, server, clock and connection.

    Parameters
    ----------
    timeout
        Seconds to wait for the connection.
    """
    from heliograph.store.seal import DESCRIPTIONS  # noqa: PLC0415 - `helio --help` needs no store

    context = current.get()
    checks = _Checks(context)
    try:
        async with context.client(registered=False) as me:
            checks.ok("store", f"{context.store}, {DESCRIPTIONS[me.sealed_by]}, not in use elsewhere")
            await _check(me, checks, timeout)
    except StoreLocked as problem:
        checks.problem("store", problem)
    except HeliographError as problem:
        checks.problem("client", problem)
    return checks.code


async def _check(me: Client, checks: _Checks, timeout: float) -> None:  # noqa: ASYNC109
    started = time.perf_counter()
    try:
        offset = await me.discover()
    except HeliographError as problem:
        return checks.problem("server", problem)
    checks.ok("server", f"{me.server}, {(time.perf_counter() - started) * 1000:.0f} ms, protocol 1")
    if abs(offset) > CLOCK_MS:
        checks.bad(
            "clock", f"{offset / 1000:+.1f} s to the server", "set this machine's clock (messages still go)"
        )
    else:
        checks.ok("clock", f"{offset:+d} ms to the server")
    if not me.registered:
        code = "NOT_REGISTERED"
        return checks.bad("account", "none yet", refusals.next_command(code, checks.context))
    checks.ok("account", f"{me.handle}, device {me.device}")
    started = time.perf_counter()
    try:
        await me.connected(timeout)
    except HeliographError as problem:
        return checks.problem("socket", problem)
    checks.ok("socket", f"connected and caught up, {(time.perf_counter() - started) * 1000:.0f} ms")
    return checks.ok("outbox", f"{await me.pending()} pending")


class _Checks:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.code = refusals.OK

    def ok(self, check: str, detail: str) -> None:
        self.context.show(f"ok       {check:<8}  {detail}", check=check, ok=True, detail=detail)

    def bad(self, check: str, detail: str, next_command: str, code: int = refusals.UNEXPECTED) -> None:
        self.code = max(self.code, code)
        text = f"problem  {check:<8}  {detail}\n         Next: {next_command}"
        self.context.show(text, check=check, ok=False, detail=detail, next=next_command)

    def problem(self, check: str, problem: HeliographError) -> None:
        next_command = refusals.next_command(problem.code, self.context)
        if next_command.endswith("doctor"):
            next_command = "make up   (or check --server and the network)"
        self.bad(check, f"{problem} [{problem.code}]", next_command, refusals.exit_code(problem.code))
