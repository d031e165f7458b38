"""`chat`: lines in, lines out; readable on any terminal, by a screen reader, and through a pipe."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from heliograph.cli import actions, refusals
from heliograph.cli.context import Context, current
from heliograph.cli.lines import line, safe, short_id, stdin_lines
from heliograph.cli.usage import UsageError
from heliograph.content import VISIBLE
from heliograph.errors import HeliographError
from heliograph.events import (
    ConnectionChanged,
    DeviceListChanged,
    Event,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessageReceived,
    PeerReplaced,
    ReactionChanged,
    SentElsewhere,
    StatusChanged,
    TimerChanged,
)

if TYPE_CHECKING:
    from heliograph.client import Client
    from heliograph.ids import AccountId, Cursor, LogicalId
    from heliograph.model import Conversation, Message

OFFLINE_SECONDS = 5
"""Most breaks are shorter: nothing is said about them."""


async def chat(handle: str, *, earlier: int = 10, ids: bool = False, timeout: float = 30) -> int:  # noqa: ASYNC109 - a command line option
    """Talk with somebody: each line that you type is a message. Ctrl-D ends.

    What they write appears as `bob: text`, how far your messages came as `(sent)`, `(delivered)`, `(read)`.
    At the end of the input it waits until everything is sent.

    Lines with a slash do something: /reply MESSAGE TEXT, /edit MESSAGE TEXT, /react MESSAGE EMOJI (- takes it
    back), /delete MESSAGE, /timer 1h|1d|7d|30d|off. MESSAGE is `last` or a short id. A line that begins with
    two slashes is a text that begins with one.

    Parameters
    ----------
    handle
        With whom.
    earlier
        How many earlier messages to show first.
    ids
        Show the short id of each message.
    timeout
        Seconds to wait at the end for what is not sent yet.
    """
    context = current.get()
    async with context.client() as me:
        conversation = await me.conversation(handle)
        if sys.stdin.isatty():
            context.note(
                f"You are {me.handle}, talking with {conversation.handle}. Enter sends, Ctrl-D ends."
            )
        if conversation.changed:
            context.note(identity_line(me, conversation.peer, conversation.handle, context.profile))
        return await _Chat(me, conversation, context, ids=ids).run(earlier, timeout)


def identity_line(
    me: Client, account: AccountId, handle: str, profile: str, *, verified: bool = False
) -> str:
    """Say that an identity changed, and what to type."""
    if account == me.account:
        return (
            "your own account has a device that none of your devices signed, so nothing is sent to anybody. "
            f"Next: helio -p {profile} devices   (if all are yours: helio -p {profile} trust {me.handle})"
        )
    loud = "VERIFIED " if verified else ""
    return (
        f"the {loud}identity of {handle} changed: perhaps a lie of the server, so nothing is sent. Ask them, "
        f"then: helio -p {profile} verify {handle}   (without asking: helio -p {profile} trust {handle})"
    )


def devices_line(who: str, event: DeviceListChanged) -> str:
    """Say which devices somebody has more or less than before."""
    changes = [(event.added, "a new device"), (event.removed, "removed device")]
    said = [f"{what} {number}" for numbers, what in changes for number in numbers]
    return f"({who}: {', '.join(said)})" if said else ""


class _Chat:
    def __init__(self, me: Client, conversation: Conversation, context: Context, *, ids: bool) -> None:
        self._me = me
        self._ids = ids
        self._conversation = conversation
        self._context = context
        self._shown: set[LogicalId] = set()
        self._mine: dict[LogicalId, str] = {}
        self._people = {me.account: me.handle, conversation.peer: conversation.handle}
        self._refused = False
        self._seen_up_to = 0

    async def run(self, earlier: int, timeout: float) -> int:  # noqa: ASYNC109 - a command line option
        start = await self._me.newest_cursor()
        await self._show_earlier(earlier)
        follower = asyncio.create_task(self._follow(start))
        writer = asyncio.create_task(self._write())
        done, _ = await asyncio.wait([follower, writer], return_when=asyncio.FIRST_COMPLETED)
        if follower in done:
            writer.cancel()
            follower.result()
        writer.result()
        try:
            await self._me.drained(timeout)
        except TimeoutError:
            self._context.note(f"not everything is sent after {timeout:g} s; it leaves the next time")
        await self._until_shown()
        follower.cancel()
        return self._outcome()

    async def _show_earlier(self, count: int) -> None:
        found = [message async for message in self._conversation.history(limit=count)]
        for message in reversed(found):
            self._shown.add(message.logical_id)
            self._print(self._line(message), message)
            await message.mark_read()

    async def _write(self) -> None:
        lines = stdin_lines()
        while (text := await lines.get()) is not None:
            if not text.strip():
                continue
            try:
                if text.startswith("/") and not text.startswith("//"):
                    message = await actions.act(self._conversation, text)
                else:
                    message = await self._conversation.send(text[text.startswith("//") :])
            except UsageError as problem:
                self._context.note(f"{problem}. Next: {problem.next_command}")
            except HeliographError as problem:
                self._context.note(
                    f"not sent: {problem}. Next: {refusals.next_command(problem.code, self._context)}"
                )
            else:
                if message.kind in VISIBLE:  # the others tell their status only when they fail
                    self._mine[message.logical_id] = "pending"

    async def _follow(self, start: Cursor) -> None:
        offline: asyncio.TimerHandle | None = None
        async for event in self._me.events(after=start):
            match event:
                case ConnectionChanged(state="closed", reason=reason):
                    raise HeliographError("the server closed the connection for good", code=reason)
                case ConnectionChanged(state="offline", reason=reason):
                    loop = asyncio.get_running_loop()
                    offline = offline or loop.call_later(OFFLINE_SECONDS, self._say_offline, reason)
                case ConnectionChanged(state="online") if offline is not None:
                    offline.cancel()
                    offline = None
                case MessageReceived(message=m) | SentElsewhere(message=m):
                    if m.peer != self._conversation.peer:
                        self._context.note(f"({await self._me.handle_of(m.peer)} wrote to you as well)")
                    elif m.logical_id not in self._shown:
                        self._shown.add(m.logical_id)
                        self._print(self._line(m), m)
                        await m.mark_read()
                case StatusChanged(message=m, status=status, error=error) if (
                    m.peer == self._conversation.peer
                ):
                    self._mine[m.logical_id] = status
                    self._refused = self._refused or error == "IDENTITY_CHANGED"
                    why = f": {error}. Next: {refusals.next_command(error, self._context)}" if error else ""
                    self._print(f"{self._name(m)}({status}{why}) {safe(m.text)[:60]}", event)
                case MessageEdited(message=m) | MessageDeleted(message=m) | ReactionChanged(message=m) if (
                    m.peer == self._conversation.peer
                ):
                    self._print(self._changed(event), event)
                    await m.mark_read()
                case TimerChanged(peer=peer, expires=expires) if peer == self._conversation.peer:
                    after = f"disappear after {expires}" if expires else "stay"
                    self._print(f"(messages {after} from now on)", event)
                    await self._conversation.mark_read()
                case MessageExpired(message=m) if m.logical_id in self._shown:
                    self._print(f"{self._name(m)}(a message disappeared)", event)
                case _:
                    self._about_people(event)
            self._seen_up_to = event.cursor

    def _changed(self, event: MessageEdited | MessageDeleted | ReactionChanged) -> str:
        message = event.message
        if isinstance(event, ReactionChanged):
            who = "you" if event.account == self._me.account else safe(self._conversation.handle)
            what = f"{who} reacted {safe(event.emoji)}" if event.emoji else f"{who} took a reaction back"
            return f"{self._name(message)}({what}) {safe(message.text)[:60]}"
        what = "deleted" if message.deleted else "edited"
        return f"{self._name(message)}({what}) {line(message, self._conversation.handle)}"

    def _line(self, message: Message) -> str:
        return self._name(message) + line(message, self._conversation.handle)

    def _name(self, message: Message) -> str:
        return f"{short_id(message)}  " if self._ids else ""

    def _about_people(self, event: Event) -> None:
        match event:
            case IdentityChanged(account=account, verified=verified) if account in self._people:
                who, profile = self._people[account], self._context.profile
                self._context.note(identity_line(self._me, account, who, profile, verified=verified))
            case DeviceListChanged(account=account) if account in self._people:
                self._context.note(devices_line(self._people[account], event))
            case PeerReplaced(account=account, handle=handle) if account == self._conversation.peer:
                self._context.note(
                    f"{handle} registered again: that is another account, maybe another person. "
                    f"Next: helio -p {self._context.profile} chat {handle}"
                )

    def _say_offline(self, reason: str | None) -> None:
        self._context.note(f"offline ({reason}), trying again; what you write leaves when the server is back")

    async def _until_shown(self) -> None:
        """Let the follower print the statuses that are in the store already."""
        end = await self._me.newest_cursor()
        for _ in range(50):
            if self._seen_up_to >= end:
                return
            await asyncio.sleep(0.01)

    def _print(self, text: str, value: object) -> None:
        if self._context.json:
            self._context.emit(value)
        else:
            self._context.show(text)

    def _outcome(self) -> int:
        statuses = list(self._mine.values())
        if self._refused and set(statuses) == {"failed"}:
            return refusals.IDENTITY_CHANGED
        if "failed" in statuses:
            return refusals.PARTLY_SENT if set(statuses) != {"failed"} else refusals.UNEXPECTED
        if "pending" in statuses:
            return refusals.PARTLY_SENT if set(statuses) != {"pending"} else refusals.NETWORK
        return refusals.OK
