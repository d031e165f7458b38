"""Sending: one lane a conversation, in order, until everything is accepted or refused for good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from heliograph import tasks
from heliograph.acks import AckQueue
from heliograph.backoff import Backoff
from heliograph.connection import Connection
from heliograph.directory import Directory
from heliograph.encryption import Encryption, SessionsMissing
from heliograph.errors import HeliographError, NoAnswer, NotFound, from_wire
from heliograph.ids import AccountId, MessageId, ServerClock
from heliograph.keys import Keys
from heliograph.pacing import Pace
from heliograph.signing import Identity
from heliograph.store import incoming, outgoing, status
from heliograph.store.database import Database
from heliograph.store.outgoing import Attempt
from heliograph.store.peers import Peer

logger = logging.getLogger("heliograph")

MESSAGES_PER_FRAME = 50
PATIENCE = 3
"""Repairs (new ids, new device lists) in a row before a lane pauses like after a failure."""

DOUBT_MS = 10_000
"""The server takes no id that far ahead: where a conversation is, the clock of this device is behind."""
PAUSE_SECONDS = 60
"""The longest pause of a lane whose ids run ahead: its clock may be corrected meanwhile."""

NEW_ID = frozenset({"ID_STALE", "ID_AHEAD", "ID_ORDER"})


class Lane:
    """The queue of one conversation.

    One frame of it is in flight at a time, so nothing in it is overtaken.
    """

    def __init__(self, peer: AccountId) -> None:
        self.peer = peer
        self.queue: deque[int] = deque()
        self.limit = MESSAGES_PER_FRAME
        self.repairs = 0
        self.first = False
        self.task: asyncio.Task[None] | None = None


class Outbox:
    """Sends what the store holds as pending.

    What is final for one message fails it alone; what may pass holds the ones behind it back.
    """

    def __init__(
        self,
        *,
        database: Database,
        me: Identity,
        clock: ServerClock,
        encryption: Encryption,
        directory: Directory,
        keys: Keys,
        connection: Connection,
        acks: AckQueue,
        backoff: Callable[[], Backoff],
        on_changed: Callable[[Iterable[int]], None],
    ) -> None:
        self._database = database
        self._me = me
        self._clock = clock
        self._encryption = encryption
        self._directory = directory
        self._keys = keys
        self._connection = connection
        self._acks = acks
        self._backoff = backoff
        self._on_changed = on_changed
        self._pace = Pace()
        self._lanes: dict[AccountId, Lane] = {}

    def add(self, peer: AccountId, seq: int, *, first: bool = False) -> None:
        """Queue a stored message behind the others of its conversation.

        The first message to an account accepts it: then what it sent before gets its receipts.
        """
        lane = self._lanes.get(peer)
        if lane is None:
            lane = self._lanes[peer] = Lane(peer)
        lane.queue.append(seq)
        lane.first = lane.first or first
        if lane.task is None:
            lane.task = asyncio.create_task(self._run(lane))

    async def drained(self) -> None:
        """Wait until nothing is pending."""
        while running := [lane.task for lane in self._lanes.values() if lane.task is not None]:
            await asyncio.wait(running)

    async def close(self) -> None:
        """Stop; what is pending goes on when the store is opened again."""
        await tasks.end([lane.task for lane in self._lanes.values()])

    async def _run(self, lane: Lane) -> None:
        backoff = self._backoff()
        try:
            while lane.queue:
                try:
                    await self._send_some(lane)
                    if lane.repairs == 0:
                        backoff.reset()
                    elif lane.repairs % PATIENCE == 0:
                        await asyncio.sleep(backoff.next())
                except NoAnswer:
                    continue
                except NotFound as gone:
                    await self._recipient_gone(lane, gone.code)
                except HeliographError as problem:
                    if not problem.retryable:
                        await self._refused(lane, problem)
                    else:
                        await asyncio.sleep(backoff.next(problem.retry_after))
                except Exception:
                    logger.exception("a message could not be sent yet")
                    await asyncio.sleep(backoff.next())
        finally:
            lane.task = None

    async def _send_some(self, lane: Lane) -> None:
        await self._connection.socket()
        peer = await self._directory.get(lane.peer)
        own = await self._directory.get(self._me.account)
        async with self._pace.turn():
            wait_ms = await self._send_to(lane, peer, own)
        if wait_ms > DOUBT_MS and await self._connection.correct_clock():
            return
        await asyncio.sleep(min(wait_ms / 1000, PAUSE_SECONDS))

    async def _send_to(self, lane: Lane, peer: Peer, own: Peer) -> int:
        """Send one frame; give the ms to wait before anything of the lane may be sent."""
        socket = await self._connection.socket()
        queue, now = list(lane.queue)[: lane.limit], self._clock.now()
        try:
            prepared = await self._database.run(
                lambda connection: outgoing.prepare(
                    connection, self._me, peer, own, queue, now, self._encryption
                )
            )
        except SessionsMissing as missing:
            await self._keys.claim(missing.devices, peer.addresses() | own.addresses())
            return 0
        self._drop(lane, prepared.settled)
        if not prepared.attempts:
            return prepared.wait_ms
        batch = self._acks.take()
        rest = f',"messages":[{",".join(attempt.body for attempt in prepared.attempts)}]'
        try:
            answer = await socket.request("send", rest + batch.member)
        except NoAnswer:
            self._acks.put_back(batch, 0)
            if socket.unanswered > 1:
                self._connection.suspect(socket)
            raise
        except HeliographError:
            self._acks.put_back(batch, 0)
            raise
        self._acks.settle(batch, answer)
        await self._settle(lane, prepared.attempts, answer["results"])
        return 0

    async def _settle(self, lane: Lane, attempts: list[Attempt], results: list[dict[str, Any]]) -> None:
        by_id = {result.get("id"): result for result in results}
        taken: dict[int, MessageId] = {}
        failed: list[tuple[int, str]] = []
        repair: str | None = None
        stale_lists: set[AccountId] = set()
        held_up: HeliographError | None = None
        for attempt in attempts:
            result = by_id.get(attempt.id, {"error": {"code": "INTERNAL", "message": "no result"}})
            if "error" not in result:
                taken[attempt.seq] = attempt.id
                continue
            error = from_wire(result["error"])
            if error.code == "EARLIER_REFUSED":
                continue
            if error.code == "DEVICE_LIST_STALE":
                repair = repair or error.code
                stale_lists.update(error.details.get("devices", {}))
            elif error.code in NEW_ID:
                repair = error.code
            elif error.retryable or isinstance(error, NotFound):
                held_up = held_up or error
            else:
                failed.append((attempt.seq, error.code))
        behind = [seq for seq in lane.queue if seq not in taken]
        now = self._clock.now()  # corrected by the answer

        def store(connection: Any) -> list[int]:
            changed = [seq for seq, name in taken.items() if outgoing.accepted(connection, seq, name)]
            changed += [seq for seq, code in failed if status.fail(connection, seq, code)]
            if repair in NEW_ID:
                outgoing.name_again(connection, lane.peer, behind, now)
            elif repair is not None:
                outgoing.encrypt_again(connection, behind)
            return changed

        changed = await self._database.run(store)
        self._drop(lane, [*taken, *(seq for seq, _ in failed)])
        self._on_changed(changed)
        if taken and lane.first:
            lane.first = False
            self._acks.add(
                await self._database.run(
                    lambda connection: incoming.owe_receipts(connection, self._me, lane.peer)
                )
            )
        if taken or failed:
            lane.limit, lane.repairs = MESSAGES_PER_FRAME, 0
        if repair is not None:
            lane.repairs += 1
        for account in stale_lists & {lane.peer, self._me.account}:
            await self._directory.refresh(account)
        if held_up is not None:
            raise held_up

    async def _recipient_gone(self, lane: Lane, code: str) -> None:
        """There is no such account, or no more: all that is queued fails, and nothing goes to another one."""
        queue = list(lane.queue)
        self._on_changed(
            await self._database.run(
                lambda connection: [seq for seq in queue if status.fail(connection, seq, code)]
            )
        )
        self._drop(lane, queue)
        with contextlib.suppress(HeliographError):
            await self._directory.refresh(lane.peer)  # learns which account has the handle now

    async def _refused(self, lane: Lane, problem: HeliographError) -> None:
        """A whole frame was refused: find the message that is to blame."""
        if lane.limit > 1 and len(lane.queue) > 1:
            lane.limit = 1
            return
        seq = lane.queue[0]
        if await self._database.run(lambda connection: status.fail(connection, seq, problem.code)):
            self._on_changed([seq])
        self._drop(lane, [seq])

    def _drop(self, lane: Lane, done: list[int]) -> None:
        for seq in done:
            with contextlib.suppress(ValueError):
                lane.queue.remove(seq)  # once: it may have been queued again meanwhile
