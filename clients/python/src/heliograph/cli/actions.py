"""`reply`, `edit`, `react`, `delete`, `timer`: as commands, and as lines of a chat with a slash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from heliograph.cli.context import current
from heliograph.cli.lines import SHORT, safe
from heliograph.cli.send import Wait, wait_for
from heliograph.cli.usage import UsageError

if TYPE_CHECKING:
    from heliograph.model import Conversation, Message

    Act = Callable[[Conversation, str], Awaitable[Message]]

LAST = "last"
SHORTEST = 4
"""Digits of a short id that are enough, if no other message begins with them."""

TIMERS = ("1h", "1d", "7d", "30d")
OFF = "off"

Text = Annotated[str, Parameter(allow_leading_hyphen=True)]


async def find(conversation: Conversation, name: str, *, own: bool) -> Message:
    """Find a message by a short id, by its id at the server, or as `last`: the newest of one side.

    Raises:
        UsageError: There is none, or several begin so.
    """
    found: list[Message] = []
    async for message in conversation.history():
        if name == LAST:
            if message.outgoing == own:
                return message
        elif name == message.id or (
            len(name) >= SHORTEST and message.logical_id.startswith(name.lower().rstrip("."))
        ):
            found.append(message)
    if len(found) == 1:
        return found[0]
    problem = "there is no such message" if not found else "several messages begin so"
    raise UsageError(f"{problem}: {name}", f"helio {_profile()}history {conversation.handle} --ids")


async def reply_to(conversation: Conversation, rest: str) -> Message:
    """Answer a message: `MESSAGE TEXT`."""
    name, text = _split(rest, "reply", "TEXT")
    return await (await find(conversation, name, own=False)).reply(text)


async def change(conversation: Conversation, rest: str) -> Message:
    """Change the text of an own message: `MESSAGE TEXT`."""
    name, text = _split(rest, "edit", "TEXT")
    return await (await find(conversation, name, own=True)).edit(text)


async def react_to(conversation: Conversation, rest: str) -> Message:
    """React to a message, or take that back: `MESSAGE EMOJI` or `MESSAGE -`."""
    name, emoji = _split(rest, "react", "EMOJI")
    return await (await find(conversation, name, own=False)).react("" if emoji == "-" else emoji)


async def remove(conversation: Conversation, rest: str) -> Message:
    """Delete an own message for everyone: `MESSAGE`."""
    if not rest or " " in rest:
        raise UsageError("which message?", "/delete last")
    return await (await find(conversation, rest, own=True)).delete_for_everyone()


async def set_timer(conversation: Conversation, rest: str) -> Message:
    """Let later messages disappear: `1h`, `1d`, `7d`, `30d` or `off`."""
    if rest not in (*TIMERS, OFF):
        raise UsageError("a timer is 1h, 1d, 7d, 30d or off", "/timer 1d")
    return await conversation.set_timer(None if rest == OFF else rest)  # type: ignore[arg-type]


SLASH: dict[str, Act] = {
    "/reply": reply_to,
    "/edit": change,
    "/react": react_to,
    "/delete": remove,
    "/timer": set_timer,
}
USES = (
    "/reply MESSAGE TEXT, /edit MESSAGE TEXT, /react MESSAGE EMOJI, /delete MESSAGE, /timer 1h|1d|7d|30d|off"
)


async def act(conversation: Conversation, line: str) -> Message:
    """Do what a line of a chat says that begins with a slash.

    Raises:
        UsageError: It says nothing that can be done.
        HeliographError: It is refused.
    """
    command, _, rest = line.partition(" ")
    if command not in SLASH:
        raise UsageError(f"there is no {command}; there are {USES}", f"/{line} sends it as a text")
    return await SLASH[command](conversation, rest.strip())


async def reply(to: str, message: str, text: Text, *, wait: Wait = "sent", timeout: float = 30) -> None:  # noqa: ASYNC109 - a command line option
    """Answer a message.

    Parameters
    ----------
    to
        With whom.
    message
        Its short id, as `helio history --ids` shows it, or `last`: the newest that they sent.
    text
        The answer.
    wait
        How far it has to get before the command ends.
    timeout
        Seconds to wait.
    """
    await _run(to, reply_to, f"{message} {text}", wait, timeout)


async def edit(to: str, message: str, text: Text, *, wait: Wait = "sent", timeout: float = 30) -> None:  # noqa: ASYNC109 - a command line option
    """Change the text of a message of yours, for everyone.

    Parameters
    ----------
    to
        With whom.
    message
        Its short id, as `helio history --ids` shows it, or `last`: the newest that you sent.
    text
        The new text.
    wait
        How far that has to get before the command ends.
    timeout
        Seconds to wait.
    """
    await _run(to, change, f"{message} {text}", wait, timeout)


async def react(to: str, message: str, emoji: Text, *, wait: Wait = "sent", timeout: float = 30) -> None:  # noqa: ASYNC109 - a command line option
    """Put an emoji under a message.

    Parameters
    ----------
    to
        With whom.
    message
        Its short id, as `helio history --ids` shows it, or `last`: the newest that they sent.
    emoji
        One emoji, in place of the one before; `-` takes it back.
    wait
        How far that has to get before the command ends.
    timeout
        Seconds to wait.
    """
    await _run(to, react_to, f"{message} {emoji}", wait, timeout)


async def delete(to: str, message: str, *, wait: Wait = "sent", timeout: float = 30) -> None:  # noqa: ASYNC109 - a command line option
    """Delete a message of yours, for everyone.

    Parameters
    ----------
    to
        With whom.
    message
        Its short id, as `helio history --ids` shows it, or `last`: the newest that you sent.
    wait
        How far that has to get before the command ends.
    timeout
        Seconds to wait.
    """
    await _run(to, remove, message, wait, timeout)


async def timer(to: str, after: str | None = None, *, wait: Wait = "sent", timeout: float = 30) -> None:  # noqa: ASYNC109 - a command line option
    """Let later messages of both sides disappear; without a time, show the timer.

    Parameters
    ----------
    to
        With whom.
    after
        1h, 1d, 7d or 30d; `off`: they stay.
    wait
        How far that has to get before the command ends.
    timeout
        Seconds to wait.
    """
    if after is not None:
        await _run(to, set_timer, after, wait, timeout)
        return
    context = current.get()
    async with context.client(connect=False) as me:
        found = await (await me.conversation(to)).timer()
        context.show(found or OFF, timer=found)


async def _run(to: str, action: Act, rest: str, wait: Wait, timeout: float) -> None:  # noqa: ASYNC109
    context = current.get()
    async with context.client() as me:
        done = await wait_for(await action(await me.conversation(to), rest), wait, timeout)
        context.show(done.status, done)


def _split(rest: str, command: str, what: str) -> tuple[str, str]:
    name, _, text = rest.partition(" ")
    if not name or not text.strip():
        raise UsageError(f"what is meant by: {safe(rest)[: SHORT * 4]}", f"/{command} {LAST} {what}")
    return name, text.strip()


def _profile() -> str:
    name = current.get().profile
    return "" if name == "default" else f"-p {name} "
