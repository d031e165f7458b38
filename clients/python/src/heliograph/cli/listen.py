"""`listen`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from heliograph.cli.chat import identity_line
from heliograph.cli.context import Context, current
from heliograph.cli.lines import line
from heliograph.errors import HeliographError
from heliograph.events import (
    ConnectionChanged,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    PeerReplaced,
    StoreRolledBack,
    Undecryptable,
)

if TYPE_CHECKING:
    from heliograph.client import Client


async def listen(*, timeout: float | None = None, count: int | None = None) -> None:  # noqa: ASYNC109 - a command line option
    """Print messages as they come, those that were not shown before first. Does not mark them read.

    Parameters
    ----------
    timeout
        Stop after that many seconds.
    count
        Stop after that many messages.
    """
    context = current.get()
    async with context.client() as me:
        try:
            async with asyncio.timeout(timeout):
                await _follow(me, context, count)
        except TimeoutError:
            return


async def _follow(me: Client, context: Context, count: int | None) -> None:
    shown = 0
    async for event in me.events():
        if context.json:
            context.emit(event)
        match event:
            case MessageReceived(message=message) if message.status != "read":  # else a chat showed it
                shown += 1
                if not context.json:
                    context.show(line(message, await me.handle_of(message.peer)))
            case MessageEdited(message=message) if not context.json:
                context.show(f"(edited) {line(message, await me.handle_of(message.peer))}")
            case MessageDeleted(message=message) if not context.json:
                context.show(f"(deleted) {line(message, await me.handle_of(message.peer))}")
            case ConnectionChanged(state="closed", reason=reason):
                raise HeliographError("the server closed the connection for good", code=reason)
            case ConnectionChanged(state="offline", reason=reason):
                context.note(f"offline ({reason}), trying again")
            case PeerReplaced(handle=handle):
                context.note(f"{handle} has another account now: helio -p {context.profile} chat {handle}")
            case IdentityChanged(account=account, verified=verified):
                handle = await me.handle_of(account)
                context.note(identity_line(me, account, handle, context.profile, verified=verified))
            case Undecryptable() | StoreRolledBack():
                context.note(f"{type(event).__name__}: helio -p {context.profile} doctor")
        if count is not None and shown >= count:
            me.seen(event)
            return
