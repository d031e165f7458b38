"""What encryption adds to a chat that goes on: keys of a device, first messages, and looking after both."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

from heliograph.store import profile

from bench.counting import Line, count
from bench.flows.result import Budget, Result
from bench.flows.stage import TEXT, Stage, people

KEYS = "keys"
"""The function that keeps prekeys and gives them out."""

TALKING = ("send", "ack")
"""What messages use; who looks whom up meanwhile is another flow."""


async def measure(stage: Stage, number: int = 4) -> list[Result]:
    """``number`` devices each: registered, written to for the first time, a week and a day older."""
    registering = await _registrations(stage, number)
    claims, rest = await _first_messages(stage, number)
    first = [line for line in rest if line["function"] in TALKING]
    rotations, counting = await _starts_later(stage, number)
    return [
        Result(
            flow="keys",
            name="registration with its keys",
            unit="device",
            number=number,
            counts=count(registering),
            budget=Budget(REGISTRATION, frames=0, https=4, invokes=4, wru=160, rru=20),
            naive=None,
            note="discovery, the account, a look at the keys that are there, and the upload of 122 keys",
        ),
        Result(
            flow="keys",
            name="claim",
            unit="claim",
            number=number,
            counts=count(claims),
            budget=Budget(CLAIM, frames=1, https=1, invokes=1, wru=4.2, rru=15),
            naive=None,
            note="one device of a peer: two of its keys are given once, four are read",
        ),
        Result(
            flow="keys",
            name="first message",
            unit="message",
            number=number,
            counts=count(first),
            budget=Budget(FIRST, frames=5, invokes=2, wru=6.4, rru=8),
            naive=None,
            note="without its claim and looking each other up; the row holds a KEM ciphertext",
        ),
        Result(
            flow="keys",
            name="weekly rotation",
            unit="rotation",
            number=number,
            counts=count(rotations),
            budget=Budget(ROTATION, frames=0, https=1, invokes=1, wru=8, rru=15),
            naive=None,
            note="a signed prekey and a last-resort key are made anew; those before them are deleted",
        ),
        Result(
            flow="keys",
            name="connect with the daily count",
            unit="connect",
            number=number,
            counts=count(counting),
            budget=Budget(COUNTING, frames=2, invokes=4, wru=3, rru=10),
            naive=None,
            note="as a connect; its sync asks how many one-time keys are left",
        ),
    ]


REGISTRATION, CLAIM, FIRST, ROTATION, COUNTING = 110.0, 7.5, 11.0, 9.0, 6.7
"""Dollars per million, what may be spent."""


async def _registrations(stage: Stage, number: int) -> list[Line]:
    """So many accounts are made, each with the keys of its first device; none of them connects."""
    start = await stage.settled()
    for _ in range(number):
        async with stage.client(handle := f"b{secrets.token_hex(6)}", connect=False) as client:
            await client.register(handle)
    return await stage.lines(start)


async def _first_messages(stage: Stage, number: int) -> tuple[list[Line], list[Line]]:
    """Somebody writes to so many people for the first time: the claims, and all else that it takes."""
    async with people(stage, 1, *[1] * number) as ([alice], *others):
        known = [await alice.client.conversation(other.client.handle) for [other] in others]
        for [other] in others:
            await other.client.conversation(alice.client.handle)
        start = await stage.settled()
        for conversation in known:
            await (await conversation.send(TEXT)).reached("delivered", 30)
        lines = await stage.lines(start)
    return _split(lines)


async def _starts_later(stage: Stage, number: int) -> tuple[list[Line], list[Line]]:
    """Starts of a device that is a week older each time: its rotations; and a day older: its connects."""
    rotations: list[Line] = []
    counted: list[Line] = []
    async with people(stage, 1) as ([alice],):
        await alice.client.close()
        await stage.ended()
        for _ in range(number):
            _age(stage, alice.store, prekeys_by=timedelta(days=8))
            rotations += _split(await _start(stage, alice.store, wait_for_keys=True))[0]
            _age(stage, alice.store, asked_by=timedelta(days=1, hours=1))
            counted += await _start(stage, alice.store)
    return rotations, counted


def _split(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """What the function of keys recorded, and what others did."""
    return [line for line in lines if line["function"] == KEYS], [
        line for line in lines if line["function"] != KEYS
    ]


async def _start(stage: Stage, store: str, *, wait_for_keys: bool = False) -> list[Line]:
    """What one start of a device records, its end included."""
    start = stage.place()
    async with stage.client(store) as client, asyncio.timeout(30):
        await client.connected()
        while wait_for_keys and not _split(stage.read(start))[0]:
            await stage.settled()
        await stage.settled()
    await stage.ended()
    return stage.read(start)


def _age(
    stage: Stage, store: str, *, prekeys_by: timedelta = timedelta(), asked_by: timedelta = timedelta()
) -> None:
    """Let time pass in a closed store: since its keys were made, or the server was asked for counts."""
    with closing(sqlite3.connect(stage.store(store))) as connection, connection:
        connection.execute(
            "UPDATE prekeys SET made_at = made_at - ? WHERE kind IN ('signed', 'last_resort')",
            (_ms(prekeys_by),),
        )
        asked = int(profile.get(connection, "keys_asked_at") or 0)
        profile.put(connection, "keys_asked_at", asked - _ms(asked_by))


def _ms(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)
