"""Edit, react, delete, and let messages disappear. Usage: second_thoughts.py BASE_URL [ALICE BOB]

Both people in one program, so that it can be seen from both sides.
"""

import asyncio
import sys

from heliograph import Client, MessageDeleted, MessageEdited, Plain, ReactionChanged, TimerChanged


async def write(me: Client, you: str) -> None:
    conversation = await me.conversation(you)
    await conversation.set_timer("7d")  # later messages of both sides disappear after a week
    message = await conversation.send("See you at sixx")
    await message.edit("See you at six")
    async for event in me.events():
        if isinstance(event, ReactionChanged):
            print("alice sees", event.emoji)
            await event.message.delete_for_everyone()
            await me.drained(30)
            break


async def read(me: Client) -> None:
    async for event in me.events():
        match event:
            case TimerChanged(expires=expires):
                print("bob hears that messages disappear after", expires)
            case MessageEdited(message=message):
                print("bob reads", message.text)
                await message.mark_read()
                await message.react("👍")
            case MessageDeleted(message=message):
                print("bob is left with", repr(message.text))
                break


async def main(server: str, alice: str = "alice", bob: str = "bob") -> None:
    async with (
        Client(f"{alice}.db", server=server, seal=Plain()) as writer,
        Client(f"{bob}.db", server=server, seal=Plain()) as reader,
    ):
        await writer.register(alice)
        await reader.register(bob)
        await asyncio.gather(write(writer, bob), read(reader))


asyncio.run(main(*sys.argv[1:]))
