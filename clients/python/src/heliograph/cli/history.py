"""`history`."""

from __future__ import annotations

from heliograph.cli.context import current
from heliograph.cli.lines import line


async def history(handle: str, *, limit: int = 50, ids: bool = False) -> None:
    """Show the newest messages with somebody, oldest first. Works offline.

    Parameters
    ----------
    handle
        With whom.
    limit
        How many.
    ids
        Show the id of each, too, as the server knows it; `-` for one that never left.
    """
    context = current.get()
    async with context.client(connect=False) as me:
        conversation = await me.conversation(handle)
        found = [message async for message in conversation.history(limit=limit)]
        for message in reversed(found):
            if context.json:
                context.emit(message)
            else:
                name = f"{message.id or '-':<36}  " if ids else ""
                context.show(name + line(message, conversation.handle, time=True))
