"""The one stream of events: the durable log, joined by changes of the connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
    StoreRolledBack,
    TimerChanged,
    Undecryptable,
)
from heliograph.ids import AccountId, Address, Cursor, MessageId, conversation_id
from heliograph.model import Message
from heliograph.store import event_log
from heliograph.store.database import Database
from heliograph.store.event_log import Logged
from heliograph.store.shown import Shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = 100

_PLAIN: dict[str, Callable[[Message, Cursor], Event]] = {
    "received": MessageReceived,
    "copied": SentElsewhere,
    "edited": MessageEdited,
    "deleted": MessageDeleted,
    "expired": MessageExpired,
}
"""Events that tell of a message and nothing else."""


class EventStream:
    """An iteration over the events; made by `Client.events()`.

    The cursor of the store moves past an event when the next one is asked for, which is when the loop's body
    is through with it. After a crash, an exception or a `break` the event is shown again.
    """

    def __init__(
        self,
        database: Database,
        own: AccountId,
        after: Cursor,
        begin: ConnectionChanged,
        to_message: Callable[[Shown], Message],
        seen: Callable[[Cursor], None] | None,
    ) -> None:
        self._database = database
        self._own = own
        self._after = after
        self._to_message = to_message
        self._seen = seen
        self._page: deque[Event] = deque()
        self._connection: deque[ConnectionChanged] = deque([begin])
        self._wake = asyncio.Event()
        self._wake.set()
        self._ended = False
        self._shown: Event | None = None

    def notify(self) -> None:
        """Tell that the log grew."""
        self._wake.set()

    def connection_changed(self, event: ConnectionChanged) -> None:
        """Show a change of the connection after what was logged before it."""
        self._connection.append(event)
        self._wake.set()

    def end(self) -> None:
        """End the iteration after what is there now."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        shown, self._shown = self._shown, None
        if shown is not None and self._seen is not None and not isinstance(shown, ConnectionChanged):
            self._seen(shown.cursor)
        while True:
            event = self._next()
            if event is not None:
                self._shown = event
                return event
            if self._ended:
                raise StopAsyncIteration
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._read()
            except BaseException:
                self._wake.set()  # a cancelled reader must not swallow what it was woken for
                raise

    def _next(self) -> Event | None:
        if self._connection and (not self._page or self._connection[0].cursor < self._page[0].cursor):
            return self._connection.popleft()
        if self._page:
            return self._page.popleft()
        return None

    async def _read(self) -> None:
        if self._ended:
            return
        entries = await self._database.run(lambda connection: event_log.read(connection, self._after, PAGE))
        if not entries:
            return
        self._after = entries[-1].cursor
        self._wake.set()  # there may be more
        for entry in entries:
            event = self._event(entry)
            if event is not None:
                self._page.append(event)

    def _event(self, entry: Logged) -> Event | None:
        if entry.message is not None:
            return self._about(self._to_message(entry.message), entry)
        return self._durable(entry.kind, entry.body, entry.cursor)

    def _durable(self, kind: str, body: dict[str, Any], cursor: Cursor) -> Event | None:
        event: Event | None = None
        match kind:
            case "devices":
                added, removed = tuple(body.get("added", ())), tuple(body.get("removed", ()))
                account = body.get("account", self._own)
                event = DeviceListChanged(account, body["version"], cursor, added, removed)
            case "identity":
                event = IdentityChanged(body["account"], body["verified"], cursor)
            case "replaced":
                event = PeerReplaced(body["account"], body["handle"], body["by"], cursor)
            case "undecryptable":
                sender = Address(body["sender"])
                event = Undecryptable(MessageId(body["id"]), sender, body["reason"], cursor)
            case "timer":
                event = self._timer(body, cursor)
            case "rolled_back":
                event = StoreRolledBack(body["previous_connect"], cursor)
        return event

    def _about(self, message: Message, entry: Logged) -> Event | None:
        if message.kind == "expired" and entry.kind != "expired":
            return None
        if kind := _PLAIN.get(entry.kind):
            return kind(message, entry.cursor)
        if entry.kind == "reaction":
            account = AccountId(entry.body["by"])
            return ReactionChanged(message, account, message.reactions.get(account, ""), entry.cursor)
        return StatusChanged(message, entry.body["status"], entry.body.get("error"), entry.cursor)

    def _timer(self, body: dict[str, Any], cursor: Cursor) -> Event:
        peer = AccountId(body["peer"])
        conversation = conversation_id(self._own, peer)
        return TimerChanged(conversation, peer, AccountId(body["by"]), body["expires"] or None, cursor)
