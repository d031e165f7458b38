"""`register`, `block`, `unblock`, `blocked`, `accept`, `status`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heliograph.cli.context import current
from heliograph.cli.lines import stdin_lines
from heliograph.cli.usage import UsageError

if TYPE_CHECKING:
    from heliograph.client import Client

SECONDS_BETWEEN_CODES = 60
"""A shorter wait means that the last command had a code sent, which can be typed now."""


async def register(
    handle: str, *, name: str = "terminal", token: str | None = None, code: str | None = None
) -> None:
    """Make an account with this handle; repeating it is safe.

    A phone number (+491701234567) gets a code by text message, which is asked for.

    Parameters
    ----------
    handle
        2 to 30 of a-z 0-9 _ . , a letter first; or a phone number with its country's code.
    name
        What you call this device; only your own devices see it.
    token
        ID token of the server's sign-in; a local cloud wants none.
    code
        The code that was sent to the phone number; none is sent then.
    """
    context = current.get()
    async with context.client(registered=False) as me:
        if handle.startswith("+"):
            handle = "+" + "".join(letter for letter in handle[1:] if letter not in " -/().")
        if handle.startswith("+") and code is None and not me.registered:
            await _register_by_code(me, handle, name)
        else:
            await me.register(handle, name=name, token=token, code=code)
        context.show(f"registered as {me.handle}", account=me.account, device=me.device, handle=me.handle)
        context.note(f"Next: helio -p {context.profile} chat HANDLE")


async def _register_by_code(me: Client, number: str, name: str) -> None:
    """Have a code sent and let it be typed, as often as the server takes one."""
    from heliograph.errors import RateLimited, VerificationFailed  # noqa: PLC0415 - `helio --help` needs no client

    context = current.get()
    if "otp" not in await me.verification():
        raise UsageError("this server takes no phone numbers", f"helio -p {context.profile} register HANDLE")
    try:
        await me.request_code(number)
        context.note(f"A code was sent to {number}. (In a local cloud it stands in `make logs`.)")
    except RateLimited as problem:
        wait = problem.retry_after or 0
        if wait > SECONDS_BETWEEN_CODES:
            raise
        context.note(f"{number} got a code a moment ago; it gets another one in {wait:.0f} s.")
    typed = stdin_lines()
    while True:
        context.note("Code:")
        code = await typed.get()
        if code is None:
            again = f"helio -p {context.profile} register {number} --code CODE"
            raise UsageError("no code was typed", again)
        if not re.fullmatch(r"[0-9]{6}", code.strip()):
            context.note("A code is six digits.")
            continue
        try:
            return await me.register(number, name=name, code=code.strip())
        except VerificationFailed as problem:
            if not problem.attempts:
                raise
            context.note(f"That is not the code; {problem.attempts} more attempts.")


async def block(handle: str) -> None:
    """Block an account: what it sends goes nowhere, and it does not learn that."""
    context = current.get()
    async with context.client(connect=False) as me:
        peer = await me.conversation(handle)
        await me.block(peer.peer)
        context.show(f"{handle} is blocked", account=peer.peer, blocked=True)


async def unblock(handle: str) -> None:
    """End a block.

    Parameters
    ----------
    handle
        Or the account, as `helio blocked` lists them.
    """
    context = current.get()
    async with context.client(connect=False) as me:
        # From the own list: the handle may be a new account's by now, and the blocked one gone.
        accounts = [a for a in await me.blocked() if handle in (a, await me.handle_of(a))]
        for account in accounts or [(await me.conversation(handle)).peer]:
            await me.unblock(account)
            context.show(f"{handle} is not blocked", account=account, blocked=False)


async def blocked() -> None:
    """List the accounts you blocked."""
    context = current.get()
    async with context.client(connect=False) as me:
        for account in await me.blocked():
            handle = await me.handle_of(account)
            context.show(f"{handle:<30}  {account}", account=account, handle=handle)


async def accept(handle: str) -> None:
    """Let an account you never wrote to see when its messages arrive and are read."""
    context = current.get()
    async with context.client() as me:
        peer = await me.conversation(handle)
        await me.accept(peer.peer)
        context.show(f"{handle} gets receipts from you", account=peer.peer, accepted=True)


async def status() -> None:
    """Show the profile: who it is, how it is sealed, where its server is, what waits. Works offline."""
    from heliograph.store.seal import DESCRIPTIONS  # noqa: PLC0415 - `helio --help` needs no store

    context = current.get()
    store = context.store
    if not store.exists():
        known = ", ".join(context.home.profiles()) or "none"
        raise UsageError(
            f"there is no profile {context.profile} (profiles: {known})",
            f"helio -p {context.profile} register HANDLE",
        )
    async with context.client(connect=False) as me:
        pending = await me.pending()
        peers = [conversation.handle for conversation in await me.conversations()]
        context.show(
            f"profile   {context.profile}  {store}  {DESCRIPTIONS[me.sealed_by]}\n"
            f"account   {me.handle}  {me.account}  device {me.device}\n"
            f"server    {me.server}\n"
            f"outbox    {pending} pending\n"
            f"chats     {', '.join(peers) or 'none yet'}",
            profile=context.profile,
            sealed_by=me.sealed_by,
            handle=me.handle,
            account=me.account,
            device=me.device,
            server=me.server,
            pending=pending,
            conversations=peers,
        )
