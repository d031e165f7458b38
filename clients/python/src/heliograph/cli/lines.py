"""A message as a line of text, and lines that somebody types."""

from __future__ import annotations

import asyncio
import sys
import threading
import time as clock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliograph.model import Message


SHORT = 8
"""Digits of a short id."""

QUOTED = 40
"""Characters of a quote."""


def short_id(message: Message) -> str:
    """Give the name by which a person may call a message: the first digits of its logical id."""
    return message.logical_id[:SHORT]


def line(message: Message, peer: str, *, time: bool = False) -> str:
    """Write `bob: text`, or for own messages `you: text (delivered)`, with what became of it.

    Control characters of others are shown, not obeyed: a message must not move the cursor of a terminal.
    """
    stamp = _clock(message.sent_at) + "  " if time else ""
    ends = f" (disappears {_clock(message.expires_at)})" if time and message.expires_at else ""
    who = "you" if message.outgoing else safe(peer)
    status = f" ({message.status})" if message.outgoing else ""
    return f"{stamp}{who}: {said(message)}{status}{ends}"


def said(message: Message) -> str:
    """Write what a message says now: quote, text, whether it was edited, and reactions."""
    if message.deleted:
        return "(deleted)"
    if message.kind == "unsupported":
        return "(made by a newer version: pip install --upgrade heliograph)"
    quote = "" if message.reply_to is None else f"(re: {_brief(message.reply_to.text or '...')}) "
    edited = " (edited)" if message.edited_at is not None else ""
    reactions = "".join(f" {emoji}" for emoji in message.reactions.values())
    return f"{quote}{safe(message.text)}{edited}{safe(reactions)}"


def _brief(text: str) -> str:
    return safe(text.replace("\n", " ")[:QUOTED])


def _clock(milliseconds: int) -> str:
    return clock.strftime("%Y-%m-%d %H:%M", clock.localtime(milliseconds / 1000))


def safe(text: str) -> str:
    """Replace control characters; lines after the first are indented."""
    allowed = "\n\N{ZERO WIDTH JOINER}"  # the latter is inside of emoji
    shown = "".join(
        letter if letter.isprintable() or letter in allowed else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return shown.replace("\n", "\n    ")


def stdin_lines() -> asyncio.Queue[str | None]:
    """Read stdin in a thread of its own, which a waiting `read` cannot hold the program open with."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for text in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, text.rstrip("\r\n"))
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return lines
