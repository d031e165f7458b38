"""A message as a line of text, and lines that somebody types."""

from __future__ import annotations

import asyncio
import sys
import threading
import time as clock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliograph.model import Message


def line(message: Message, peer: str, *, time: bool = False) -> str:
    """Write `bob: text`, or for own messages `you: text (delivered)`.

    Control characters of others are shown, not obeyed: a message must not move the cursor of a terminal.
    """
    stamp = clock.strftime("%Y-%m-%d %H:%M  ", clock.localtime(message.sent_at / 1000)) if time else ""
    if message.outgoing:
        return f"{stamp}you: {safe(message.text)} ({message.status})"
    return f"{stamp}{safe(peer)}: {safe(message.text)}"


def safe(text: str) -> str:
    """Replace control characters; lines after the first are indented."""
    shown = "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
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
