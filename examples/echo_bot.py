"""A bot that says everything back. Usage: echo_bot.py BASE_URL [HANDLE]  (Ctrl-C ends it)

A crash between receiving and answering shows the message again, so nobody stays without an answer; the worst
is that somebody gets the same answer twice.
"""

import asyncio
import contextlib
import sys

from heliograph import Client, ConnectionChanged, MessageReceived, Plain, StatusChanged


async def main(server: str, handle: str = "echo") -> None:
    async with Client(f"{handle}.db", server=server, seal=Plain()) as me:
        await me.register(handle)
        async for event in me.events():
            match event:
                case MessageReceived(message=message):
                    if message.text:  # else it was deleted meanwhile, or a newer version wrote it
                        await message.reply(message.text)  # the first answer to somebody accepts them
                    await message.mark_read()
                case StatusChanged(message=message, status="failed", error=error):
                    print("not sent:", error, file=sys.stderr)
                case ConnectionChanged(state=state, reason=reason):
                    print(state, reason or "", file=sys.stderr)
                    if state == "closed":
                        return


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main(*sys.argv[1:]))
