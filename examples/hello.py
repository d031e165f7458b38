"""Send one message and wait until it arrived. Usage: hello.py BASE_URL [FROM TO]  (make up prints the URL)"""

import asyncio
import sys

from heliograph import Client


async def main(server: str, me: str = "alice", you: str = "bob") -> None:
    async with Client(f"{me}.db", server=server) as client:  # keys, outbox and history live in this file
        await client.register(me)  # the second time: nothing
        conversation = await client.conversation(you)
        message = await conversation.send(f"Hi {you}")  # durable: returns at once, works offline
        message = await message.reached("sent", timeout=30)  # pending < sent < delivered < read
        print(message.text, message.status)


asyncio.run(main(*sys.argv[1:]))
