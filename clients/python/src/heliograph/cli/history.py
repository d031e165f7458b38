"""`history`."""

from __future__ import annotations

from heliograph.cli.context import current
from heliograph.cli.lines import line, short_id


async def history(handle: str, *, limit: int = 50, ids: bool = False) -> None:
    """Show the newest messages with somebody, oldest first. Works offline.

    Parameters
    ----------
    handle
        With whom.
    limit
        How many.
    ids
        Show two ids of each, too: the short one by which `helio reply` and the like know it, and the one
        that the server knows; `-` for one that never left.
    """
    context = current.get()
    async with context.client(connect=False) as me:
        conversation = await me.conversation(handle)
        found = [message async for message in conversation.history(limit=limit)]
        for message in reversed(found):
            if context.json:
                context.emit(message)
            else:
                name = f"{short_id(message)}  {message.id or '-':<36}  " if ids else ""
                context.show(name + line(message, conversation.handle, time=True))
