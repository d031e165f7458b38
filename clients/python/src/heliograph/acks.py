"""What is owed to the server: acknowledgements wait a moment for a frame to ride on."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from heliograph.errors import from_wire
from heliograph.ids import ConversationId
from heliograph.store import incoming
from heliograph.store.database import Database
from heliograph.store.incoming import Ack, AckKind

logger = logging.getLogger("heliograph")

LIST_ENTRIES = 256
CONVERSATIONS = 64
QUIET_PATIENCE = 30
"""Nobody waits for a quiet ack: alone it is owed for so many delays, and mostly rides on something."""
REMEMBERED_FRAMES = 64
"""Unanswered ack frames whose error could still come."""


def _both(owed: Ack, ack: Ack) -> Ack:
    """What is owed for a row after another ack of it came: the row goes, and the higher status is told."""
    if "read_receipt" in (owed.kind, ack.kind) and owed.kind != ack.kind:
        return ack._replace(kind="read", conversation=ack.conversation or owed.conversation)
    return owed if ack.kind == "delivered" else ack


class AckBatch:
    """Acks of one frame."""

    def __init__(self, acks: list[Ack]) -> None:
        self.acks = acks

    @property
    def member(self) -> str:
        """The frame's `ack` member as JSON text, with the comma before it; empty without acks."""
        if not self.acks:
            return ""
        delivered: list[list[str]] = []
        quiet: list[list[str]] = []
        read: dict[ConversationId, list[list[str]]] = {}
        read_receipts: dict[ConversationId, list[list[str]]] = {}
        for ack in self.acks:
            name = [ack.id, ack.sender]
            match ack.kind:
                case "delivered":
                    delivered.append(name)
                case "quiet":
                    quiet.append(name)
                case "read":
                    read.setdefault(ack.conversation, []).append(name)
                case "read_receipt":
                    read_receipts.setdefault(ack.conversation, []).append(name)
        lists = {"delivered": delivered, "read": read, "read_receipts": read_receipts, "quiet": quiet}
        body = {kind: entries for kind, entries in lists.items() if entries}
        return ',"ack":' + json.dumps(body, separators=(",", ":"))


class AckQueue:
    """Acks that are stored and not sent yet.

    An ack that left is forgotten: `ack` frames are not answered, and where one got lost its row comes again
    with the next drain and is acknowledged again. An ack whose frame was refused is put back.
    """

    def __init__(self, database: Database, delay: float, flush: Callable[[], None]) -> None:
        self._database = database
        self._delay = delay
        self._flush = flush
        self._owed: dict[tuple[str, str], Ack] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._sent: dict[str, AckBatch] = {}

    def __len__(self) -> int:
        return len(self._owed)

    def add(self, acks: Iterable[Ack]) -> None:
        """Owe acks; a `read` replaces a `delivered` that has not left yet."""
        patience = QUIET_PATIENCE
        for ack in acks:
            self._owe(ack)
            if ack.kind != "quiet":
                patience = 1
        if self._owed:
            self.flush_soon(0 if len(self._owed) >= LIST_ENTRIES else self._delay * patience)

    def _owe(self, ack: Ack) -> None:
        key = (ack.id, ack.sender)
        self._owed[key] = _both(self._owed[key], ack) if key in self._owed else ack

    def flush_soon(self, delay: float) -> None:
        """Send what is owed after `delay` seconds or sooner, if no frame takes it along before.

        Not while the server wants none: what comes meanwhile waits with what it refused.
        """
        loop = asyncio.get_running_loop()
        delay = max(delay, self._not_before - time.monotonic())
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay, self._time_is_up)

    @property
    def due(self) -> bool:
        """Something is owed, and the server did not ask to wait: a frame of acks may be sent."""
        return bool(self._owed) and time.monotonic() >= self._not_before

    def _time_is_up(self) -> None:
        self._timer = None
        if self.due:
            self._flush()
        elif self._owed:
            self.flush_soon(self._delay)

    def take(self) -> AckBatch:
        """Take as many as one frame can carry, oldest first."""
        if not self._owed:
            return AckBatch([])
        counts: Counter[AckKind] = Counter()
        conversations: dict[AckKind, set[ConversationId]] = {"read": set(), "read_receipt": set()}
        taken: list[Ack] = []
        for ack in self._owed.values():
            if counts[ack.kind] >= LIST_ENTRIES:
                continue
            if (named := conversations.get(ack.kind)) is not None:
                if ack.conversation not in named and len(named) >= CONVERSATIONS:
                    continue
                named.add(ack.conversation)
            counts[ack.kind] += 1
            taken.append(ack)
        for ack in taken:
            del self._owed[ack.id, ack.sender]
        if not self._owed and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return AckBatch(taken)

    def names(self, limit: int) -> list[list[str]]:
        """Name messages that are stored here and owed, and in no frame yet."""
        return [[ack.id, ack.sender] for ack in self._owed.values() if "/" not in ack.sender][:limit]

    def sending(self, batch: AckBatch, ref: str) -> None:
        """Remember a frame a while, of which only an error would be told."""
        self._sent[ref] = batch
        if len(self._sent) > REMEMBERED_FRAMES:
            del self._sent[next(iter(self._sent))]

    def left(self, batch: AckBatch) -> None:
        """Forget acks that the server got."""
        if not batch.acks:
            return
        self._database.later(lambda connection: incoming.acknowledged(connection, batch.acks))

    def put_back(self, batch: AckBatch, delay: float) -> None:
        """Owe again what did not get through, with what was added to it meanwhile.

        No frame of acks is sent for `delay` seconds and a random while more.
        """
        if not batch.acks:
            return
        if delay:
            self._not_before = time.monotonic() + delay * random.uniform(1, 1.25)  # noqa: S311
        newer, self._owed = self._owed, {(ack.id, ack.sender): ack for ack in batch.acks}
        for ack in newer.values():
            self._owe(ack)
        self.flush_soon(max(delay, self._delay))

    def settle(self, batch: AckBatch, answer: dict[str, Any]) -> None:
        """Take in what became of acks that rode on an answered frame."""
        error = answer.get("ack_error")
        if not isinstance(error, dict):
            self.left(batch)
            return
        problem = from_wire(error)
        if problem.retryable:
            self.put_back(batch, problem.retry_after or 1)
        else:
            logger.warning("the server refused acks: %s", problem.code)
            self.left(batch)

    def refused(self, ref: str | None) -> AckBatch | None:
        """Give the acks of an ack frame that was refused."""
        return self._sent.pop(ref, None) if ref is not None else None

    def stop(self) -> None:
        """Send nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
