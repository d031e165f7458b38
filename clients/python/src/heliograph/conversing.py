"""What is done in conversations: texts, replies, edits, reactions, deletions, timers, and reading."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

from heliograph.account import OwnAccount
from heliograph.content import AIMED, VISIBLE, Content, Mention, Target
from heliograph.errors import BadContent, SendFailed, TooLarge
from heliograph.ids import AccountId, account_of, conversation_id, new_logical_id
from heliograph.model import RANKS, Expiry, Message, Quote, Status
from heliograph.store import incoming, messages, outgoing, shown, timers
from heliograph.store.shown import Shown

HISTORY_PAGE = 50


class Conversing(OwnAccount):
    """The conversations' side of a client: what `Message` and `Conversation` ask for."""

    async def send_text(
        self,
        peer: AccountId,
        text: str,
        *,
        expires: Expiry | None,
        mentions: Sequence[Mention],
        to: Message | None = None,
    ) -> Message:
        """Queue a text or a reply; what `Conversation.send` and `Message.reply` do."""
        if to is not None and to.kind not in VISIBLE:
            raise BadContent("it cannot be answered: it shows nothing, or has disappeared")
        kind, target = ("text", None) if to is None else ("reply", _target(to))
        named = tuple(Mention(*mention) for mention in mentions)
        return await self._queue(peer, kind, text=text, mentions=named, target=target, expires=expires or "")

    async def edit(self, message: Message, text: str, mentions: Sequence[Mention]) -> Message:
        """Queue an edit; what `Message.edit` does."""
        named = tuple(Mention(*mention) for mention in mentions)
        return await self._queue(message.peer, "edit", text=text, mentions=named, target=_target(message))

    async def react(self, message: Message, emoji: str) -> Message:
        """Queue a reaction; what `Message.react` does."""
        return await self._queue(message.peer, "reaction", emoji=emoji, target=_target(message))

    async def delete(self, message: Message) -> Message:
        """Delete and queue that; what `Message.delete_for_everyone` does."""
        return await self._queue(message.peer, "delete", target=_target(message))

    async def set_timer(self, peer: AccountId, expires: Expiry | None) -> Message:
        """Queue a new timer; what `Conversation.set_timer` does."""
        return await self._queue(peer, "timer", expires=expires or "")

    async def timer(self, peer: AccountId) -> Expiry | None:
        """Read a timer; what `Conversation.timer` does."""
        found = await self._store().run(lambda connection: timers.current(connection, peer))
        return cast(Expiry, found) if found else None

    async def wait_status(self, message: Message, status: Status, seconds: float | None) -> Message:
        """Wait for a message; what `Message.reached` does."""
        watch = self._running().watch
        async with asyncio.timeout(seconds):
            while True:
                change = watch.expect(message.seq)
                try:
                    newest = await self._store().run(
                        lambda connection: shown.of(connection, messages.get(connection, message.seq))
                    )
                    if newest.row.status == "failed":
                        error = newest.row.error
                        raise SendFailed(f"the message was refused: {error}", code=error)
                    if RANKS[newest.row.status] >= RANKS[status]:
                        return self._message(newest)
                    await change
                finally:
                    change.cancel()

    async def mark_read(self, message: Message) -> None:
        """Mark a message; what `Message.mark_read` does."""
        me, engine = self.identity, self._running()
        engine.acks.add(
            await self._store().run(lambda connection: incoming.mark_read(connection, me, message.seq))
        )

    async def mark_all_read(self, peer: AccountId) -> None:
        """Mark a conversation; what `Conversation.mark_read` does."""
        me, engine = self.identity, self._running()
        engine.acks.add(
            await self._store().run(lambda connection: incoming.mark_all_read(connection, me, peer))
        )

    async def retry(self, message: Message) -> None:
        """Queue a failed message again; what `Message.retry` does."""
        engine = self._running()
        if await self._store().run(lambda connection: outgoing.retry(connection, message.seq)):
            engine.outbox.add(message.peer, message.seq)

    async def history(
        self, peer: AccountId, before: Message | None, limit: int | None
    ) -> AsyncIterator[Message]:
        """Walk back through a conversation; what `Conversation.history` does."""
        place = None if before is None else (before.position, before.sender)
        left = limit
        while left is None or left > 0:
            size = HISTORY_PAGE if left is None else min(HISTORY_PAGE, left)
            page = await self._store().run(
                lambda connection, place=place, size=size: [  # type: ignore[misc]
                    shown.of(connection, row) for row in messages.history(connection, peer, place, size)
                ]
            )
            for found in page:
                yield self._message(found)
            if len(page) < size:
                return
            place = page[-1].row.order
            left = None if left is None else left - size

    async def _queue(self, peer: AccountId, kind: str, *, text: str = "", **members: Any) -> Message:
        engine, me = self._running(), self.identity
        conversation = conversation_id(self.account, peer)
        content = Content(new_logical_id(), text, conversation, self._clock.now(), kind, **members)
        most = self._encryption.max_plaintext_bytes
        try:
            content.check()
        except ValueError as problem:
            raise BadContent(str(problem)) from None

        def store(connection: sqlite3.Connection) -> tuple[Shown, bool]:
            final = replace(content, expires=_lifetime(connection, peer, content))
            if len(final.encode()) > most:
                raise TooLarge(f"a message holds at most {most} bytes with its frame")
            row, first = outgoing.add(connection, me, peer, final)
            if kind == "delete":
                self._store().scrub()
            return shown.of(connection, row), first

        queued, first = await self._store().run(store)
        engine.outbox.add(peer, queued.row.seq, first=first)
        return self._message(queued)

    def _message(self, found: Shown) -> Message:
        row = found.row
        quote = Quote(*row.target, found.quoted) if row.kind == "reply" and row.target else None
        return Message(
            logical_id=row.logical_id,
            id=row.id,
            conversation=conversation_id(self.account, row.peer),
            peer=row.peer,
            sender=row.sender,
            outgoing=bool(row.outgoing),
            kind=row.kind,
            text=found.text,
            mentions=found.mentions,
            reply_to=quote,
            edited_at=found.edited_at,
            deleted=found.deleted,
            reactions=found.reactions,
            expires_at=row.expires_at,
            sent_at=row.sent_at,
            status=row.status,
            error=row.error,
            position=row.position,
            seq=row.seq,
            _actions=self,
        )


def _target(message: Message) -> Target:
    return Target(account_of(message.sender), message.logical_id)


def _lifetime(connection: sqlite3.Connection, peer: AccountId, content: Content) -> str:
    """Tell how long a new message stays; what changes another one goes with it.

    Raises:
        BadContent: The other one cannot be changed so.
    """
    if content.kind == "timer" or content.expires:
        return content.expires
    if content.kind not in AIMED or content.target is None:
        return timers.current(connection, peer)
    row = shown.find(connection, peer, content.target)
    if row is None:
        raise BadContent("it cannot be changed: it shows nothing, or has disappeared")
    if content.kind != "reaction" and not row.outgoing:
        raise BadContent("only its author can change it")
    if content.kind != "delete" and shown.of(connection, row).deleted:
        raise BadContent("it was deleted")
    return row.lifetime
