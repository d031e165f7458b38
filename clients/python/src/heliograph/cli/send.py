"""`send`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from heliograph.cli.context import current
from heliograph.cli.usage import UsageError

if TYPE_CHECKING:
    from heliograph.model import Message

Wait = Literal["pending", "sent", "delivered", "read"]


async def send(
    to: str,
    text: Annotated[str, Parameter(allow_leading_hyphen=True)],
    *,
    wait: Wait = "sent",
    timeout: float = 30,  # noqa: ASYNC109 - a command line option
) -> None:
    """Send one message.

    Parameters
    ----------
    to
        Handle of the recipient.
    text
        The text; `-` reads it from stdin.
    wait
        How far it has to get before the command ends; `pending` leaves it in the outbox.
    timeout
        Seconds to wait; what did not get far enough stays in the outbox and leaves the next time.
    """
    context = current.get()
    if text == "-":
        text = sys.stdin.read().rstrip("\n")
    if not text:
        raise UsageError("there is no text to send", f'helio -p {context.profile} send {to} "Hi"')
    async with context.client() as me:
        conversation = await me.conversation(to)
        message = await wait_for(await conversation.send(text), wait, timeout)
        context.show(message.status, message)


async def wait_for(message: Message, wait: Wait, timeout: float) -> Message:  # noqa: ASYNC109 - a command line option
    """Wait until a message got far enough.

    Raises:
        TimeoutError: It did not, and stays in the outbox.
        SendFailed: It was refused for good.
    """
    if wait == "pending":
        return message
    try:
        return await message.reached(wait, timeout)
    except TimeoutError:
        raise TimeoutError(
            f"it is not {wait} after {timeout:g} s; it stays in the outbox and leaves the next time"
        ) from None
