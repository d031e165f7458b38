"""Somebody writes to a device that is away; later it comes back and drains its inbox."""

from __future__ import annotations

from bench.counting import count
from bench.flows.one_to_one import NAIVE
from bench.flows.result import Budget, Result
from bench.flows.stage import TEXT, Stage, people

PAGE = 20
"""Messages that wait each time."""

CONNECTING = ("authorize", "connect", "disconnect")
"""Functions that only connecting uses: it is a flow of its own."""


async def measure(stage: Stage, rounds: int = 5) -> list[Result]:
    """``rounds`` times 20 messages, each accepted before the next, then a drain, acks and receipts."""
    async with people(stage, 1, 1) as ([alice], [bob]):
        to_bob = await alice.client.conversation(bob.client.handle)
        await to_bob.send(TEXT)
        answer = await (await bob.next()).reply(TEXT)  # until then every message begins the session anew
        await answer.reached("delivered", 30)
        await bob.client.close()
        start = await stage.ended(but=1)
        for _ in range(rounds):
            for _ in range(PAGE):
                last = await to_bob.send(TEXT)
                await last.reached("sent", 30)
            await stage.settled()
            async with stage.client(bob.store):
                await last.reached("delivered", 30)
                await stage.settled()
            await stage.ended(but=1)
        lines = stage.read(start)
    return [
        Result(
            flow="offline",
            name="to an offline device",
            unit="message",
            number=rounds * PAGE,
            counts=count(line for line in lines if line["function"] not in CONNECTING),
            budget=Budget(5.5, frames=2.2, invokes=1.2, wru=2.2, rru=5.2),
            naive=NAIVE,
            note=f"sent one by one, drained {PAGE} at a time; without the connect; push is not there yet",
        )
    ]
