"""What every command knows: profile, server, and how to print."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.home import Home

if TYPE_CHECKING:
    from heliograph.client import Client

HIDDEN = frozenset({"_actions", "position", "seq"})


class UsageError(Exception):
    """The command line cannot be carried out as it stands; exit code 2.

    `next_command` is what to type instead.
    """

    def __init__(self, message: str, next_command: str) -> None:
        super().__init__(message)
        self.next_command = next_command


@dataclass(slots=True)
class Context:
    """The options before the command."""

    profile: str
    server: str | None
    json: bool
    home: Home = field(default_factory=Home)

    @property
    def store(self) -> Path:
        """The profile's file."""
        try:
            return self.home.store(self.profile)
        except ValueError as problem:
            raise UsageError(str(problem), "helio -p alice status") from problem

    @asynccontextmanager
    async def client(self, *, connect: bool = True, registered: bool = True) -> AsyncIterator[Client]:
        """Open the profile.

        The server is the one of `--server`, else the profile's own, else `$HELIOGRAPH_SERVER`, else what a
        local cloud wrote.

        Raises:
            NotRegistered: It has no account, and the command needs one.
        """
        from heliograph.client import Client  # noqa: PLC0415 - `helio --help` needs no client
        from heliograph.errors import NotRegistered  # noqa: PLC0415

        async with Client(self.store, self.server, fallback_server=self.home.server(), connect=connect) as me:
            if registered and not me.registered:
                raise NotRegistered(f"profile {self.profile} has no account yet")
            yield me

    def show(self, text: str, value: Any = None, **more: Any) -> None:
        """Print a result: text, or with `--json` one object on stdout and the text on stderr."""
        if self.json:
            self.note(text)
            self.emit(value, **more)
        else:
            print(text, flush=True)

    def emit(self, value: Any = None, **more: Any) -> None:
        """Print one JSON object on a line of its own."""
        body = (plain(value) if value is not None else {}) | more
        print(json.dumps(body, ensure_ascii=False), flush=True)

    def note(self, text: str) -> None:
        """Tell a person something that is no result."""
        if text:
            print(text, file=sys.stderr, flush=True)


def plain(value: Any) -> Any:
    """Turn an event, a message or a device into JSON values; events get a `type`."""
    if is_dataclass(value) and not isinstance(value, type):
        body = {
            item.name: plain(getattr(value, item.name)) for item in fields(value) if item.name not in HIDDEN
        }
        if "cursor" in body:
            kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__).lower()
            return {"type": kind} | body
        return body
    return value


current: ContextVar[Context] = ContextVar("context")
