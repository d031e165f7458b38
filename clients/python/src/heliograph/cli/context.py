"""What every command knows: profile, server, and how to print."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.cli.sealing import SealOptions
from heliograph.cli.usage import UsageError
from heliograph.home import Home

if TYPE_CHECKING:
    from heliograph.client import Client
    from heliograph.store.seal import Seal

HIDDEN = frozenset({"_actions", "position", "seq"})


@dataclass(slots=True)
class Context:
    """The options before the command."""

    profile: str
    server: str | None
    json: bool
    seal: SealOptions = field(default_factory=SealOptions)
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
            SealRequired: Nobody said how the new store is sealed, or what its passphrase is.
        """
        from heliograph.client import Client  # noqa: PLC0415 - `helio --help` needs no client
        from heliograph.errors import NotRegistered, SealRequired  # noqa: PLC0415

        def client(seal: Seal | None) -> Client:
            fallback = self.home.server()
            return Client(self.store, self.server, fallback_server=fallback, seal=seal, connect=connect)

        async with AsyncExitStack() as stack:
            try:
                me = await stack.enter_async_context(client(self.seal.said()))
            except SealRequired as needed:
                seal = self.seal.wanted(needed, self.profile)
                me = await stack.enter_async_context(client(seal))
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
