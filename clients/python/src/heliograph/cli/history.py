"""`history`."""

from __future__ import annotations

from heliograph.cli.context import current
from heliograph.cli.lines import line


async def history(handle: str, *, limit: int = 50) -> None:
    """Show the newest messages with somebody, oldest first. Works offline.

    Parameters
    ----------
    handle
        With whom.
    limit
        How many.
    """
    context = current.get()
    async with context.client(connect=False) as me:
        conversation = await me.conversation(handle)
        found = [message async for message in conversation.history(limit=limit)]
        for message in reversed(found):
            if context.json:
                context.emit(message)
            else:
                context.show(line(message, conversation.handle, time=True))
