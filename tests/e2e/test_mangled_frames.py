"""Ten thousand frames that nobody should send, over real sockets: refused by name, and nothing is written.

``HELIOGRAPH_FUZZ_SEED`` chooses other ones than those of every run.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.barriers import Barriers
from tests.e2e.client import ANSWER_SECONDS, Device, Json, Name, Socket, now
from tests.e2e.tables import Tables
from tests.mangled import Cast, Mangled, Mangler, refusal_of
from tests.mangled.values import CANARY
from tests.waiting import until

pytestmark = [pytest.mark.local_only, pytest.mark.timeout(400)]

FRAMES = 10_000
SOCKETS = 8
SEED = os.environ.get("HELIOGRAPH_FUZZ_SEED", "heliograph")
WAITING = 5
"""Messages that wait for each of the devices: an ack that is refused must not remove them."""

CLOSES = {"too large": 1009, "not UTF-8": 1007, "binary": 1003}
NEVER = {"INTERNAL", "UNAVAILABLE", "RATE_LIMITED", "DEVICE_REMOVED", "ACCOUNT_REPLACED"}
COUNTERS = "rate_limits"
SECRETS = (CANARY, "Traceback", "site-packages", "/functions/", ".py", "cassandra", "Internal server error")


class Nuisance:
    """A device that sends mangled frames, and what it must have changed by those that were served."""

    def __init__(self, device: Device, others: list[str], rows: list[Name], seed: str) -> None:
        self.device = device
        self.outcomes: Counter[str] = Counter()
        self.served: list[Json] = []
        self.accepted: set[tuple[str, str]] = set()
        self._accounts = (device.account, *others)
        self._rows = tuple((name[0], name[1]) for name in rows)
        self._mangler = Mangler(seed)
        self._silent: set[str] = set()

    async def send(self, count: int) -> None:
        """Send so many frames, each after the answer of the one before."""
        socket = await self.device.open()
        for number in range(count):
            cast = Cast(self.device.address, self._accounts, self._rows, now())
            mangled = self._mangler.frame(cast)
            try:
                socket = await self._exchange(socket, mangled)
            except (AssertionError, TimeoutError) as problem:
                raise AssertionError(f"frame {number} ({mangled.how}): {mangled.body[:500]!r}") from problem
        await self._works(socket)

    async def _exchange(self, socket: Socket, mangled: Mangled) -> Socket:
        if mangled.how in CLOSES:
            return await self._ends(socket, mangled)
        assert isinstance(mangled.body, str)
        expected = refusal_of(mangled.body)
        frame = json.loads(mangled.body) if expected is None else {}
        if frame.get("action") == "ack":
            self._silent.add(frame["ref"])
            self._note(frame, {})
            await socket.send_raw(mangled.body)
            await socket.drain()
            return socket
        answer = await self._answer(socket, mangled.body)
        codes = _codes(answer)
        assert expected is None or codes == [expected], (expected, answer)
        if expected is None and "error" not in answer:
            self._note(frame, answer)
        self.outcomes.update(codes or ["served"])
        return socket

    async def _answer(self, socket: Socket, text: str) -> Json:
        """The next frame with a ref that is no late refusal of an ack."""
        socket.frames.clear()
        silent = {ref for ref in self._silent if f'"{ref}"' not in text}
        await socket.send_raw(text)

        def answers() -> list[Json]:
            found = [frame for frame in socket.frames if "ref" in frame]
            return [frame for frame in found if frame["ref"] not in silent]

        async with socket._news:
            ready = socket._news.wait_for(lambda: answers() or socket.failures or socket.closed.is_set())
            await asyncio.wait_for(ready, ANSWER_SECONDS)
        assert not socket.failures, "API Gateway says that a function failed"
        [answer] = answers()
        said = json.dumps(answer)
        assert not [secret for secret in SECRETS if secret in said], said
        return answer

    async def _ends(self, socket: Socket, mangled: Mangled) -> Socket:
        """A frame that closes the socket: with the code that the protocol names. The next one is open."""
        connection: ClientConnection = socket.connection
        if isinstance(mangled.body, bytes):
            await connection.send(mangled.body, text=mangled.way == "not UTF-8")
        else:
            await socket.send_raw(mangled.body)
        await until(lambda: connection.protocol.close_rcvd or socket.closed.is_set())
        received = connection.protocol.close_rcvd
        socket.cut()
        assert received is not None, "cut without a close frame"
        assert received.code == CLOSES[mangled.how]
        self.outcomes[f"closed {received.code}"] += 1
        return await self.device.open()

    async def _works(self, socket: Socket) -> None:
        """Whatever was sent: the socket syncs as any other."""
        await socket.drain()
        await socket.close()

    def _note(self, frame: Json, answer: Json) -> None:
        """Remember what a frame of the right shape may have changed."""
        self.served.append(frame)
        to = {message["id"]: message["to"] for message in frame.get("messages", ())}
        for result in answer.get("results", ()):
            if result.get("accepted"):
                self.accepted.add((to[result["id"]], result["id"]))

    @property
    def acked(self) -> set[tuple[str, str]]:
        """The rows that a served frame named in an ack."""
        acks = [frame.get("ack") or {} for frame in self.served]
        lists = [ack.get(kind, []) for ack in acks for kind in ("delivered", "quiet")]
        lists += [names for ack in acks for names in ack.get("read", {}).values()]
        return {(name[0], name[1]) for names in lists for name in names}

    def explains(self, table: str, row: Json) -> bool:
        """Whether a served frame of this device is the reason for a row that came or went."""
        mine = row.get("account_id") == self.device.account
        if table in ("connections_by_account", "connects_by_device"):
            return mine
        if table == "account_card":
            return mine and row["entry"].removeprefix("peer:") in {to for to, _ in self.accepted}
        if table != "inbox_by_account":
            return False
        name = (row["message_id"], row["sender"])
        if mine and name in self.acked:
            return True
        if row["sender"].startswith(f"{self.device.address}/"):  # a receipt that waits
            return row["account_id"] in {sender.partition(":")[0] for _, sender in self.acked}
        return (
            row["sender"] == self.device.address and (row["account_id"], row["message_id"]) in self.accepted
        )


def _codes(answer: Json) -> list[str]:
    """Every code in an answer; the socket has held them to the contract."""
    results: list[Any] = answer.get("results", [])
    errors = [answer.get("error"), answer.get("ack_error"), *(result.get("error") for result in results)]
    codes = [error["code"] for error in errors if error]
    assert not NEVER & set(codes), answer
    return codes


async def test_ten_thousand_mangled_frames(
    new_device: Callable[[], Device], bob: Device, tables: Tables, barriers: Barriers
) -> None:
    """A stable code for each, quoting nothing; the socket stays open or closes with its code; of all rows
    of all tables none came, changed or went but by the few frames that happened to be good.
    """
    devices = [new_device() for _ in range(SOCKETS)]
    barriers.lift_limits(*(device.account for device in devices))
    async with await bob.connect() as b:
        waiting = {device: [bob.message(device) for _ in range(WAITING)] for device in devices}
        for messages in waiting.values():
            await b.send(*messages)
        nuisances = [
            Nuisance(
                device,
                [bob.account, *(other.account for other in devices if other is not device)],
                [[message["id"], bob.address] for message in waiting[device]],
                f"{SEED}:{number}",
            )
            for number, device in enumerate(devices)
        ]
        before = tables.contents(COUNTERS)
        await asyncio.gather(*(nuisance.send(FRAMES // SOCKETS) for nuisance in nuisances))
        changes = before ^ tables.contents(COUNTERS)

        outcomes = sum((nuisance.outcomes for nuisance in nuisances), Counter[str]())
        print(f"\nseed {SEED}: {FRAMES} frames, {len(changes)} rows changed, {outcomes.most_common()}")
        accounts = {device.account for device in (bob, *devices)}
        strange = [
            change
            for table, text in changes
            if not any(nuisance.explains(table, change := json.loads(text)) for nuisance in nuisances)
            and _is_about(change, accounts, came=(table, text) not in before)
        ]
        assert strange == [], f"seed {SEED}"
        assert outcomes["served"] < FRAMES * 0.04, outcomes
        assert set(CLOSES.values()) <= {int(what[7:]) for what in outcomes if what.startswith("closed ")}
        heard = {(bob.account, event["id"]) for event in b.events if event["type"] == "message"}
        assert heard <= set().union(*(nuisance.accepted for nuisance in nuisances))
        await b.drain()
        [result] = await b.send(bob.message(devices[0]))
        assert result["accepted"]


def _is_about(row: Json, accounts: set[str], *, came: bool) -> bool:
    """Whether a change is one of this test: rows of earlier ones may end by their own time."""
    return came or row.get("account_id") in accounts


async def test_who_goes_on_with_nonsense_is_limited_and_then_closed(
    alice: Device, bob: Device, new_device: Callable[[], Device]
) -> None:
    """RATE_LIMITED first, then the socket goes; what others write arrives meanwhile."""
    mallory, mangler = new_device(), Mangler(SEED)
    async with await mallory.open() as m, await alice.connect() as a, await bob.connect() as b:
        cast = Cast(mallory.address, (mallory.account, bob.account), (), now())
        for count in range(5_000):
            if m.closed.is_set():
                break
            mangled = mangler.frame(cast)
            if mangled.how in CLOSES or not isinstance(mangled.body, str) or not refusal_of(mangled.body):
                continue
            with suppress(ConnectionClosed):
                await m.send_raw(mangled.body)
            if count % 50 == 0:
                assert (await a.send(alice.message(bob)))[0]["accepted"]
        await asyncio.wait_for(m.closed.wait(), ANSWER_SECONDS)
        refused = Counter(frame["error"]["code"] for frame in m.frames if "error" in frame)
        assert refused["RATE_LIMITED"]  # up to 20; those under way when the socket goes are lost
        # The word why is posted before the close, which may overtake it where the machine is busy.
        why = {"type": "session_closed", "reason": "RATE_LIMITED", "retry_after": 30}
        assert all(event == why for event in m.events)
        await a.drain()
        assert (await a.send(alice.message(bob)))[0]["accepted"]
        await b.wait_for(2)
