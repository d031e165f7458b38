"""Devices without the SDK: they do what it never would. Registered once for a cloud, used by many runs."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import websockets

from tests.e2e.client import Device, HandshakeRefused, Json, Socket, name_of, shown
from tests.faults.claims import claimed
from tests.faults.history import Recorder

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""How long a raw device insists while other faults are in effect: a restart of the local AWS on a busy
machine is the longest.
"""

AWAY = (HandshakeRefused, OSError, TimeoutError, websockets.WebSocketException)
"""What a client meets while workers die, databases hang, and sockets drop."""

_known: defaultdict[str, list[Device]] = defaultdict(list)
_free: defaultdict[str, set[int]] = defaultdict(set)


class Borrowed:
    """Raw devices of one cloud that nobody else uses meanwhile, each of an account of its own."""

    def __init__(self, base_url: str, count: int) -> None:
        self._base_url, self._count = base_url, count
        self._taken: list[int] = []

    async def __aenter__(self) -> list[Device]:
        known, free = _known[self._base_url], _free[self._base_url]
        missing = self._count - len(free)
        if missing > 0:
            new = await asyncio.gather(
                *(asyncio.to_thread(_register, self._base_url) for _ in range(missing))
            )
            free.update(range(len(known), len(known) + len(new)))
            known.extend(new)
        self._taken = [free.pop() for _ in range(self._count)]
        return [known[index] for index in self._taken]

    async def __aexit__(self, *_: object) -> None:
        _free[self._base_url].update(self._taken)


def _register(base_url: str) -> Device:
    """Insists: the database may be away just now, or the local AWS."""
    device = Device(base_url)
    status, answer = 0, Json()
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            status, answer = device.register()
            if status == 200:
                return device
        time.sleep(0.2)
    raise AssertionError(f"no raw device could be registered: {status} {answer}")


async def claim(recorder: Recorder, device: Device, account: str, *devices: int) -> int:
    """Take keys of devices of an account, and record which. Returns how many were one-time keys.

    A refusal gives none: databases hang, and workers die.
    """
    asked_at = time.monotonic_ns()
    body = {"account": account, "devices": list(devices)}
    try:
        status, answer = await asyncio.to_thread(device.request, "POST", "/v1/keys/claim", body)
    except OSError:
        return 0
    if status != 200:
        return 0
    given = claimed(account, answer)
    recorder.record("claimed", who=device.address, asked_t=asked_at, devices=given)
    return sum(len(ids) for ids in given.values())


async def opened(device: Device) -> Socket:
    """A socket, sooner or later: handshakes fail while workers die and databases hang."""
    return await _sooner_or_later(device.open)


async def served(device: Device, frame: Json) -> Json:
    """The answer to a frame, on as many sockets as it takes: one that drops is opened again."""

    async def once() -> Json:
        async with await device.open() as socket:
            return await _answered(socket, frame)

    return await _sooner_or_later(once)


async def _sooner_or_later(attempt: Callable[[], Awaitable[T]]) -> T:
    """What an attempt gives, as soon as it meets nobody who is away. Raises ``TimeoutError``."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(*AWAY):
                return await attempt()
            await asyncio.sleep(0.1)


async def _answered(socket: Socket, frame: Json) -> Json:
    """The answer to a frame. Raises ``ConnectionError`` at once where the socket goes meanwhile."""
    asking = asyncio.create_task(socket.insist(frame))
    closing = asyncio.create_task(socket.closed.wait())
    try:
        await asyncio.wait((asking, closing), return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        raise ConnectionResetError("the socket is closed")
    finally:
        for task in (asking, closing):
            task.cancel()
        await asyncio.gather(asking, closing, return_exceptions=True)


async def never_acknowledge(base_url: str, rng: random.Random) -> int:
    """Read what is sent and never acknowledge it: it comes with every sync, until it is acknowledged.

    Returns how many messages came twice. Raises AssertionError where one was lost.
    """
    async with Borrowed(base_url, 2) as (sender, reader):
        messages = [sender.message(reader) for _ in range(rng.randint(1, 10))]
        async with await opened(reader) as first:
            with suppress(*AWAY):
                await _answered(first, {"action": "sync"})
            for message in messages:
                await served(sender, {"action": "send", "messages": [message]})
            first.cut()
        page = await served(reader, {"action": "sync"})
        came = [event["id"] for event in shown(page["events"])]
        lost = [message["id"] for message in messages if message["id"] not in came]
        assert not lost, f"{len(lost)} messages are gone that were posted and never acknowledged"
        names = [name_of(event) for event in shown(page["events"])]
        await served(reader, {"action": "sync", "ack": {"quiet": names}})
        return len(messages)


async def storm(base_url: str, sockets: int, devices: int) -> dict[str, int]:
    """Open many sockets at once, several for each device, and sync on all: one a device stays.

    Returns counts. Raises AssertionError where a device ends with two sockets, or with none that is known.
    """
    async with Borrowed(base_url, devices) as raw:
        at_once = asyncio.Semaphore(100)

        async def one(device: Device) -> Socket | None:
            async with at_once:
                try:
                    socket = await device.open()
                except AWAY:
                    return None
                with suppress(*AWAY):  # closed as the older one of two
                    await _answered(socket, {"action": "sync"})
                return socket

        tries = [one(raw[number % devices]) for number in range(sockets)]
        alive = [socket for socket in await asyncio.gather(*tries) if socket is not None]
        try:
            for device in raw:
                last = await _newest(device, alive)
                await _alone(last, [socket for socket in alive if socket.device is device])
        finally:
            await asyncio.gather(*(socket.close() for socket in alive))
    return {"opened": len(alive) - devices, "refused": sockets + devices - len(alive)}


async def _newest(device: Device, alive: list[Socket]) -> Socket:
    """One more socket of the device that syncs; all that it took are put into ``alive``."""

    async def once() -> Socket:
        alive.append(await device.open())
        await _answered(alive[-1], {"action": "sync"})
        return alive[-1]

    return await _sooner_or_later(once)


async def _alone(last: Socket, all_of_it: list[Socket]) -> None:
    """Insist that the newest socket is the only one that stays."""
    older = [socket for socket in all_of_it if socket is not last]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(socket.closed.wait() for socket in older))
    except TimeoutError:
        left = sum(not socket.closed.is_set() for socket in older)
        raise AssertionError(f"{left} older sockets of a device stay open beside its newest") from None
    assert not last.closed.is_set(), "the newest socket of a device was closed"
