"""Send one message and wait until it arrived. Usage: hello.py BASE_URL [FROM TO]  (make up prints the URL)"""

import asyncio
import sys

from heliograph import Client, Plain


async def main(server: str, me: str = "alice", you: str = "bob") -> None:
    # One file has keys, outbox and history. Plain() is for trying out; else Keyring() or Passphrase("...").
    async with Client(f"{me}.db", server=server, seal=Plain()) as client:
        await client.register(me)  # the second time: nothing
        conversation = await client.conversation(you)
        message = await conversation.send(f"Hi {you}")  # durable: returns at once, works offline
        message = await message.reached("sent", timeout=30)  # pending < sent < delivered < read
        print(message.text, message.status)


asyncio.run(main(*sys.argv[1:]))
